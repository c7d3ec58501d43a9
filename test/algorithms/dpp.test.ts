import { describe, expect, it } from 'vitest'
import { dpp, dppQuality } from '../../algorithms/dpp.ts'
import { determinant } from './determinant.ts'
import { toyQuality, toySimilarity } from './rerank-toy.ts'

describe('dpp', () => {
  it('gives the golden order and gains, then stops: the kernel has rank 4', () => {
    const { rows, gains } = dpp(toyQuality, toySimilarity, 10)
    expect([...rows]).toEqual([0, 2, 4, 3])
    const expected = [1.0, 0.809458197073, 0.5747324136541, 0.3991807295132]
    for (let n = 0; n < 4; n++) expect(gains[n]).toBeCloseTo(expected[n]!, 12)
  })

  it('gives the golden gains with θ .7', () => {
    const { rows, gains } = dpp(dppQuality(toyQuality, 0.7), toySimilarity, 10)
    expect([...rows]).toEqual([0, 2, 4, 3])
    // By numpy, as ratios of determinants; the published digits (5.8072265, 4.0149712) are rounded to about 1e-7.
    const expected = [10.312258501325772, 8.160707622739618, 5.80722629649329, 4.01497123848071]
    for (let n = 0; n < 4; n++) expect(gains[n]).toBeCloseTo(expected[n]!, 9)
  })

  it('takes at each step the row with the largest determinant, found by brute force', () => {
    const kernel = (a: number, b: number) => toyQuality[a]! * (a === b ? 1.3 : toySimilarity(a, b)) * toyQuality[b]!
    const { rows, gains } = dpp(toyQuality, (a, b) => (a === b ? 1.3 : toySimilarity(a, b)), 7)
    const chosen: number[] = []
    let before = 1
    for (let n = 0; n < 7; n++) {
      const values = Array.from({ length: 10 }, (_, row) => {
        if (chosen.includes(row)) return Number.NEGATIVE_INFINITY
        const set = [...chosen, row]
        return determinant(set.map((a) => set.map((b) => kernel(a, b))))
      })
      const best = values.indexOf(Math.max(...values))
      expect(rows[n]).toBe(best)
      expect(gains[n]! / (values[best]! / before)).toBeCloseTo(1, 9)
      before = values[best]!
      chosen.push(best)
    }
  })

  it('is empty for nothing', () => {
    expect(dpp(new Float64Array(0), () => 1, 3).rows.length).toBe(0)
    expect(() => dppQuality(toyQuality, 1)).toThrow('theta')
  })
})
