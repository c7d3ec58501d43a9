import { addDecayed, type DecayedSum, decayedAt, emptyDecayedSum, mergeDecayed } from './decayed-sum.ts'

const hourMs = 3_600_000
/** Half-life of the short sum of a trend. */
export const trendShortHalfLifeMs: number = hourMs
/** Half-life of the long sum of a trend. */
export const trendLongHalfLifeMs: number = 7 * 24 * hourMs
/** The long sum divided by this is the strength expected in the short one: 168 hours in a week. */
const longHours = 168

/** Two decayed sums of event strength: what happens now, and what usually happens (features.md F2.10). */
export interface Trend {
  readonly short: DecayedSum
  readonly long: DecayedSum
}

/** A trend without events. */
export function emptyTrend(): Trend {
  return { short: emptyDecayedSum(), long: emptyDecayedSum() }
}

/** Adds an event of `strength` ≥ 0 at `timeMs`, in place; any order of arrival. */
export function addToTrend(trend: Trend, strength: number, timeMs: number): void {
  addDecayed(trend.short, strength, timeMs, trendShortHalfLifeMs)
  addDecayed(trend.long, strength, timeMs, trendLongHalfLifeMs)
}

/** Adds `other` to `trend`, in place. */
export function mergeTrend(trend: Trend, other: Trend): void {
  mergeDecayed(trend.short, other.short, trendShortHalfLifeMs)
  mergeDecayed(trend.long, other.long, trendLongHalfLifeMs)
}

/** z = (s − e) / √(e + 1) at `nowMs`: s the short sum, e the long sum / 168. 0 without events; trending from 3 on. */
export function trendScore(trend: Trend, nowMs: number): number {
  return trendScoreOf(decayedAt(trend.short, nowMs, trendShortHalfLifeMs), decayedAt(trend.long, nowMs, trendLongHalfLifeMs))
}

/** The same from the two sums' values at one moment. */
export function trendScoreOf(short: number, long: number): number {
  const expected = long / longHours
  return (short - expected) / Math.sqrt(expected + 1)
}
