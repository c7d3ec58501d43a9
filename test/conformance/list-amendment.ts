import { expect, it } from 'vitest'
import { createRandom, type Random } from '../../core/random.ts'
import { removedItem } from '../../operators/keeper/fill-list.ts'
import type { ListAmendment, ListEntry, ListStore } from '../../ports/list-store.ts'
import type { RemovedItem } from '../../schemas/amended-texts.ts'
import type { RecommendedItem, RuleEffect } from '../../schemas/recommendation.ts'
import {
  decodeServed,
  encodeServed,
  itemIdsOf,
  itemStartsOf,
  type ServedList,
  type ServedReserve,
} from '../../schemas/served-list.ts'
import { waitUntil } from './wait-until.ts'

/** The promises of `ListStore.amend` as cases: two connections to one store, and keys nobody has used. */
export function listAmendmentConformance(open: () => readonly [ListStore, ListStore], newKey: () => string): void {
  const stored = async (key: string) => {
    const [list, reserve] = await open()[1].get([key, `${key}:reserve`])
    return { list: decodeServed<ServedList>(list ?? null)!, reserve: decodeServed<ServedReserve>(reserve ?? null)!, text: list! }
  }
  const ids = (items: readonly RecommendedItem[]) => items.map(({ itemId }) => itemId).join(' ')

  it.each([
    { removed: 'b', placed: [['x', null]], list: 'a c d x', reserve: 'y z', why: 'a spare at the end' },
    { removed: 'a', placed: [['x', null]], list: 'b c d x', reserve: 'y z', why: 'the first goes' },
    { removed: 'd', placed: [['z', null]], list: 'a b c z', reserve: 'x y', why: 'the last goes, the last spare comes' },
    { removed: 'b', placed: [['y', 'a']], list: 'y a c d', reserve: 'x z', why: 'a spare in front' },
    {
      removed: 'b',
      placed: [
        ['y', 'd'],
        ['x', 'y'],
      ],
      list: 'a c x y d',
      reserve: 'z',
      why: 'a spare before a spare',
    },
    { removed: 'b', placed: [['a', null]], list: 'c d a', reserve: 'x y z', why: 'one of the list moves' },
    { removed: 'b', placed: [], list: 'a c d', reserve: 'x y z', why: 'no spare: the list becomes shorter' },
    { removed: 'a b c d', placed: [], list: '', reserve: 'x y z', why: 'nothing is left' },
    {
      removed: 'a b c d',
      placed: [
        ['x', null],
        ['z', null],
      ],
      list: 'x z',
      reserve: 'y',
      why: 'all are new',
    },
    {
      removed: 'a',
      placed: [
        ['x', null],
        ['y', null],
        ['z', null],
      ],
      list: 'b c d x y z',
      reserve: '',
      why: 'no spare is left',
    },
    { removed: 'q', placed: [], list: 'a b c d', reserve: 'x y z', why: 'it is not there' },
    { removed: 'b', placed: [['q', null]], list: 'a c d', reserve: 'x y z', why: 'a spare that is not there' },
    { removed: 'b', placed: [['x', 'q']], list: 'a c d x', reserve: 'y z', why: 'before one that is not there: at the end' },
  ])('amends a list: $why', async ({ removed, placed, list, reserve }) => {
    const [store] = open()
    const key = newKey()
    await store.swap([listOf(key, ['a', 'b', 'c', 'd'], ['x', 'y', 'z'])])
    const before = await stored(key)
    const amendment = amendmentOf(key, {
      removed: near(removed.split(' ')),
      placed: placed.map(([itemId, before]) => ({ itemId: itemId!, before: before ?? null })),
    })
    expect(await store.amend([amendment])).toEqual([true])
    const after = await stored(key)
    expect(ids(after.list.items)).toBe(list)
    expect(ids(after.reserve.items)).toBe(reserve)
    const all = new Map([...before.list.items, ...before.reserve.items].map((item) => [item.itemId, item]))
    for (const item of [...after.list.items, ...after.reserve.items]) expect(item).toEqual(all.get(item.itemId))
    expect(after.list).toEqual({ ...before.list, items: after.list.items, rules: [...amendment.effects, ...before.list.rules] })
    expect(await store.amend([amendment])).toEqual([true])
    const again = await stored(key)
    expect({ list: again.list, reserve: again.reserve }).toEqual({ list: after.list, reserve: after.reserve })
  })

  it('keeps the version: the same batch again does not bring the item back, a newer list stays as it is', async () => {
    const [store, other] = open()
    const key = newKey()
    const gone = amendmentOf(key, { removed: near(['b']) })
    await store.swap([listOf(key, ['a', 'b'], [])])
    expect(await other.amend([gone])).toEqual([true])
    expect(await store.swap([listOf(key, ['a', 'b'], [])])).toEqual([false])
    expect(ids((await stored(key)).list.items)).toBe('a')
    const newer = listOf(key, ['b', 'c'], [], { epoch: 3, position: 12 })
    expect(await store.swap([newer])).toEqual([true])
    expect(await other.amend([gone])).toEqual([false])
    expect((await stored(key)).text).toBe(newer.value)
  })

  it('touches no list of another version, also not one whose number begins alike, and none that is not there', async () => {
    const [store] = open()
    const [key, absent] = [newKey(), newKey()]
    await store.swap([listOf(key, ['a', 'b'], ['x'], { epoch: 3, position: 110 })])
    const before = await stored(key)
    const amendments = [
      { ...amendmentOf(key, { removed: near(['b']) }), version: { epoch: 3, position: 11 } },
      { ...amendmentOf(key, { removed: near(['b']) }), version: { epoch: 2, position: 110 } },
      amendmentOf(absent, { removed: near(['b']) }),
    ]
    expect(await store.amend(amendments)).toEqual([false, false, false])
    expect((await stored(key)).text).toBe(before.text)
    expect(await store.get([absent])).toEqual([null])
  })

  it('amends a list whose reserve is gone, and ids of any characters', async () => {
    const [store] = open()
    const key = newKey()
    const odd = ['"', '\\', 'a"b', 'ä 日本 👩‍👩‍👧', ',{"itemId":"a"', ']}', '%d+', '\u0000\n', 'a']
    await store.swap([listOf(key, odd, ['spare'])])
    for (const [at, itemId] of odd.entries()) {
      await store.amend([amendmentOf(key, { removed: near([itemId]) })])
      expect((await stored(key)).list.items.map((item) => item.itemId)).toEqual(odd.slice(at + 1))
    }
    await store.remove([`${key}:reserve`])
    await store.swap([{ ...listOf(key, ['a', 'b'], [], { epoch: 9, position: 9 }), companions: [] }])
    const late = {
      ...amendmentOf(key, { removed: near(['a']), placed: [{ itemId: 'spare', before: null }] }),
      version: { epoch: 9, position: 9 },
    }
    expect(await store.amend([late])).toEqual([true])
    const list = decodeServed<ServedList>((await store.get([key]))[0] ?? null)!
    expect(ids(list.items)).toBe('b')
    expect(await store.get([`${key}:reserve`])).toEqual([null])
  })

  it('leaves the time of expiry', async () => {
    const [store] = open()
    const key = newKey()
    await store.swap([{ ...listOf(key, ['a', 'b'], ['x']), ttlS: 1 }])
    expect(await store.amend([amendmentOf(key, { removed: near(['b']), placed: [{ itemId: 'x', before: null }] })])).toEqual([
      true,
    ])
    const keys = [key, `${key}:reserve`]
    await waitUntil('list and reserve expire', async () => (await store.get(keys)).every((text) => text === null), 5_000)
  })

  it('does what editing the values would: 300 lists of random items and edits, at once', async () => {
    const [store] = open()
    const random = createRandom('amend')
    const trials = Array.from({ length: 300 }, () => randomTrial(newKey(), random))
    await store.swap(trials.map(({ entry }) => entry))
    expect((await store.amend(trials.map(({ amendment }) => amendment))).every(Boolean)).toBe(true)
    for (const { amendment, shown, spares } of trials) {
      const { list, reserve } = await stored(amendment.key)
      const expected = edited(shown, spares, amendment)
      expect(ids(list.items)).toBe(expected.shown.join(' '))
      expect(ids(reserve.items)).toBe(expected.spares.join(' '))
    }
    await store.remove(trials.flatMap(({ amendment: { key, reserveKey } }) => [key, reserveKey]))
  })

  it('finds items by the bytes they took when the list was written, also where somebody else has edited it since', async () => {
    const [store] = open()
    const random = createRandom('bytes')
    const trials = Array.from({ length: 300 }, () => randomTrial(newKey(), random))
    await store.swap(trials.map(({ entry }) => entry))
    let lists = trials.map(({ shown, spares }) => ({ shown, spares }))
    for (let round = 0; round < 3; round++) {
      const amendments = trials.map(({ entry }) => {
        const { removed, placed } = randomEdits(random)
        return amendmentOf(entry.key, {
          removed: removed.map((item) => ({ ...item, ...bytesOf(item.itemId, entry.value) })),
          placed,
        })
      })
      await store.amend(amendments)
      lists = lists.map(({ shown, spares }, n) => edited(shown, spares, amendments[n]!))
      for (const [n, { entry }] of trials.entries()) {
        const { list, reserve } = await stored(entry.key)
        expect(ids(list.items)).toBe(lists[n]!.shown.join(' '))
        expect(ids(reserve.items)).toBe(lists[n]!.spares.join(' '))
      }
    }
    await store.remove(trials.flatMap(({ amendment: { key, reserveKey } }) => [key, reserveKey]))
  })

  it('does nothing with no amendments', async () => {
    expect(await open()[0].amend([])).toEqual([])
  })
}

