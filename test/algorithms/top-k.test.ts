import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topK } from '../../algorithms/top-k.ts'

describe('topK', () => {
  it('equals a full sort: score descending, then index ascending', () => {
    const scores = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)), { maxLength: 60 })
    fc.assert(
      fc.property(
        scores,
        fc.integer({ min: 0, max: 70 }),
        fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
        (all, k, out) => {
          const skip = Uint8Array.from(all, (_, n) => (out[n] ? 1 : 0))
          const expected = all
            .map((score, index) => ({ score, index }))
            .filter(({ score, index }) => !Number.isNaN(score) && skip[index] === 0)
            .sort((a, b) => b.score - a.score || a.index - b.index)
            .slice(0, k)
          const actual = topK(Float64Array.from(all), k, skip)
          expect([...actual.indices]).toEqual(expected.map((each) => each.index))
          expect([...actual.scores]).toEqual(expected.map((each) => each.score))
        },
      ),
    )
  })
})
