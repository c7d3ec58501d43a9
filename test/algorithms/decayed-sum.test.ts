import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDecayed,
  type DecayedSum,
  decayedAt,
  emptyDecayedSum,
  mergeDecayed,
  rebaseDecayed,
} from '../../algorithms/decayed-sum.ts'

const hourMs = 3_600_000
const nowMs = 1_600_000_000_000
const event = fc.record({
  weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
  timeMs: fc.integer({ min: nowMs - 400 * hourMs, max: nowMs }),
})
const halfLife = fc.constantFrom(hourMs, 7 * 24 * hourMs, 12_345)

function sumOf(events: readonly { weight: number; timeMs: number }[], halfLifeMs: number): DecayedSum {
  const sum = emptyDecayedSum()
  for (const { weight, timeMs } of events) addDecayed(sum, weight, timeMs, halfLifeMs)
  return sum
}

/** Σ w · e^(−ln 2 · age / halfLife), straight from the definition. */
function definition(events: readonly { weight: number; timeMs: number }[], atMs: number, halfLifeMs: number): number {
  let total = 0
  for (const { weight, timeMs } of events) total += weight * Math.exp((-Math.LN2 * (atMs - timeMs)) / halfLifeMs)
  return total
}

function expectClose(actual: number, expected: number, relative: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected))
}

describe('decayed sum', () => {
  it('halves after one half-life', () => {
    const sum = sumOf([{ weight: 8, timeMs: nowMs }], hourMs)
    expect(decayedAt(sum, nowMs, hourMs)).toBeCloseTo(8, 12)
    expect(decayedAt(sum, nowMs + hourMs, hourMs)).toBeCloseTo(4, 12)
    expect(decayedAt(sum, nowMs + 3 * hourMs, hourMs)).toBeCloseTo(1, 12)
  })

  it('is empty without events', () => {
    expect(decayedAt(emptyDecayedSum(), nowMs, hourMs)).toBe(0)
    const sum = sumOf([{ weight: 1, timeMs: nowMs }], hourMs)
    mergeDecayed(sum, emptyDecayedSum(), hourMs)
    expect(decayedAt(sum, nowMs, hourMs)).toBeCloseTo(1, 12)
  })

  it('equals the definition', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 100 }), halfLife, (events, halfLifeMs) => {
        const newestMs = Math.max(...events.map((e) => e.timeMs))
        expectClose(decayedAt(sumOf(events, halfLifeMs), newestMs, halfLifeMs), definition(events, newestMs, halfLifeMs), 1e-9)
      }),
    )
  })

  it('does not depend on the order of arrival, nor on how sums are cut and merged', () => {
    const shuffled = fc.array(event, { minLength: 2, maxLength: 200 }).chain((events) =>
      fc.record({
        events: fc.constant(events),
        other: fc.shuffledSubarray(events, { minLength: events.length }),
        cut: fc.integer({ min: 0, max: events.length }),
      }),
    )
    fc.assert(
      fc.property(shuffled, halfLife, ({ events, other, cut }, halfLifeMs) => {
        const straight = sumOf(events, halfLifeMs)
        const reordered = sumOf(other, halfLifeMs)
        const left = sumOf(other.slice(0, cut), halfLifeMs)
        mergeDecayed(left, sumOf(other.slice(cut), halfLifeMs), halfLifeMs)
        const newestMs = Math.max(...events.map((e) => e.timeMs))
        const expected = decayedAt(straight, newestMs, halfLifeMs)
        expectClose(decayedAt(reordered, newestMs, halfLifeMs), expected, 1e-12)
        expectClose(decayedAt(left, newestMs, halfLifeMs), expected, 1e-12)
      }),
    )
  })

  it('moves its landmark without losing a bit', () => {
    const sum = sumOf([{ weight: 0.3, timeMs: nowMs }], hourMs)
    const before = { ...sum }
    rebaseDecayed(sum, sum.referenceMs + 200 * hourMs, hourMs)
    expect(decayedAt(sum, nowMs, hourMs)).toBeCloseTo(0.3, 12)
    rebaseDecayed(sum, before.referenceMs, hourMs)
    expect(sum).toEqual(before)
  })
})
