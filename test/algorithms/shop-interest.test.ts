import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { demographicParity } from '../../algorithms/demographic-parity.ts'
import { exposureOf, exposureShares } from '../../algorithms/exposure-shares.ts'
import { serendipity } from '../../algorithms/list-diversity.ts'
import { marginBlend, marginScores } from '../../algorithms/margin-blend.ts'
import { promotionSlots } from '../../algorithms/promotion-slots.ts'
import { type SerendipityOptions, serendipityScores } from '../../algorithms/serendipity-scores.ts'
import { topK } from '../../algorithms/top-k.ts'
import '../property-seed.ts'

/** The best rows by relevance with its share of serendipity. */
function serendipityOrder(
  relevance: Float64Array,
  nearness: Float64Array,
  { count, ...options }: SerendipityOptions & { readonly count: number },
): Int32Array {
  return topK(serendipityScores(relevance, nearness, options), count).indices
}

describe('serendipityScores', () => {
  const relevance = Float64Array.of(1, 0.9, 0.5, 0.1)
  const nearness = Float64Array.of(0.85, 0.2, 0.1, 0)

  it('prefers the unexpected among the relevant', () => {
    expect([...serendipityOrder(relevance, nearness, { count: 4, weight: 0 })]).toEqual([0, 1, 2, 3])
    // .5: 1·(.5+.5·.15) = .575, .9·(.5+.5·.8) = .81, .5·(.5+.5·.9) = .475, .1·(.5+0) = .05
    expect([...serendipityOrder(relevance, nearness, { count: 4, weight: 0.5 })]).toEqual([1, 0, 2, 3])
    expect([...serendipityOrder(relevance, nearness, { count: 2, weight: 1 })]).toEqual([1, 2])
    expect(() => serendipityOrder(relevance, nearness, { count: 1, weight: 2 })).toThrow('weight')
  })

  it('gives nothing for surprise to what is hardly relevant', () => {
    const order = (relevanceMin: number) => [...serendipityOrder(relevance, nearness, { count: 4, weight: 1, relevanceMin })]
    expect(order(0)).toEqual([1, 2, 0, 3])
    expect(order(0.6)).toEqual([1, 0, 2, 3])
  })

  it('raises the measured serendipity of the first places', () => {
    const similarity = (item: number, own: number) => (own === 9 ? nearness[item]! : 0)
    const measured = (weight: number) => {
      const list = serendipityOrder(relevance, nearness, { count: 2, weight, relevanceMin: 0 })
      return serendipity(list, list.length ? Array.from(list, (row) => relevance[row]!) : [], Int32Array.of(9), similarity)!
    }
    expect(measured(1)).toBeGreaterThan(measured(0))
  })
})

describe('exposureShares', () => {
  it('sets attention against the offer', () => {
    // Attention 1, .6309, .5: group 0 has 1 + .5 of 2.1309 with half of the candidates.
    const lists = [{ rows: Int32Array.of(0, 2, 1), candidates: Int32Array.of(0, 1, 2, 3) }]
    const [first, second] = exposureShares(lists, Int32Array.of(0, 0, 1, 1), 2)
    expect(first).toMatchObject({ group: 0, candidateShare: 0.5, isUneven: true })
    expect(first!.exposureShare).toBeCloseTo(1.5 / 2.1309297535714578, 12)
    expect(first!.ratio! / 2 + second!.ratio! / 2).toBeCloseTo(1, 12)
    expect(exposureShares(lists, Int32Array.of(0, 0, 1, 1), 2, 0.5).every((group) => !group.isUneven)).toBe(true)
  })

  it('knows rows without group, groups without offer and no lists', () => {
    const groups = exposureShares([{ rows: Int32Array.of(0), candidates: Int32Array.of(0, 1) }], Int32Array.of(-1, 0), 2)
    expect(groups.map((group) => [group.exposureShare, group.ratio])).toEqual([
      [0, 0],
      [0, null],
    ])
    expect(exposureShares([], Int32Array.of(), 1)[0]).toMatchObject({ exposureShare: 0, ratio: null, isUneven: false })
    expect(exposureOf(0)).toBe(1)
  })
})

