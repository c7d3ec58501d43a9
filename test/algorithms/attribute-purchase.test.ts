import fc from 'fast-check'
import { expect, it } from 'vitest'
import { attributePurchase } from '../../algorithms/attribute-purchase.ts'
import { splitWhole } from '../../algorithms/split-whole.ts'

const windows = { clickWindowMs: 100, viewWindowMs: 10, halfLifeMs: 50 }

it('parts whole units by the largest remainder', () => {
  // Hamilton's method on the textbook case: 100 seats of 10 for 43, 42 and 15.
  expect(splitWhole(10, [43, 42, 15])).toEqual([4, 4, 2])
  expect(splitWhole(5, [1, 1, 1])).toEqual([2, 2, 1])
  expect(splitWhole(0, [1, 2])).toEqual([0, 0])
})

it('whatever the weights, parts sum to the whole, and none is a unit away from its share', () => {
  const weights = fc.array(fc.double({ min: 1e-9, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), weights, (units, drawn) => {
      const parts = splitWhole(units, drawn)
      const total = drawn.reduce((sum, weight) => sum + weight, 0)
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(units)
      for (const [place, part] of parts.entries()) expect(Math.abs(part - (units * drawn[place]!) / total)).toBeLessThan(1 + 1e-6)
    }),
  )
})

it('windows are inclusive, and what comes after the purchase counts for nothing', () => {
  const purchase = { timeMs: 1_000, units: 9 }
  const at = (...times: number[]) => times.map((timeMs) => ({ timeMs }))
  expect(attributePurchase(purchase, at(899, 1_001), [], windows)).toEqual({ last: null, decayed: [], viewed: null })
  expect(attributePurchase(purchase, at(900), at(1_000), windows).last).toEqual({ timeMs: 900 })
  // 100, 50 and 0 old: weights 1/4, 1/2, 1 of 7/4 give 9/7, 18/7 and 36/7.
  const { last, decayed, viewed } = attributePurchase(purchase, at(900, 950, 1_000), at(995), windows)
  expect([last, viewed]).toEqual([{ timeMs: 1_000 }, null])
  expect(decayed.map(({ units }) => units)).toEqual([1, 3, 5])
  expect(attributePurchase(purchase, [], at(989, 990, 999, 1_001), windows).viewed).toEqual({ timeMs: 999 })
  expect(attributePurchase(purchase, [], at(989), windows).viewed).toBeNull()
})

it('credits sum to the purchase however old the touches are', () => {
  const ancient = { clickWindowMs: 1e12, viewWindowMs: 1, halfLifeMs: 1 }
  const touches = [{ timeMs: 1 }, { timeMs: 5 }]
  expect(attributePurchase({ timeMs: 1e9, units: 7 }, touches, [], ancient).decayed.map(({ units }) => units)).toEqual([0, 7])
})
