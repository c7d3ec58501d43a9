import fc from 'fast-check'
import { expect, it } from 'vitest'
import { normalBestProbabilities } from '../../algorithms/best-arm.ts'
import { gaussHermite } from '../../algorithms/gauss-hermite.ts'
import { normalCdf } from '../../algorithms/normal.ts'
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

it('Gauss–Hermite comes as near with 16, 32 and 64 nodes as noted: 7e-4, 3e-5, 1e-7', () => {
  const [means, deviations] = [
    [0.1, 0.12, 0.08],
    [0.02, 0.03, 0.01],
  ]
  const exact = normalBestProbabilities(Float64Array.from(means), Float64Array.from(deviations))
  const errors = [16, 32, 64].map((order) => {
    const { nodes, weights } = gaussHermite(order)
    const chances = means.map((mean, k) =>
      nodes.reduce((sum, node, n) => {
        const x = mean + node * deviations[k]!
        const below = means.map((other, i) => (i === k ? 1 : normalCdf((x - other) / deviations[i]!)))
        return sum + weights[n]! * below.reduce((product, chance) => product * chance, 1)
      }, 0),
    )
    return Math.max(...chances.map((chance, k) => Math.abs(chance - exact[k]!)))
  })
  ;[7e-4, 3e-5, 1e-7].forEach((noted, n) => {
    expect(Math.abs(errors[n]! / noted - 1)).toBeLessThan(0.25)
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
