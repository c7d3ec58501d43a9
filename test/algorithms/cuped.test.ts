import { describe, expect, it } from 'vitest'
import { addToCuped, cupedEstimate, cupedTheta, emptyCupedSums, mergeCuped } from '../../algorithms/cuped.ts'
import { welchDifference } from '../../algorithms/difference.ts'
import { sampleNormal } from '../../algorithms/sample.ts'
import { createRandom } from '../../core/random.ts'

describe('cuped', () => {
  it('is the plain mean and variance of y − θ x, person by person', () => {
    const people = [
      [3, 2],
      [0, 1],
      [5, 5],
      [2, 0],
      [4, 4],
    ] as const
    const sums = emptyCupedSums()
    for (const [y, x] of people) addToCuped(sums, y, x)
    const theta = cupedTheta([sums])
    // By hand: x̄ = 2.4, ȳ = 2.8, Sxy = 47 − 33.6 = 13.4, Sxx = 46 − 28.8 = 17.2.
    expect(theta).toBeCloseTo(13.4 / 17.2, 12)
    const adjusted = people.map(([y, x]) => y - theta * x)
    const mean = adjusted.reduce((a, b) => a + b, 0) / 5
    const variance = adjusted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4
    const estimate = cupedEstimate(sums, theta)
    expect(estimate.mean).toBeCloseTo(mean, 12)
    expect(estimate.variance).toBeCloseTo(variance, 12)
    addToCuped(sums, 9, 9)
    addToCuped(sums, 9, 9, -1)
    expect(cupedEstimate(sums, theta)).toEqual(estimate)
    expect(cupedEstimate(emptyCupedSums(), 1)).toEqual({ mean: 0, variance: 0, count: 0 })
    expect(cupedTheta([])).toBe(0)
  })

  it('narrows the interval where the past explains the outcome, around the same truth', () => {
    const random = createRandom('cuped')
    const arms = [emptyCupedSums(), emptyCupedSums()] as const
    for (let person = 0; person < 4000; person++) {
      const x = sampleNormal(random)
      addToCuped(arms[person % 2]!, 10 + 2 * x + sampleNormal(random) + 0.2 * (person % 2), x)
    }
    const plain = welchDifference(cupedEstimate(arms[0], 0), cupedEstimate(arms[1], 0))!
    const theta = cupedTheta(arms)
    const better = welchDifference(cupedEstimate(arms[0], theta), cupedEstimate(arms[1], theta))!
    expect(theta).toBeCloseTo(2, 1)
    // Var(Y) = 5 shrinks to 1.
    expect(better.standardError / plain.standardError).toBeCloseTo(Math.sqrt(1 / 5), 1)
    expect(better.lower).toBeLessThan(0.2)
    expect(better.upper).toBeGreaterThan(0.2)
    const merged = emptyCupedSums()
    for (const arm of arms) mergeCuped(merged, arm)
    expect(merged.count).toBe(4000)
  })
})
