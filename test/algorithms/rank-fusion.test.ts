import { expect, it } from 'vitest'
import { blendScores } from '../../algorithms/blend-scores.ts'
import { reciprocalRankFusion } from '../../algorithms/reciprocal-rank-fusion.ts'

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

it('a blend of scores by hand: each source divided by its largest', () => {
  const { items, points, mainSource } = blendScores([
    { weight: 0.6, items: Int32Array.of(7, 3), scores: Float64Array.of(10, 5) },
    { weight: 0.4, items: Int32Array.of(3, 9), scores: Float64Array.of(2, 1) },
    { weight: 1, items: Int32Array.of(1), scores: Float64Array.of(0) },
    { weight: 0, items: Int32Array.of(2), scores: Float64Array.of(1) },
  ])
  // 3: .6/2 + .4; 7: .6; 9: .4/2; a source without a score above 0, or without weight, says nothing.
  expect([...items]).toEqual([3, 7, 9])
  expect(points[0]).toBeCloseTo(0.7, 12)
  expect(points[2]).toBeCloseTo(0.2, 12)
  expect([...mainSource]).toEqual([1, 0, 1])
})
