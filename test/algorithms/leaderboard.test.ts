import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Leaderboard } from '../../algorithms/leaderboard.ts'
import { reciprocalRankFusion } from '../../algorithms/reciprocal-rank-fusion.ts'

it('a leaderboard of any length equals sorting everything, whatever is excluded', () => {
  const rises = fc.array(fc.record({ item: fc.integer({ min: 0, max: 14 }), amount: fc.integer({ min: 1, max: 4 }) }), {
    maxLength: 80,
  })
  const excluded = fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 10 })
  fc.assert(
    fc.property(rises, excluded, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (all, out, places, n) => {
      const board = new Leaderboard(15, places)
      const sums = new Map<number, number>()
      for (const { item, amount } of all) {
        board.add(item, amount)
        sums.set(item, (sums.get(item) ?? 0) + amount)
      }
      const mask = new Uint8Array(15)
      for (const item of out) mask[item] = 1
      const items = new Int32Array(8)
      const scores = new Float64Array(8)
      const count = board.top(n, mask, items, scores)
      const expected = [...sums].filter(([item]) => mask[item] === 0).sort(([a, x], [b, y]) => y - x || a - b)
      expect([...items.subarray(0, count)].map((item, at) => [item, scores[at]])).toEqual(expected.slice(0, n))
    }),
    { numRuns: 500 },
  )
})

it('reciprocal rank fusion by hand: weight / (constant + place)', () => {
  const { items, points, mainSource } = reciprocalRankFusion(
    [
      { weight: 2, items: Int32Array.of(7, 3) },
      { weight: 1, items: Int32Array.of(3, 9) },
    ],
    { constant: 1 },
  )
  // 7: 2/2; 3: 2/3 + 1/2; 9: 1/3
  expect([...items]).toEqual([3, 7, 9])
  expect(points[0]).toBeCloseTo(2 / 3 + 1 / 2, 12)
  expect(points[1]).toBe(1)
  expect([...mainSource]).toEqual([0, 0, 1])
})
