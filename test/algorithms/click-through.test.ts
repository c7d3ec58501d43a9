import { describe, expect, it } from 'vitest'
import {
  addPerson,
  type ClickThrough,
  clickThroughDifference,
  clickThroughEstimate,
  clickThroughRate,
  emptyClickThrough,
  growPerson,
  mergeClickThrough,
} from '../../algorithms/click-through.ts'
import { createRandom } from '../../core/random.ts'

const people = [
  [0, 4],
  [2, 10],
  [1, 1],
  [0, 7],
  [5, 20],
  [3, 6],
] as const

function sumsOf(all: readonly (readonly [number, number])[]): ClickThrough {
  const sums = emptyClickThrough()
  for (const [clicks, impressions] of all) addPerson(sums, clicks, impressions)
  return sums
}

describe('click-through', () => {
  it('has the rate of sums and the variance of its linear form', () => {
    const { mean, variance, count } = clickThroughEstimate(sumsOf(people))
    expect(mean).toBeCloseTo(11 / 48, 15)
    // Var of (m − R·d) / D̄ over people: the same formula written another way.
    const rate = 11 / 48
    const residuals = people.map(([m, d]) => (m - rate * d) / 8)
    const expected = residuals.reduce((sum, r) => sum + r * r, 0) / 5
    expect(variance).toBeCloseTo(expected, 14)
    expect(count).toBe(6)
  })

  it('does not depend on how people, events or shards come', () => {
    const grown = emptyClickThrough()
    for (const [clicks, impressions] of people) {
      growPerson(grown, { clicks: 0, impressions: 0 }, { clicks: 0, impressions: 1 })
      growPerson(grown, { clicks: 0, impressions: 1 }, { clicks, impressions: impressions - 1 })
    }
    const merged = sumsOf(people.slice(0, 2))
    mergeClickThrough(merged, sumsOf(people.slice(2)))
    expect(grown).toEqual(sumsOf(people))
    expect(merged).toEqual(sumsOf(people))
    mergeClickThrough(merged, sumsOf(people.slice(2)), -1)
    expect(merged).toEqual(sumsOf(people.slice(0, 2)))
  })

  it('says nothing before two people', () => {
    expect(clickThroughRate(emptyClickThrough())).toBe(null)
    expect(clickThroughRate(sumsOf([[1, 3]]))).toBe(null)
    expect(clickThroughEstimate(emptyClickThrough()).mean).toBe(0)
  })

  it('covers the truth in about 95 of 100 trials when people differ; counting impressions would not', () => {
    const random = createRandom('coverage')
    const trials = 600
    let covered = 0
    let naive = 0
    let falseAlarms = 0
    for (let trial = 0; trial < trials; trial++) {
      const arms = [emptyClickThrough(), emptyClickThrough()] as const
      for (let person = 0; person < 400; person++) {
        // Two kinds of people, rates .05 and .35, who see 5 or 25 impressions: true rate .2.
        const rate = random.next() < 0.5 ? 0.05 : 0.35
        const impressions = random.next() < 0.5 ? 5 : 25
        let clicks = 0
        for (let n = 0; n < impressions; n++) if (random.next() < rate) clicks++
        addPerson(arms[person % 2]!, clicks, impressions)
      }
      const { lower, upper, value } = clickThroughRate(arms[0])!
      if (lower <= 0.2 && upper >= 0.2) covered++
      if (Math.abs(value - 0.2) <= 1.96 * Math.sqrt((value * (1 - value)) / arms[0].impressions)) naive++
      if (clickThroughDifference(...arms, { relative: true })!.pValue < 0.05) falseAlarms++
    }
    expect(covered / trials).toBeGreaterThan(0.92)
    expect(covered / trials).toBeLessThan(0.98)
    expect(naive / trials).toBeLessThan(0.75)
    expect(falseAlarms / trials).toBeLessThan(0.08)
  })
})
