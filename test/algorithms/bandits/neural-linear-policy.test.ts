import { expect, it } from 'vitest'
import { neuralLinearPolicy } from '../../../algorithms/bandits/neural-linear-policy.ts'
import { studentBestProbabilities } from '../../../algorithms/best-arm.ts'
import { sampleGamma, sampleNormal } from '../../../algorithms/sample.ts'
import { createRandom } from '../../../core/random.ts'

it('chooses as often as draws of noise and weights from the posterior make a candidate the best', () => {
  const policy = neuralLinearPolicy({ lambda: 0.5, shape: 1.5, scale: 0.3 })
  const random = createRandom('neural')
  // One feature, so that the posterior can be written down: Λ = λ + Σx², μ = Σxy/Λ, a = a₀ + n/2, b = b₀ + ½(Σy² − μ²Λ).
  const seen: Record<string, readonly (readonly [number, number])[]> = {
    a: [
      [1, 0.4],
      [0.5, 0.1],
      [2, 1.1],
    ],
    b: [
      [1, 0.7],
      [1, 0.2],
    ],
  }
  const sums = new Map<string, Float64Array>()
  for (const [arm, rows] of Object.entries(seen)) {
    sums.set(arm, new Float64Array(policy.width(1)))
    for (const [x, reward] of rows) policy.observe(sums.get(arm)!, { features: Float64Array.of(x), reward, weight: 1, seed: '' })
  }
  const x = 1.2
  const wins = { a: 0, b: 0, c: 0 }
  const draws = 200_000
  const posteriors = ['a', 'b', 'c'].map((arm) => {
    const rows = seen[arm] ?? []
    const precision = 0.5 + rows.reduce((sum, [one]) => sum + one * one, 0)
    const mean = rows.reduce((sum, [one, y]) => sum + one * y, 0) / precision
    const left = rows.reduce((sum, [, y]) => sum + y * y, 0) - mean * mean * precision
    return { arm: arm as 'a' | 'b' | 'c', precision, mean, shape: 1.5 + rows.length / 2, scale: 0.3 + left / 2 }
  })
  for (let draw = 0; draw < draws; draw++) {
    let best: 'a' | 'b' | 'c' = 'a'
    let bestScore = Number.NEGATIVE_INFINITY
    for (const { arm, precision, mean, shape, scale } of posteriors) {
      const variance = scale / sampleGamma(random, shape)
      const score = x * (mean + Math.sqrt(variance / precision) * sampleNormal(random))
      if (score > bestScore) {
        best = arm
        bestScore = score
      }
    }
    wins[best]++
  }
  const choices = { arms: ['a', 'b', 'c'], features: Float64Array.of(x, x, x), width: 1, decisions: 5 }
  const chances = policy.chances(choices, sums, random).values
  Object.values(wins).forEach((count, arm) => {
    expect(Math.abs(chances[arm]! - count / draws)).toBeLessThan(0.004)
  })
})

it('is the normal case when noise is known well', () => {
  const many = Float64Array.of(1e7, 1e7, 1e7)
  const chances = studentBestProbabilities(Float64Array.of(0.1, 0.12, 0.08), Float64Array.of(0.02, 0.03, 0.01), many)
  // Gaussian golden of Thompson sampling.
  ;[0.2750667, 0.6985092, 0.0264241].forEach((chance, arm) => {
    expect(chances[arm]).toBeCloseTo(chance, 6)
  })
})
