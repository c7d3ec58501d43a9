import { describe, expect, it } from 'vitest'
import { calibrated } from '../../algorithms/calibrated.ts'
import { miscalibration } from '../../algorithms/list-diversity.ts'
import { createRandom } from '../../core/random.ts'

/** Ten films of one kind score above all ten of another. */
const scores = Float64Array.from({ length: 20 }, (_, row) => 1 - row / 100)
const shares = Float64Array.from({ length: 40 }, (_, at) => (at % 2 === (at < 20 ? 0 : 1) ? 1 : 0))
const history = Float64Array.of(0.7, 0.3)

function shareOfSecond(rows: Int32Array): number {
  return rows.filter((row) => row >= 10).length / rows.length
}

describe('calibrated', () => {
  it("mirrors the history's shares, where scores alone would show one kind", () => {
    expect(shareOfSecond(calibrated(scores, shares, history, { count: 10, lambda: 0 }))).toBe(0)
    expect(shareOfSecond(calibrated(scores, shares, history, { count: 10, lambda: 0.9 }))).toBeCloseTo(0.3)
  })

  it('takes at each step the best of the objective, the divergence being that of list-diversity', () => {
    const random = createRandom('calibrated')
    for (let trial = 0; trial < 10; trial++) {
      const [size, width] = [10, 3]
      const some = Float64Array.from({ length: size }, () => random.next())
      const rowShares = Array.from({ length: size }, () => normal(Array.from({ length: width }, () => random.next() ** 3)))
      const wanted = Float64Array.from(normal(Array.from({ length: width }, () => random.next() ** 2)))
      const lambda = random.next()
      const alpha = 0.05 + 0.9 * random.next()
      const chosen: number[] = []
      while (chosen.length < 7) {
        const values = Array.from(some, (_, row) => {
          if (chosen.includes(row)) return Number.NEGATIVE_INFINITY
          const list = [...chosen, row]
          const q = Float64Array.from(
            { length: width },
            (_, c) => list.reduce((sum, i) => sum + rowShares[i]![c]!, 0) / list.length,
          )
          return (1 - lambda) * list.reduce((sum, i) => sum + some[i]!, 0) - lambda * miscalibration(wanted, q, alpha)
        })
        chosen.push(values.indexOf(Math.max(...values)))
      }
      expect([...calibrated(some, Float64Array.from(rowShares.flat()), wanted, { count: 7, lambda, alpha })]).toEqual(chosen)
    }
  })

  it('is within 1 − 1/e of the best list of four out of eight, and mostly finds it', () => {
    const options = { count: 4, lambda: 0.6 }
    const some = scores.filter((_, row) => row % 10 < 4)
    const rowShares = shares.filter((_, at) => Math.floor(at / 2) % 10 < 4)
    const value = (rows: readonly number[]) => {
      const q = Float64Array.of(rows.filter((row) => row < 4).length / 4, rows.filter((row) => row >= 4).length / 4)
      return 0.4 * rows.reduce((sum, row) => sum + some[row]!, 0) - 0.6 * miscalibration(history, q)
    }
    let best = Number.NEGATIVE_INFINITY
    for (let mask = 0; mask < 256; mask++) {
      const rows = [0, 1, 2, 3, 4, 5, 6, 7].filter((row) => (mask >> row) & 1)
      if (rows.length === 4) best = Math.max(best, value(rows))
    }
    expect(value([...calibrated(some, rowShares, history, options)])).toBeCloseTo(best, 12)
  })

  it('refuses what does not fit', () => {
    expect(() => calibrated(scores, history, history, { count: 1 })).toThrow('shares')
    expect(() => calibrated(scores, shares, history, { count: 1, alpha: 0 })).toThrow('alpha')
    expect(calibrated(scores, shares, history, { count: 99 }).length).toBe(20)
  })
})

function normal(values: number[]): number[] {
  const sum = values.reduce((a, b) => a + b)
  return values.map((value) => value / sum)
}