describe('demographicParity', () => {
  it('compares what groups of people see and how well they are served', () => {
    const report = demographicParity(
      [
        { rows: Int32Array.of(0), userGroup: 0, figure: 0.5 },
        { rows: Int32Array.of(0), userGroup: 0, figure: 0.7 },
        { rows: Int32Array.of(1), userGroup: 0 },
        { rows: Int32Array.of(0), userGroup: 1, figure: 0.3 },
        { rows: Int32Array.of(1), userGroup: 1, figure: 0.1 },
        { rows: Int32Array.of(1), userGroup: -1, figure: 9 },
      ],
      Int32Array.of(0, 1),
      { userGroupCount: 3, itemGroupCount: 3 },
    )
    expect([...report.lists]).toEqual([3, 2, 0])
    expect([...report.shares]).toEqual([2 / 3, 1 / 3, 0, 0.5, 0.5, 0, 0, 0, 0])
    expect(report.differences[0]).toBeCloseTo(1 / 6, 12)
    expect(report.ratios[0]).toBeCloseTo(0.75, 12)
    expect(report.ratios[2]).toBeNull()
    expect(report.means).toEqual([0.6, 0.2, null])
  })
})

describe('marginBlend', () => {
  const columns = {
    margins: Float64Array.of(1, 3, 100, 300, 7),
    stock: Int32Array.of(-1, 10, 2, 0, 1),
    categories: Int32Array.of(0, 0, 1, 1, -1),
  }

  it('compares margins within a category and clips them', () => {
    expect([...marginScores(columns.margins, columns.categories)]).toEqual([-1, 1, -1, 1, 0])
    // 0 … 9 and 100: mean 145/11, mean square 10285/11; z of the last is 3.1 and clipped.
    const many = marginScores(Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100), new Int32Array(11))
    expect(many[10]).toBe(1)
    expect(many[0]).toBeCloseTo(-(145 / 11) / Math.sqrt(10285 / 11 - (145 / 11) ** 2), 10)
  })

  it('moves scores by at most the weight, never shows what is sold out, lets short stock step back', () => {
    const scores = Float64Array.of(1, 1, 2, 9, 1)
    expect([...marginBlend(scores, columns)]).toEqual([1, 1, 2, Number.NEGATIVE_INFINITY, 1])
    expect([...marginBlend(scores, columns, { marginWeight: 0.25 })]).toEqual([0.75, 1.25, 1.5, Number.NEGATIVE_INFINITY, 1])
    const plain = marginBlend(scores, columns, { marginWeight: 0.25, stockWeight: 0.5, stockLow: 4, scale: 'plain' })
    expect([...plain]).toEqual([0.75, 1.25, 1.5, Number.NEGATIVE_INFINITY, 0.625])
    expect(() => marginBlend(scores, columns, { marginWeight: 0.5 })).toThrow('marginWeight')
  })

  it('raises a good margin whatever the sign of the scores', () => {
    const below = marginBlend(Float64Array.of(-1, -1, -1, 0, 0), columns, { marginWeight: 0.2 })
    expect(below[1]).toBeGreaterThan(below[0]!)
  })
})

describe('promotionSlots', () => {
  const order = Int32Array.of(0, 1, 2, 3, 4, 5)

  it('fills its places and leaves the rest in order', () => {
    expect([...promotionSlots(order, Int32Array.of(5, 4), [1, 3])]).toEqual([0, 5, 1, 4, 2, 3])
    expect([...promotionSlots(order, Int32Array.of(9), [2])]).toEqual([0, 1, 9, 2, 3, 4])
    expect([...promotionSlots(order, Int32Array.of(1, 5), [2, 3])]).toEqual([0, 1, 2, 5, 3, 4])
    expect([...promotionSlots(order, Int32Array.of(5), [7])]).toEqual([...order])
    expect([...promotionSlots(order, Int32Array.of(5, 2), [0, 2])]).toEqual([5, 0, 2, 1, 3, 4]) // 2 would be pushed to 3.
  })

  it('keeps the length, shows nothing twice, and has each promoted row no later than where it was', () => {
    const rows = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 })
    fc.assert(
      fc.property(rows, rows, fc.uniqueArray(fc.nat(14), { maxLength: 5 }), (list, promoted, places) => {
        const slots = places.sort((a, b) => a - b)
        const result = [...promotionSlots(Int32Array.from(list), Int32Array.from(promoted), slots)]
        expect(result.length).toBe(list.length)
        expect(new Set(result).size).toBe(list.length)
        const others = result.filter((row) => !promoted.includes(row))
        expect(others).toEqual(list.filter((row) => !promoted.includes(row)).slice(0, others.length))
        const usable = slots.filter((slot) => slot < list.length)
        for (const [n, row] of promoted.slice(0, usable.length).entries()) {
          expect(result.indexOf(row)).toBeGreaterThanOrEqual(0)
          expect(result.indexOf(row)).toBeLessThanOrEqual(usable[n]!)
        }
      }),
    )
  })
})
