import { describe, expect, it } from 'vitest'
import { gradedNdcg, meanRankingMetrics, rankingMetrics } from '../../algorithms/ranking-metrics.ts'

// Fixtures and values of recommenders' own tests (recsys-notes.md section 7).
const truth: Record<number, number[]> = {
  1: [3, 1, 2],
  2: [1, 4, 5, 6, 7],
  3: [2, 5, 6, 8, 9, 10, 11, 12, 13, 14],
}
const scores: Record<number, Record<number, number>> = {
  1: { 12: 12, 3: 14, 10: 13 },
  2: { 10: 14, 3: 13, 5: 12, 11: 11, 13: 10 },
  3: { 4: 14, 10: 13, 7: 12, 13: 11, 1: 10, 3: 9, 5: 8, 2: 7, 11: 6, 14: 5 },
}
const listOf = (user: number) =>
  Object.entries(scores[user]!)
    .sort(([a, x], [b, y]) => y - x || Number(a) - Number(b))
    .map(([item]) => Number(item))

describe('rankingMetrics', () => {
  it('gives the golden means', () => {
    const mean = meanRankingMetrics([1, 2, 3].map((user) => rankingMetrics(listOf(user), new Set(truth[user]), 10)))
    expect(mean.users).toBe(3)
    // Published digits are cut off, not rounded.
    const cutOff = (value: number) => Math.floor(value * 1e5) / 1e5
    expect(cutOff(mean.precision)).toBe(0.26666)
    expect(cutOff(mean.recall)).toBe(0.37777)
    expect(cutOff(mean.averagePrecision)).toBe(0.23613)
    expect(cutOff(mean.ndcg)).toBe(0.38172)
  })

  it('counts by hand', () => {
    const metrics = rankingMetrics(['x', 'a', 'y', 'b'], new Set(['a', 'b', 'c']), 3)!
    expect(metrics.precision).toBeCloseTo(1 / 3, 15)
    expect(metrics.recall).toBeCloseTo(1 / 3, 15)
    expect(metrics.reciprocalRank).toBe(0.5)
    expect(metrics.hitRate).toBe(1)
    expect(metrics.averagePrecision).toBeCloseTo(0.5 / 3, 15)
    expect(metrics.ndcg).toBeCloseTo(1 / Math.log2(3) / (1 + 1 / Math.log2(3) + 0.5), 12)
  })

  it('is 1 for the ideal list, and weighs rank 1 above rank 2', () => {
    const ideal = rankingMetrics([1, 2], new Set([1, 2]), 2)!
    for (const value of Object.values(ideal)) expect(value).toBe(1)
    const first = rankingMetrics([1, 9], new Set([1]), 10)!
    const second = rankingMetrics([9, 1], new Set([1]), 10)!
    expect(first.ndcg).toBe(1)
    expect(second.ndcg).toBeCloseTo(0.63093, 5)
    expect(first.precision).toBe(0.1) // hits/k, also for a short list
  })

  it('leaves users without relevant items out, and counts them', () => {
    expect(rankingMetrics([1], new Set<number>(), 10)).toBe(null)
    const mean = meanRankingMetrics([null, rankingMetrics([1], new Set([1]), 1)])
    expect([mean.users, mean.skipped, mean.recall]).toEqual([1, 1, 1])
    expect(meanRankingMetrics([null]).recall).toBe(0)
  })
})

describe('gradedNdcg', () => {
  it('uses 2^grade − 1 over log2(rank + 1)', () => {
    const grades = new Map([
      ['a', 3],
      ['b', 1],
    ])
    expect(gradedNdcg(['a', 'b'], grades, 10)).toBe(1)
    const ideal = 7 + 1 / Math.log2(3)
    expect(gradedNdcg(['b', 'x', 'a'], grades, 10)).toBeCloseTo((1 + 7 / 2) / ideal, 12)
    expect(gradedNdcg(['b'], new Map(), 10)).toBe(null)
  })
})
