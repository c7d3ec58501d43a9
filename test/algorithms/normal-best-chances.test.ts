import fc from 'fast-check'
import { expect, it } from 'vitest'
import { normalBestProbabilities } from '../../algorithms/best-arm.ts'
import { gaussHermite } from '../../algorithms/gauss-hermite.ts'
import { normalBestChances } from '../../algorithms/normal-best-chances.ts'

it('Gauss–Hermite integrates polynomials against the normal density exactly', () => {
  for (const order of [5, 16, 64]) {
    const { nodes, weights } = gaussHermite(order)
    const moment = (power: number) => nodes.reduce((sum, node, i) => sum + weights[i]! * node ** power, 0)
    // E[Z⁰], E[Z²], … = 1, 1, 3, 15, 105.
    ;[1, 1, 3, 15, 105].forEach((value, n) => {
      expect(moment(2 * n) / value).toBeCloseTo(1, 10)
    })
    expect(moment(3)).toBeCloseTo(0, 10)
  }
})

it('has the golden chances', () => {
  const chances = normalBestChances(Float64Array.of(0.1, 0.12, 0.08), Float64Array.of(0.02, 0.03, 0.01))
  ;[0.2750667, 0.6985092, 0.0264241].forEach((chance, arm) => {
    expect(chances[arm]).toBeCloseTo(chance, 6)
  })
})

it('agrees with the adaptive quadrature, whatever lies how far apart', () => {
  const arm = fc.record({
    mean: fc.double({ min: -3, max: 3, noNaN: true }),
    deviation: fc.double({ min: 0.05, max: 2, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(arm, { minLength: 2, maxLength: 8 }), (arms) => {
      const means = Float64Array.from(arms, ({ mean }) => mean)
      const deviations = Float64Array.from(arms, ({ deviation }) => deviation)
      const exact = normalBestProbabilities(means, deviations)
      normalBestChances(means, deviations).forEach((chance, at) => {
        expect(Math.abs(chance - exact[at]!)).toBeLessThan(1e-6)
      })
    }),
    { numRuns: 60 },
  )
})
