import { describe, expect, it } from 'vitest'
import {
  catalogCoverage,
  distributionalCoverage,
  intraListDiversity,
  miscalibration,
  novelty,
  serendipity,
} from '../../algorithms/list-diversity.ts'

// The fixture of recommenders' diversity tests (recsys-notes.md section 7): similarity is the cosine of co-occurrence.
const train = new Map([
  [1, [1, 2, 4]],
  [2, [3, 4]],
  [3, [3, 4, 5]],
])
const lists = new Map([
  [1, Int32Array.of(3, 5)],
  [2, Int32Array.of(2, 5)],
  [3, Int32Array.of(1, 2)],
])
const relevance = new Map([
  [1, [1, 0]],
  [2, [1, 1]],
  [3, [1, 0]],
])

function together(a: number, b: number): number {
  return [...train.values()].filter((items) => items.includes(a) && items.includes(b)).length
}
const similarity = (a: number, b: number) => together(a, b) / Math.sqrt(together(a, a) * together(b, b))
const mean = (values: (number | null)[]) => values.reduce<number>((sum, value) => sum + value!, 0) / values.length

describe('diversity of lists', () => {
  it('gives the golden values', () => {
    expect(catalogCoverage(lists.values(), 5)).toBeCloseTo(0.8, 12)
    expect(distributionalCoverage(lists.values())).toBeCloseTo(1.9183, 4)
    expect(mean([...lists.values()].map((list) => intraListDiversity(list, similarity)))).toBeCloseTo(0.43096, 5)
    expect(mean([...lists.values()].map((list) => novelty(list, (item) => together(item, item) / 8)))).toBeCloseTo(2.83333, 5)
    const users = [1, 2, 3].map((user) =>
      serendipity(lists.get(user)!, relevance.get(user)!, Int32Array.from(train.get(user)!), similarity),
    )
    expect(mean(users)).toBeCloseTo(0.43408, 4)
  })

  it('says nothing of lists too short for it', () => {
    expect(intraListDiversity(Int32Array.of(1), similarity)).toBe(null)
    expect(novelty(new Int32Array(0), () => 1)).toBe(null)
    expect(serendipity(Int32Array.of(1), [1], new Int32Array(0), similarity)).toBe(null)
  })

  it('miscalibration is 0 for a mirror and grows away from it', () => {
    const history = Float64Array.of(0.7, 0.3, 0)
    expect(miscalibration(history, history)).toBeCloseTo(0, 12)
    const near = miscalibration(history, Float64Array.of(0.6, 0.4, 0))
    const far = miscalibration(history, Float64Array.of(0, 0, 1))
    expect(near).toBeGreaterThan(0)
    expect(far).toBeCloseTo(Math.log(100), 12) // only α p is left of q̃
  })
})
