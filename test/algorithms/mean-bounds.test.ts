import { describe, expect, it } from 'vitest'
import { crossFit } from '../../algorithms/cross-fit.ts'
import { bernsteinLower, bootstrapInterval, hoeffdingLower, normalInterval } from '../../algorithms/mean-bounds.ts'
import { meanEstimateOf, replay, subGaussianDoublyRobust } from '../../algorithms/off-policy.ts'
import { createRandom } from '../../core/random.ts'

describe('bounds of a mean', () => {
  it('hold as often as they say on skewed rewards', () => {
    const random = createRandom('bounds')
    const rate = 0.05
    const rows = 600
    const missed = { normal: 0, bootstrap: 0, hoeffding: 0, bernstein: 0 }
    const trials = 300
    for (let trial = 0; trial < trials; trial++) {
      const values = Float64Array.from({ length: rows }, () => (random.next() < rate ? 1 : 0))
      const estimate = meanEstimateOf(values)
      const [low, high] = normalInterval(estimate)
      if (rate < low || rate > high) missed.normal++
      const total = (counts: Float64Array) => counts.reduce((sum, count, n) => sum + count * values[n]!, 0) / rows
      const [left, right] = bootstrapInterval(rows, total, random, { resamples: 100 })
      if (rate < left || rate > right) missed.bootstrap++
      if (rate < hoeffdingLower(estimate.value, rows, 1)) missed.hoeffding++
      if (rate < bernsteinLower(estimate.value, estimate.standardError ** 2 * rows, rows, 1)) missed.bernstein++
    }
    expect(missed.normal / trials).toBeLessThan(0.1)
    expect(missed.bootstrap / trials).toBeLessThan(0.12)
    expect(missed.hoeffding / trials).toBeLessThan(0.05)
    expect(missed.bernstein / trials).toBeLessThan(0.05)
    expect(missed.normal + missed.bootstrap).toBeGreaterThan(0)
  })

  it('are what their formulas say', () => {
    expect(normalInterval({ value: 1, standardError: 0.5 })[0]).toBeCloseTo(1 - 1.959964 * 0.5, 6)
    expect(hoeffdingLower(0.5, 200, 2, 0.05)).toBeCloseTo(0.5 - 2 * Math.sqrt(2.995732 / 400), 6)
    expect(bernsteinLower(0.5, 0.04, 101, 1, 0.1)).toBeCloseTo(
      0.5 - (7 * 2.995732) / 300 - Math.sqrt((2 * 2.995732 * 0.04) / 101),
      6,
    )
  })
})

describe('off-policy pieces', () => {
  it('replay keeps what matches', () => {
    expect(replay(Float64Array.of(1, 0, 1, 0), [true, true, false, true])).toMatchObject({ value: 1 / 3, rows: 3 })
    expect(replay(new Float64Array(0), [])).toEqual({ value: 0, standardError: 0, rows: 0 })
  })

  it('sub-Gaussian weights lie between DR and a model of equal policies', () => {
    const log = {
      weights: Float64Array.of(0.5, 4),
      rewards: Float64Array.of(1, 0),
      predicted: Float64Array.of(0.4, 0.1),
      expected: Float64Array.of(0.3, 0.2),
    }
    const by = (weights: number[]) =>
      log.expected.reduce((sum, q, n) => sum + q + weights[n]! * (log.rewards[n]! - log.predicted[n]!), 0) / 2
    expect(subGaussianDoublyRobust(log, 0).value).toBeCloseTo(by([0.5, 4]), 12)
    expect(subGaussianDoublyRobust(log, 0.5).value).toBeCloseTo(by([0.5 / 0.75, 4 / 2.5]), 12)
    expect(subGaussianDoublyRobust(log, 1).value).toBeCloseTo(by([1, 1]), 12)
  })

  it('a cross-fitted model has not seen what it predicts', () => {
    const rows = {
      cell: Int32Array.of(0, 0, 0, 1),
      cells: 2,
      rewards: Float64Array.of(1, 0, 1, 1),
      fold: Int32Array.of(0, 1, 1, 0),
      folds: 2,
    }
    const model = crossFit(rows, 1)
    // Without fold 0: rewards 0 and 1 of cell 0, mean .5. Without fold 1: one 1 of each cell, mean 1.
    expect([...model]).toEqual([(1 + 0.5) / 3, 0.5, 1, 1])
    const changed = crossFit({ ...rows, rewards: Float64Array.of(9, 0, 1, 9) }, 1)
    expect([...changed.subarray(0, 2)]).toEqual([...model.subarray(0, 2)])
  })
})
