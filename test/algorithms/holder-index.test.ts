import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HeldList, HolderIndex } from '../../algorithms/holder-index.ts'
import '../property-seed.ts'

const itemsMax = 6

describe('HolderIndex', () => {
  it('finds the lists that show an item, keeps spares apart, and takes items out, like lists in a Map', () => {
    const step = fc.oneof(
      fc.record({
        key: fc.nat(8),
        items: fc.uniqueArray(fc.nat(9), { maxLength: itemsMax }),
        shown: fc.nat(itemsMax),
        remove: fc.constant(null),
      }),
      fc.record({
        key: fc.nat(8),
        items: fc.constant([]),
        shown: fc.constant(0),
        remove: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const index = new HolderIndex({ listsMax: 100, itemsMax })
        const model = new Map<string, { shown: number[]; spares: number[] }>()
        for (const { key: number, items, shown, remove } of steps) {
          const key = `list-${number}`
          const known = model.get(key)
          if (remove === null) {
            const size = Math.min(shown, items.length)
            expect(index.set(key, listOf(items, size))).toBe([...model.keys(), key].indexOf(key))
            model.set(key, { shown: items.slice(0, size), spares: items.slice(size) })
          } else if (known) {
            index.remove(index.rowOf(key), remove)
            known.shown = known.shown.filter((item) => !remove.includes(item))
          }
        }
        for (const [key, { shown, spares }] of model) {
          const list = index.get(index.rowOf(key))
          expect([...list.items]).toEqual([...shown, ...spares])
          expect(list.size).toBe(shown.length)
          expect([...list.starts]).toEqual(shown.map((item) => 100 * item + 50))
        }
        for (let item = 0; item < 10; item++) {
          const isGone = new Uint8Array(10)
          isGone[item] = 1
          const holders = [...model].flatMap(([key, { shown }]) => (shown.includes(item) ? [key] : []))
          expect(index.holders(isGone, 0, index.size).map((row) => index.keyOf(row))).toEqual(holders)
        }
      }),
    )
  })

  it('keeps lists of several blocks apart, and takes no more than its maximum, nor a list that does not fit', () => {
    const index = new HolderIndex({ listsMax: 3_000, itemsMax })
    for (let n = 0; n < 3_000; n++) expect(index.set(`list-${n}`, listOf([n, n + 1], 1))).toBe(n)
    expect(index.set('one more', listOf([1], 1))).toBe(-1)
    expect(index.set('list-5', listOf([7], 1))).toBe(5)
    expect(index.set('list-6', listOf([1, 2, 3, 4, 5, 6, 7], 7))).toBe(-1)
    const isGone = new Uint8Array(4_000)
    isGone[2_500] = 1
    expect(index.holders(isGone, 0, 9_999)).toEqual([2_500])
    expect(index.holders(isGone, 0, 2_500)).toEqual([])
    index.forget('list-2500')
    expect(index.holders(isGone, 2_000, 3_000)).toEqual([])
    expect(index.size).toBe(3_000)
  })
})

function listOf(items: readonly number[], size: number): HeldList {
  return { items, starts: items.map((item) => 100 * item + 50), size, epoch: 1, position: 2, timeMs: 3 }
}
