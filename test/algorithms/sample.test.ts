import { describe, expect, it } from 'vitest'
import { betaCdf } from '../../algorithms/beta.ts'
import { gammaCdf } from '../../algorithms/gamma.ts'
import { normalCdf } from '../../algorithms/normal.ts'
import { sampleBeta, sampleGamma, sampleLogGamma, sampleNormal } from '../../algorithms/sample.ts'
import { createRandom } from '../../core/random.ts'

const draws = 20_000
/** Kolmogorov–Smirnov at 1 in 10,000: the seeds are fixed, so a pass stays a pass. */
const limit = 2.225 / Math.sqrt(draws)

/** Largest distance between the draws' distribution and `cdf`. */
function distance(draw: () => number, cdf: (x: number) => number): number {
  const sorted = Float64Array.from({ length: draws }, draw).sort()
  let largest = 0
  sorted.forEach((x, n) => {
    const p = cdf(x)
    largest = Math.max(largest, p - n / draws, (n + 1) / draws - p)
  })
  return largest
}

describe('draws follow their distribution', () => {
  it('normal', () => {
    const random = createRandom('normal')
    expect(distance(() => sampleNormal(random), normalCdf)).toBeLessThan(limit)
  })

  it('gamma', () => {
    for (const shape of [0.2, 1, 3.7, 200]) {
      const random = createRandom(`gamma ${shape}`)
      expect(
        distance(
          () => sampleGamma(random, shape),
          (x) => gammaCdf(x, shape),
        ),
      ).toBeLessThan(limit)
    }
  })

  it('beta', () => {
    for (const [a, b] of [
      [1, 1],
      [0.3, 0.6],
      [2, 10],
      [500, 20],
    ] as const) {
      const random = createRandom(`beta ${a} ${b}`)
      expect(
        distance(
          () => sampleBeta(random, a, b),
          (x) => betaCdf(x, a, b),
        ),
      ).toBeLessThan(limit)
    }
  })

  it('the same seed gives the same draws, and tiny shapes stay finite', () => {
    expect(sampleGamma(createRandom(7), 2)).toBe(sampleGamma(createRandom(7), 2))
    const random = createRandom('tiny')
    for (let n = 0; n < 100; n++) {
      expect(Number.isFinite(sampleLogGamma(random, 1e-4))).toBe(true)
      expect(sampleBeta(random, 1e-3, 1e-3)).toBeLessThanOrEqual(1)
    }
    expect(() => sampleGamma(random, 0)).toThrow('above 0')
  })
})
