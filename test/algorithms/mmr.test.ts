import { describe, expect, it } from 'vitest'
import { minMaxScaled, mmr, type SimilarityTo, sortedJaccard } from '../../algorithms/mmr.ts'
import { toyQuality, toySimilarity } from './rerank-toy.ts'

/** A similarity of pairs as `mmr` asks it. */
function similarityOfPairs(similarity: (a: number, b: number) => number): SimilarityTo {
  return (chosen, rows, count, out) => {
    for (let at = 0; at < count; at++) out[at] = similarity(rows[at]!, chosen)
  }
}

const order = (lambda: number) => [...mmr(toyQuality, similarityOfPairs(toySimilarity), { lambda, count: 6, scaled: false })]

describe('mmr', () => {
  it('gives the golden orders', () => {
    expect(order(1)).toEqual([0, 1, 2, 3, 4, 5])
    expect(order(0.7)).toEqual([0, 2, 3, 5, 1, 4])
    expect(order(0.5)).toEqual([0, 2, 5, 3, 1, 4])
    expect(order(0.3)).toEqual([0, 2, 5, 3, 4, 1])
  })

  it('does not care how relevance is scaled', () => {
    const shifted = toyQuality.map((q) => 1000 * q - 7)
    const options = { lambda: 0.6, count: 10 }
    expect(mmr(shifted, similarityOfPairs(toySimilarity), options)).toEqual(
      mmr(toyQuality, similarityOfPairs(toySimilarity), options),
    )
  })

  it('takes the best first, every row once, and no more than there are', () => {
    const relevance = Float64Array.of(0.2, 0.9, 0.4)
    const rows = mmr(
      relevance,
      similarityOfPairs(() => 1),
      { count: 10 },
    )
    expect([...rows].sort()).toEqual([0, 1, 2])
    expect(rows[0]).toBe(1)
    expect(
      mmr(
        new Float64Array(0),
        similarityOfPairs(() => 1),
        { count: 3 },
      ).length,
    ).toBe(0)
    expect(
      mmr(
        relevance,
        similarityOfPairs(() => 1),
        { count: 0 },
      ).length,
    ).toBe(0)
    expect(() =>
      mmr(
        relevance,
        similarityOfPairs(() => 1),
        { count: 1, lambda: 1.5 },
      ),
    ).toThrow('lambda')
  })

  it('survives a score that is not a number: it counts as the lowest', () => {
    expect([
      ...mmr(
        Float64Array.of(Number.NaN, 0.5, 1, 0.2),
        similarityOfPairs(() => 0),
        { count: 4 },
      ),
    ]).toEqual([2, 1, 0, 3])
  })
})

describe('minMaxScaled', () => {
  it('maps to 0 … 1', () => {
    expect([...minMaxScaled(Float64Array.of(2, 6, 4))]).toEqual([0, 1, 0.5])
    expect([...minMaxScaled(Float64Array.of(3, 3))]).toEqual([1, 1])
    expect([...minMaxScaled(Float64Array.of(Number.NaN, 1, 2))]).toEqual([0, 0, 1])
  })
})

describe('sortedJaccard', () => {
  it('is shared over united, and .5 where one side has nothing', () => {
    expect(sortedJaccard(Int32Array.of(1, 2, 5), Int32Array.of(2, 5, 9))).toBe(0.5)
    expect(sortedJaccard(Int32Array.of(1), Int32Array.of(2))).toBe(0)
    expect(sortedJaccard(Int32Array.of(7, 8), Int32Array.of(7, 8))).toBe(1)
    expect(sortedJaccard(new Int32Array(0), new Int32Array(0))).toBe(0.5)
  })
})
