import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fairMinimums, firstUnfairPlace } from '../../algorithms/fair-minimums.ts'
import { fairTopK } from '../../algorithms/fair-top-k.ts'
import { logGamma } from '../../algorithms/log-gamma.ts'
import '../property-seed.ts'

/** [0×8,1,1] is written `steps(8, 2)`. */
const steps = (...lengths: number[]) => lengths.flatMap((length, minimum) => new Array<number>(length).fill(minimum))

describe('fairMinimums', () => {
  it('gives the golden tables, adjusted levels and chances', () => {
    const first = fairMinimums({ places: 10, share: 0.2, alpha: 0.15 })
    expect([...first.minimums]).toEqual(steps(8, 2))
    expect(first.failChance).toBeCloseTo(0.134217728, 14)
    expect(first.alpha).toBe(0.15)
    const second = fairMinimums({ places: 20, share: 0.25, alpha: 0.1, adjusted: false })
    expect([...second.minimums]).toEqual(steps(8, 6, 5, 1))
    expect(second.failChance).toBeCloseTo(0.146887, 6)
    const secondAdjusted = fairMinimums({ places: 20, share: 0.25, alpha: 0.1 })
    expect([...secondAdjusted.minimums]).toEqual(steps(8, 7, 5))
    expect(secondAdjusted.alpha).toBeCloseTo(0.078125, 14)
    expect(secondAdjusted.failChance).toBeCloseTo(0.1051524736, 10)
    const third = fairMinimums({ places: 30, share: 0.3, alpha: 0.05 })
    expect([...third.minimums]).toEqual(steps(10, 6, 5, 4, 5))
    expect(third.failChance).toBeCloseTo(0.048777308, 9)
  })

  it('has the binomial quantiles, by another way to the tail', () => {
    const choose = (n: number, x: number) => Math.exp(logGamma(n + 1) - logGamma(x + 1) - logGamma(n - x + 1))
    for (const [share, alpha] of [
      [0.1, 0.05],
      [0.37, 0.012],
      [0.6, 0.2],
    ] as const) {
      const { minimums } = fairMinimums({ places: 120, share, alpha, adjusted: false })
      for (let n = 1; n <= 120; n++) {
        let quantile = 0
        let below = (1 - share) ** n
        while (below < alpha) {
          quantile++
          below += choose(n, quantile) * share ** quantile * (1 - share) ** (n - quantile)
        }
        expect(minimums[n - 1]).toBe(quantile)
      }
    }
  })

  it('names the chance with which a fair list fails, counted over all lists of ten', () => {
    const { minimums, failChance } = fairMinimums({ places: 10, share: 0.4, alpha: 0.3, adjusted: false })
    let failing = 0
    for (let mask = 0; mask < 1024; mask++) {
      const list = Array.from({ length: 10 }, (_, n) => (mask >> n) & 1)
      const ones = list.reduce((a, b) => a + b)
      if (firstUnfairPlace(list, minimums) >= 0) failing += 0.4 ** ones * 0.6 ** (10 - ones)
    }
    expect(failChance).toBeCloseTo(failing, 12)
  })

  it('refuses what is no chance', () => {
    expect(() => fairMinimums({ places: 10, share: 1, alpha: 0.1 })).toThrow('share')
    expect(() => fairMinimums({ places: 0, share: 0.5, alpha: 0.1 })).toThrow('places')
    expect(() => fairMinimums({ places: 10, share: 0.5, alpha: 0 })).toThrow('alpha')
  })
})

describe('fairTopK', () => {
  it('lifts a protected row only where it is due', () => {
    const order = Int32Array.of(5, 4, 3, 2, 1, 0)
    const isProtected = Uint8Array.of(1, 1, 0, 0, 0, 0)
    expect([...fairTopK(order, isProtected, Int32Array.of(0, 0, 1, 1, 2), 5)]).toEqual([5, 4, 1, 3, 0])
    expect([...fairTopK(order, isProtected, Int32Array.of(0, 0, 0), 4)]).toEqual([5, 4, 3, 2])
  })

  it('satisfies every minimum while there are protected rows, and is the best such list of all', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 8 }), (flags, count) => {
        const order = Int32Array.from(flags.keys())
        const { minimums } = fairMinimums({ places: 8, share: 0.5, alpha: 0.4, adjusted: false })
        const rows = [...fairTopK(order, flags, minimums, count)]
        expect(new Set(rows).size).toBe(Math.min(count, flags.length))
        const place = firstUnfairPlace(
          rows.map((row) => flags[row]!),
          minimums,
        )
        if (place < 0) expect(rows).toEqual(bestFair(flags, minimums, rows.length))
        else expect(rows.slice(0, place + 1).filter((row) => flags[row])).toEqual([...flags.keys()].filter((row) => flags[row]))
      }),
    )
  })
})

/** The first fair list in lexicographic order, rows being numbered by rank. */
function bestFair(flags: readonly boolean[], minimums: Int32Array, count: number, list: number[] = []): number[] | undefined {
  if (list.length === count) return list
  for (let row = 0; row < flags.length; row++) {
    if (list.includes(row)) continue
    const longer = [...list, row]
    const isFair = firstUnfairPlace(
      longer.map((one) => flags[one]!),
      minimums,
    )
    const found = isFair < 0 ? bestFair(flags, minimums, count, longer) : undefined
    if (found) return found
  }
  return undefined
}
