import { describe, expect, it } from 'vitest'
import { betaBestProbabilities } from '../../algorithms/best-arm.ts'
import { betaRankProbabilities } from '../../algorithms/rank-probabilities.ts'
import { sampleBeta } from '../../algorithms/sample.ts'
import { createRandom } from '../../core/random.ts'
import { zozoMenPrior } from './zozo-men-prior.ts'

describe('betaRankProbabilities', () => {
  it('has the marginals of the ZOZO prior for item 13 of the campaign men', () => {
    const { alphas, betas } = zozoMenPrior
    const chances = betaRankProbabilities(alphas, betas, 3)
    ;[0.286605, 0.313708, 0.208709].forEach((chance, rank) => {
      expect(chances[rank * 34 + 13]).toBeCloseTo(chance, 6)
    })
    for (let rank = 0; rank < 3; rank++)
      expect(chances.subarray(rank * 34, (rank + 1) * 34).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
  })

  it('has the chances to be the best as its first row, and each arm somewhere when all ranks are asked', () => {
    const [alphas, betas] = [Float64Array.of(2, 3, 1, 1), Float64Array.of(10, 9, 12, 1)]
    const chances = betaRankProbabilities(alphas, betas, 9)
    expect(chances).toHaveLength(16)
    betaBestProbabilities(alphas, betas).forEach((chance, arm) => {
      expect(chances[arm]).toBeCloseTo(chance, 9)
    })
    for (let arm = 0; arm < 4; arm++)
      expect([0, 1, 2, 3].reduce((sum, rank) => sum + chances[rank * 4 + arm]!, 0)).toBeCloseTo(1, 7)
  })

  it('agrees with counted slates', () => {
    const posteriors = [
      { alpha: 2, beta: 10 },
      { alpha: 3, beta: 9 },
      { alpha: 1, beta: 12 },
      { alpha: 5, beta: 30 },
    ]
    const random = createRandom('ranks')
    const counts = new Float64Array(8)
    const draws = 60_000
    for (let draw = 0; draw < draws; draw++) {
      const drawn = posteriors.map(({ alpha, beta }) => sampleBeta(random, alpha, beta))
      const best = [0, 1, 2, 3].sort((a, b) => drawn[b]! - drawn[a]!).slice(0, 2)
      for (const [rank, arm] of best.entries()) counts[rank * 4 + arm]! += 1 / draws
    }
    const chances = betaRankProbabilities(
      Float64Array.from(posteriors, ({ alpha }) => alpha),
      Float64Array.from(posteriors, ({ beta }) => beta),
      2,
    )
    chances.forEach((chance, at) => {
      expect(Math.abs(chance - counts[at]!)).toBeLessThan(0.009)
    })
  })
})