/** Items to remove, with a poor guess where they are. */
function near(itemIds: readonly string[]): ListAmendment['removed'] {
  return itemIds.map((itemId, at) => ({ itemId, near: at % 2 }))
}

const sold: RuleEffect = { ruleId: 'stock', kind: 'excluded', itemId: 'b' }

function amendmentOf(key: string, edits: Partial<ListAmendment>): ListAmendment {
  const version = { epoch: 3, position: 11 }
  return { key, reserveKey: `${key}:reserve`, version, removed: [], placed: [], effects: [sold], ...edits }
}

function listOf(
  key: string,
  shown: readonly string[],
  spares: readonly string[],
  version: ListAmendment['version'] = { epoch: 3, position: 11 },
): ListEntry {
  const item = (itemId: string, at: number): RecommendedItem => ({
    itemId,
    score: 1 / (at + 1.7),
    sources: ['session'],
    reason: { code: 'seen_together', itemId: 'b', scope: 'say "b" }]' },
    propensity: 1,
    explored: false,
  })
  const list: ServedList = {
    listId: '0-1',
    userId: 'u "1"',
    surface: 'home',
    generatedMs: 1,
    watermarkMs: 1,
    loggedMs: 1,
    policy: 'learned',
    policyVersion: '1',
    exploration: null,
    made: null,
    seed: '0-1',
    rung: 'ranker',
    modelVersion: '1',
    personalShare: 1,
    rules: [{ ruleId: 'quiet', kind: 'held-back', itemId: 'b' }],
    items: shown.map(item),
  }
  const reserve = encodeServed(version, { listId: '0-1', items: spares.map(item) })
  return { key, value: encodeServed(version, list), companions: [{ key: `${key}:reserve`, value: reserve }], version, ttlS: 60 }
}

