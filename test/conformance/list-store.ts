import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListEntry, ListStore } from '../../ports/list-store.ts'
import { listAmendmentConformance } from './list-amendment.ts'
import { waitUntil } from './wait-until.ts'

/**
 * Every promise of ports/list-store.ts as a case. `open` answers another connection to the same data at each call; its `close`
 * releases everything it opened.
 */
export function listStoreConformance(name: string, open: () => Promise<ListStore>): void {
  describe(`ListStore: ${name}`, () => {
    let store: ListStore
    let other: ListStore

    beforeAll(async () => {
      store = await open()
      other = await open()
    })
    afterAll(async () => {
      await store?.close()
      await other?.close()
    })

    it('writes where nothing is stored and reads it back through any connection', async () => {
      const [a, b] = [newKey(), newKey()]
      expect(await store.swap([entry(a, 1, 0), entry(b, 0, 0, { text: '日本 👩‍👩‍👧 \u0000 "quoted"' })])).toEqual([true, true])
      const [first, absent, second] = await other.get([a, newKey(), b])
      expect(first).toBe(entry(a, 1, 0).value)
      expect(absent).toBeNull()
      expect(JSON.parse(second!)).toMatchObject({ version: [0, 0], text: '日本 👩‍👩‍👧 \u0000 "quoted"' })
    })

    it.each([
      { stored: [3, 50], offered: [3, 51], written: true, why: 'a higher position wins' },
      { stored: [3, 50], offered: [4, 0], written: true, why: 'a higher epoch wins over any position' },
      { stored: [9, 9], offered: [10, 9], written: true, why: 'numbers are compared, not text' },
      { stored: [3, 99], offered: [3, 100], written: true, why: 'positions are compared as numbers too' },
      { stored: [1, 2 ** 53 - 2], offered: [1, 2 ** 53 - 1], written: true, why: 'the largest positions keep their order' },
      { stored: [3, 50], offered: [3, 50], written: false, why: 'the same version is refused' },
      { stored: [3, 50], offered: [3, 49], written: false, why: 'a lower position is refused' },
      { stored: [4, 0], offered: [3, 2 ** 53 - 1], written: false, why: 'a lower epoch is refused' },
    ])('$why: $stored → $offered', async ({ stored, offered, written }) => {
      const key = newKey()
      const before = entry(key, stored[0]!, stored[1]!, { text: 'before' })
      const after = entry(key, offered[0]!, offered[1]!, { text: 'after' })
      expect(await store.swap([before])).toEqual([true])
      expect(await other.swap([after])).toEqual([written])
      expect(await store.get([key])).toEqual([written ? after.value : before.value])
    })

    it('answers per entry, in order, when some are refused', async () => {
      const keys = [newKey(), newKey(), newKey(), newKey()]
      await store.swap([entry(keys[1]!, 5, 5), entry(keys[3]!, 5, 5)])
      expect(await store.swap(keys.map((key) => entry(key, 5, 5)))).toEqual([true, false, true, false])
    })

    it('lets the last of two higher versions of one key in one call win', async () => {
      const key = newKey()
      expect(await store.swap([entry(key, 1, 2), entry(key, 1, 1), entry(key, 1, 3)])).toEqual([true, false, true])
      expect(await store.get([key])).toEqual([entry(key, 1, 3).value])
    })

    it('swaps companions together with their list, or not at all', async () => {
      const key = newKey()
      const reserve = `${key}:reserve`
      const more = `${key}:more`
      const withReserve = (position: number): ListEntry => ({
        ...entry(key, 2, position),
        companions: [
          { key: reserve, value: `reserve ${position}` },
          { key: more, value: `more ${position}` },
        ],
      })
      expect(await store.swap([withReserve(10)])).toEqual([true])
      expect(await store.swap([withReserve(9)])).toEqual([false])
      expect(await other.get([reserve, more])).toEqual(['reserve 10', 'more 10'])
      expect(await store.swap([withReserve(11)])).toEqual([true])
      expect(await other.get([key, reserve, more])).toEqual([entry(key, 2, 11).value, 'reserve 11', 'more 11'])
    })

    it('keeps the highest of concurrent writers', async () => {
      const key = newKey()
      const versions = Array.from({ length: 40 }, (_, n) => (n * 17) % 40)
      await Promise.all(versions.map((position, n) => (n % 2 ? store : other).swap([entry(key, 1, position)])))
      expect(await store.get([key])).toEqual([entry(key, 1, 39).value])
    })

    it('refuses a value that does not begin with its version', async () => {
      const key = newKey()
      const wrong = { ...entry(key, 1, 2), value: '{"items":[],"version":[1,2]}' }
      await expect(store.swap([wrong])).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
      await expect(store.swap([{ ...entry(key, 1, 2), version: { epoch: 1, position: 20 } }])).rejects.toMatchObject({
        code: 'MILL_INVARIANT',
      })
      expect(await store.get([key])).toEqual([null])
    })

    it('expires a list and its companions after ttlS, keeps one with 0, and takes any version afterwards', async () => {
      const [short, long] = [newKey(), newKey()]
      const companions = [{ key: `${short}:reserve`, value: 'reserve' }]
      await store.swap([
        { ...entry(short, 9, 9), ttlS: 1, companions },
        { ...entry(long, 1, 1), ttlS: 0 },
      ])
      expect((await store.get([short]))[0]).not.toBeNull()
      await waitUntil('the list expires', async () => (await store.get([short]))[0] === null, 5_000)
      await waitUntil('its companion expires', async () => (await store.get([`${short}:reserve`]))[0] === null, 5_000)
      expect((await store.get([long]))[0]).not.toBeNull()
      expect(await keysOf(store, short)).toEqual([])
      expect(await store.swap([entry(short, 1, 0)])).toEqual([true])
    })

    it('removes keys, and what was not there without a word', async () => {
      const [a, b] = [newKey(), newKey()]
      await store.swap([entry(a, 5, 5), entry(b, 5, 5)])
      await other.remove([a, newKey()])
      expect(await store.get([a, b])).toEqual([null, entry(b, 5, 5).value])
      expect(await store.swap([entry(a, 1, 1)])).toEqual([true])
    })

    it('does nothing with nothing', async () => {
      expect(await store.swap([])).toEqual([])
      expect(await store.get([])).toEqual([])
      await store.remove([])
    })

    it('walks over keys by prefix, which is text and no pattern, each once', async () => {
      const prefix = `${newKey()}[*?`
      const keys = [prefix, ...Array.from({ length: 2_500 }, (_, n) => `${prefix}{u${n}}:home`)]
      await store.swap(keys.map((key) => entry(key, 1, 1)))
      await store.swap([entry(`${prefix.replace('*', 'x')}{u1}`, 1, 1)])
      expect((await keysOf(other, prefix)).sort()).toEqual([...keys].sort())
      for await (const some of other.scan(prefix)) {
        expect(some.length).toBeLessThan(keys.length)
        break
      }
      await store.remove(keys)
      expect(await keysOf(store, prefix)).toEqual([])
    })

    listAmendmentConformance(() => [store, other], newKey)

    it('swaps and reads 2,000 lists of 4 KiB at once', async () => {
      const entries = Array.from({ length: 2_000 }, (_, n) => entry(newKey(), 1, n, { text: 'x'.repeat(4096) }))
      expect((await store.swap(entries)).every(Boolean)).toBe(true)
      const values = await other.get(entries.map(({ key }) => key))
      expect(values.every((value, n) => value === entries[n]!.value)).toBe(true)
      await store.remove(entries.map(({ key }) => key))
    })
  })
}

async function keysOf(store: ListStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const some of store.scan(prefix)) keys.push(...some)
  return keys
}

let keys = 0

/** A key nobody has used, in the form of a served list's. */
function newKey(): string {
  return `recs:{conformance-${process.pid}-${performance.timeOrigin.toFixed(0)}-${keys++}}:home`
}

function entry(key: string, epoch: number, position: number, content: Record<string, unknown> = {}): ListEntry {
  return { key, value: JSON.stringify({ version: [epoch, position], ...content }), version: { epoch, position }, ttlS: 60 }
}
