import { describe, expect, it } from 'vitest'
import { alwaysValidDifference, type Difference, welchDifference } from '../../algorithms/difference.ts'
import { addUnit, emptyMeanSums, meanEstimate, mergeMeanSums, moveUnit, shareEstimate } from '../../algorithms/mean-sums.ts'

const control = meanEstimate({ sum: 1396.87, sumOfSquares: 52377.9767, count: 3407 })
const treatment = meanEstimate({ sum: 2422.7, sumOfSquares: 134698.29, count: 3461 })

function expectDifference(actual: Difference | null, value: number, lower: number, upper: number, pValue: number): void {
  expect(actual!.value).toBeCloseTo(value, 5)
  expect(actual!.lower).toBeCloseTo(lower, 5)
  expect(actual!.upper).toBeCloseTo(upper, 5)
  expect(actual!.pValue).toBeCloseTo(pValue, 5)
}

describe('welchDifference', () => {
  it('gives the golden absolute and relative results', () => {
    const absolute = welchDifference(control, treatment)
    expectDifference(absolute, 0.29, 0.04538, 0.53462, 0.02016)
    expect(absolute!.standardError).toBeCloseTo(0.12478, 5)
    const relative = welchDifference(control, treatment, { relative: true })
    expectDifference(relative, 0.70732, -0.03526, 1.44989, 0.06191)
    expect(relative!.standardError).toBeCloseTo(0.37879, 5)
  })

  it('gives the golden result for shares', () => {
    const lift = welchDifference(shareEstimate(14, 28), shareEstimate(16, 30), { relative: true })
    expect(lift!.value).toBeCloseTo(0.06667, 5)
    expect(lift!.pValue).toBeCloseTo(0.80707, 5)
  })

  it('says nothing where nothing can be said', () => {
    expect(welchDifference({ ...control, count: 1 }, treatment)).toBe(null)
    expect(welchDifference({ ...control, mean: 0 }, treatment, { relative: true })).toBe(null)
    expect(welchDifference({ ...control, variance: 0 }, { ...treatment, variance: 0 })).toBe(null)
  })
})

describe('alwaysValidDifference', () => {
  it('gives the golden results', () => {
    const fewer = meanEstimate({ sum: 1396.87, sumOfSquares: 52377.9767, count: 3000 })
    expectDifference(alwaysValidDifference(fewer, treatment, { relative: true, tunedFor: 1000 }), 0.50336, -0.55844, 1.56516, 1)
    const shares = alwaysValidDifference(shareEstimate(1396, 3000), shareEstimate(2422, 3461), { relative: true })
    expect(shares!.value).toBeCloseTo(0.50386, 5)
    expect(shares!.lower).toBeCloseTo(0.40098, 5)
    expect(shares!.upper).toBeCloseTo(0.60675, 5)
  })
})

describe('mean sums', () => {
  it('agree with the plain mean and variance, in parts, and as values grow', () => {
    const values = [3, 0, 0, 7.5, 1, 0, 2]
    const all = emptyMeanSums()
    const left = emptyMeanSums()
    const right = emptyMeanSums()
    values.forEach((value, n) => {
      addUnit(all, 0)
      moveUnit(all, 0, value / 2)
      moveUnit(all, value / 2, value)
      addUnit(n < 3 ? left : right, value)
    })
    mergeMeanSums(left, right)
    const mean = values.reduce((a, b) => a + b, 0) / 7
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 6
    for (const sums of [all, left]) {
      expect(meanEstimate(sums).mean).toBeCloseTo(mean, 12)
      expect(meanEstimate(sums).variance).toBeCloseTo(variance, 12)
    }
    mergeMeanSums(left, right, -1)
    expect(left).toEqual({ count: 3, sum: 3, sumOfSquares: 9 })
    expect(meanEstimate(emptyMeanSums())).toEqual({ mean: 0, variance: 0, count: 0 })
  })
})