/** Where an item stood between two others in a list's text, as an index of the list would know it. */
function bytesOf(itemId: string, text: string): Pick<RemovedItem, 'bytes'> {
  const place = itemIdsOf(text).indexOf(itemId)
  const { bytes } = removedItem(
    itemId,
    { items: [], size: 0, starts: itemStartsOf(text), epoch: 0, position: 0, timeMs: 0 },
    place,
  )
  return bytes ? { bytes } : {}
}

const names = Array.from({ length: 12 }, (_, n) => `i${n}`)

function randomEdits(random: Random): Pick<ListAmendment, 'removed' | 'placed'> {
  const any = () => names[random.below(names.length)]!
  return {
    removed: Array.from({ length: random.below(4) }, () => ({ itemId: any(), near: random.next() })),
    placed: Array.from({ length: random.below(4) }, () => ({ itemId: any(), before: random.below(2) ? any() : null })),
  }
}

function randomTrial(key: string, random: Random) {
  const shuffled = [...names]
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!]
  }
  const size = random.below(9)
  const [shown, spares] = [shuffled.slice(0, size), shuffled.slice(size)]
  return { entry: listOf(key, shown, spares), amendment: amendmentOf(key, randomEdits(random)), shown, spares }
}

/** The edits on arrays of ids: what the texts must come to. */
function edited(shown: readonly string[], spares: readonly string[], { removed, placed }: ListAmendment) {
  const gone = new Set(removed.map(({ itemId }) => itemId))
  let list = shown.filter((itemId) => !gone.has(itemId))
  let reserve = [...spares]
  const coming = new Map<string, string | null>()
  for (const { itemId, before } of placed) {
    if (!coming.has(itemId) && (list.includes(itemId) || reserve.includes(itemId))) coming.set(itemId, before)
  }
  list = list.filter((itemId) => !coming.has(itemId))
  reserve = reserve.filter((itemId) => !coming.has(itemId))
  for (const [itemId, before] of coming) {
    const at = before === null ? -1 : list.indexOf(before)
    list.splice(at < 0 ? list.length : at, 0, itemId)
  }
  return { shown: list, spares: reserve }
}
