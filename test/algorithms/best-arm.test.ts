import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { betaBestProbabilities, normalBestProbabilities } from '../../algorithms/best-arm.ts'
import { sampleBeta } from '../../algorithms/sample.ts'
import { createRandom } from '../../core/random.ts'

const of = (alphas: number[], betas: number[]) => betaBestProbabilities(Float64Array.from(alphas), Float64Array.from(betas))

describe('betaBestProbabilities', () => {
  it('gives the golden values', () => {
    const chances = of([2, 3, 1], [10, 9, 12])
    const expected = [0.2738968, 0.6705252, 0.055578]
    expected.forEach((value, arm) => {
      expect(chances[arm]).toBeCloseTo(value, 7)
    })
    expect(of([3, 2], [9, 10])[0]).toBeCloseTo(0.7067669, 7)
  })

  // ∫ f Π F with scipy densities and distributions, 40-point panels between 24 quantiles of each arm.
  it('agrees with scipy where arms are of very different sharpness', () => {
    const cases: [number[], number[], number[]][] = [
      [
        [1, 1, 1, 1],
        [1, 1, 1, 1],
        [0.25, 0.25, 0.25, 0.25],
      ],
      [
        [1.5, 100, 3],
        [1.5, 900, 20],
        [0.9081260276150651, 0.020240928584811087, 0.07163304380012374],
      ],
      [
        [1, 50_001, 5001, 2],
        [1, 950_001, 94_001, 30],
        [0.927408079027739, 0.005613836356645874, 0.018171763952934964, 0.04880632066267989],
      ],
      [
        [1, 1, 1],
        [100_000, 10, 1],
        [1.999670046393896e-9, 0.09090908990930086, 0.9090909080910287],
      ],
    ]
    for (const [alphas, betas, expected] of cases) {
      const chances = of(alphas, betas)
      expected.forEach((value, arm) => {
        expect(Math.abs(chances[arm]! - value)).toBeLessThan(1e-9)
      })
    }
  })

  it('agrees with 20,000 draws for any arms', () => {
    const shape = fc.double({ min: 0.2, max: 60, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(shape, shape), { minLength: 2, maxLength: 5 }), fc.integer(), (arms, seed) => {
        const random = createRandom(seed)
        const wins = new Float64Array(arms.length)
        for (let n = 0; n < 20_000; n++) {
          const values = arms.map(([a, b]) => sampleBeta(random, a, b))
          wins[values.indexOf(Math.max(...values))]! += 1 / 20_000
        }
        const chances = of(
          arms.map(([a]) => a),
          arms.map(([, b]) => b),
        )
        expect(chances.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
        chances.forEach((chance, arm) => {
          expect(Math.abs(chance - wins[arm]!)).toBeLessThan(6 * Math.sqrt(0.25 / 20_000))
        })
      }),
      { numRuns: 6 },
    )
  })
})

describe('normalBestProbabilities', () => {
  it('gives the golden values', () => {
    const chances = normalBestProbabilities(Float64Array.of(0.1, 0.12, 0.08), Float64Array.of(0.02, 0.03, 0.01))
    ;[0.2750667, 0.6985092, 0.0264241].forEach((value, arm) => {
      expect(chances[arm]).toBeCloseTo(value, 7)
    })
  })
})
