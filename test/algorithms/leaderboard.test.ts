import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Leaderboard } from '../../algorithms/leaderboard.ts'

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
