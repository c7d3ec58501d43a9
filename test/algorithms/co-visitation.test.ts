import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addNeighbour,
  countJaccard,
  emptyNeighbourList,
  type NeighbourList,
  neighbourWeightAt,
  removeNeighbour,
  shrunkCosine,
} from '../../algorithms/co-visitation.ts'

const dayMs = 24 * 3_600_000
const startMs = 1_600_000_000_000

function expectSorted(list: NeighbourList): void {
  for (let n = 1; n < list.items.length; n++) {
    const [above, below] = [list.weights[n - 1]!, list.weights[n]!]
    expect(above > below || (above === below && list.items[n - 1]! < list.items[n]!)).toBe(true)
  }
}

describe('neighbour list', () => {
  it('ranks by decayed count, straight from the definition', () => {
    const visit = fc.record({
      item: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      weight: fc.double({ min: 0.1, max: 2, noNaN: true }),
      timeMs: fc.integer({ min: startMs, max: startMs + 300 * dayMs }),
    })
    fc.assert(
      fc.property(fc.array(visit, { minLength: 1, maxLength: 80 }), (visits) => {
        const list = emptyNeighbourList()
        for (const { item, weight, timeMs } of visits) addNeighbour(list, item, weight, timeMs)
        expectSorted(list)
        const nowMs = startMs + 300 * dayMs
        for (let n = 0; n < list.items.length; n++) {
          let expected = 0
          for (const v of visits) if (v.item === list.items[n]) expected += v.weight * 0.5 ** ((nowMs - v.timeMs) / (30 * dayMs))
          expect(neighbourWeightAt(list, n, nowMs) / expected).toBeCloseTo(1, 9)
        }
        expect(new Set(list.items)).toEqual(new Set(visits.map((v) => v.item)))
      }),
    )
  })

  it('holds at most its maximum; the lightest leaves, and only for a heavier one', () => {
    const list = emptyNeighbourList()
    const options = { neighboursMax: 3 }
    for (const [item, weight] of [
      ['a', 3],
      ['b', 2],
      ['c', 1],
    ] as const)
      addNeighbour(list, item, weight, startMs, options)
    addNeighbour(list, 'd', 0.5, startMs, options)
    expect(list.items).toEqual(['a', 'b', 'c'])
    addNeighbour(list, 'd', 1, startMs, options) // a tie: the smaller id stays
    expect(list.items).toEqual(['a', 'b', 'c'])
    addNeighbour(list, 'd', 1, startMs + dayMs, options) // a day later the same count weighs more
    expect(list.items).toEqual(['a', 'b', 'd'])
    for (let n = 0; n < 500; n++) addNeighbour(list, `x${n % 40}`, 1 + (n % 7), startMs + n * 1000, options)
    expect(list.items.length).toBe(3)
    expectSorted(list)
  })

  it('moves an item up as it gains', () => {
    const list = emptyNeighbourList()
    for (const item of ['a', 'b', 'c', 'c', 'c', 'b']) addNeighbour(list, item, 1, startMs)
    expect(list.items).toEqual(['c', 'b', 'a'])
    expect(removeNeighbour(list, 'b')).toBe(true)
    expect(removeNeighbour(list, 'b')).toBe(false)
    expect(list.items).toEqual(['c', 'a'])
    expect(list.weights.length).toBe(2)
  })
})

describe('similarity of counts', () => {
  it('is shrunk while evidence is thin', () => {
    expect(shrunkCosine(1, 1, 1)).toBeCloseTo(1 / 21, 15)
    expect(shrunkCosine(30, 60, 80)).toBeCloseTo(30 / Math.sqrt(80 * 100), 15)
    expect(shrunkCosine(0, 0, 0, 0)).toBe(0)
  })

  it('Jaccard', () => {
    expect(countJaccard(2, 4, 6)).toBe(0.25)
    expect(countJaccard(0, 0, 0)).toBe(0)
  })
})
