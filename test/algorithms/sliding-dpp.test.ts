import { describe, expect, it } from 'vitest'
import { dpp, dppQuality } from '../../algorithms/dpp.ts'
import { slidingDpp } from '../../algorithms/sliding-dpp.ts'
import { createRandom } from '../../core/random.ts'
import { determinant } from './determinant.ts'
import { toyQuality, toySimilarity } from './rerank-toy.ts'

describe('slidingDpp', () => {
  it('is dpp while the window holds the whole list', () => {
    for (const window of [10, 11, 500]) {
      const whole = dpp(toyQuality, toySimilarity, 10)
      const sliding = slidingDpp(toyQuality, toySimilarity, { count: 10, window })
      expect([...sliding.rows]).toEqual([...whole.rows])
      for (let n = 0; n < 4; n++) expect(sliding.gains[n]! / whole.gains[n]!).toBeCloseTo(1, 12)
    }
  })

  it('is the order of quality with a window of one', () => {
    const { rows, gains } = slidingDpp(toyQuality, toySimilarity, { count: 10, window: 1 })
    expect([...rows]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (let n = 0; n < 10; n++) expect(gains[n]).toBeCloseTo((1 - 0.05 * n) ** 2, 12)
  })

  it('goes past the rank of the kernel, where dpp stops', () => {
    expect(slidingDpp(toyQuality, toySimilarity, { count: 10, window: 3 }).rows.length).toBe(10)
    expect(dpp(toyQuality, toySimilarity, 10).rows.length).toBe(4)
  })

  it('takes at each step the row with the largest determinant beside the window, found by brute force', () => {
    const random = createRandom('sliding dpp')
    for (let trial = 0; trial < 12; trial++) {
      const size = 12
      const vectors = Array.from({ length: size }, () => Array.from({ length: 20 }, () => random.next() - 0.3))
      const inner = (a: number, b: number) => vectors[a]!.reduce((sum, value, n) => sum + value * vectors[b]![n]!, 0)
      const similarity = (a: number, b: number) => inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b))
      const quality = dppQuality(Float64Array.from({ length: size }, () => random.next()))
      const window = 2 + random.below(5)
      const { rows, gains } = slidingDpp(quality, similarity, { count: size, window })
      const kernel = (set: number[]) => set.map((a) => set.map((b) => quality[a]! * similarity(a, b) * quality[b]!))
      const chosen: number[] = []
      for (let n = 0; n < size; n++) {
        const near = chosen.slice(Math.max(0, n - window + 1))
        const values = Array.from({ length: size }, (_, row) =>
          chosen.includes(row) ? Number.NEGATIVE_INFINITY : determinant(kernel([...near, row])) / determinant(kernel(near)),
        )
        const best = values.indexOf(Math.max(...values))
        expect(rows[n]).toBe(best)
        expect(gains[n]! / values[best]!).toBeCloseTo(1, 9)
        chosen.push(best)
      }
    }
  })

  it('takes no row twice, and refuses a window of nothing', () => {
    const rows = slidingDpp(toyQuality, () => 1, { count: 10, window: 2 }).rows
    expect([...rows]).toEqual([0])
    expect(slidingDpp(new Float64Array(0), () => 1, { count: 3, window: 2 }).rows.length).toBe(0)
    expect(() => slidingDpp(toyQuality, toySimilarity, { count: 3, window: 0 })).toThrow('window')
  })
})
