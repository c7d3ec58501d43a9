import { describe, expect, it } from 'vitest'
import { addToTrend, emptyTrend, mergeTrend, trendScore, trendScoreOf } from '../../algorithms/trend.ts'

const hourMs = 3_600_000
const startMs = 1_600_000_000_000

describe('trend', () => {
  it('follows z = (s − e) / √(e + 1)', () => {
    expect(trendScoreOf(4, 0)).toBe(4)
    expect(trendScoreOf(5, 3 * 168)).toBe(1) // e = 3: (5 − 3) / 2
    expect(trendScoreOf(0, 8 * 168)).toBeCloseTo(-8 / 3, 12)
  })

  it('is 0 for an item nobody touched', () => {
    expect(trendScore(emptyTrend(), startMs)).toBe(0)
  })

  it('is large for a burst, near 0 for what is always that busy, and negative for what went quiet', () => {
    const burst = emptyTrend()
    for (let n = 0; n < 20; n++) addToTrend(burst, 1, startMs + n * 60_000)
    expect(trendScore(burst, startMs + 20 * 60_000)).toBeGreaterThan(3)

    const steady = emptyTrend()
    const endMs = startMs + 60 * 24 * hourMs
    for (let timeMs = startMs; timeMs < endMs; timeMs += hourMs / 20) addToTrend(steady, 1, timeMs)
    // In balance the short sum is rate · 1 h / ln 2 and the long one 168 times that: s = e.
    expect(Math.abs(trendScore(steady, endMs))).toBeLessThan(0.3)
    expect(trendScore(steady, endMs + 12 * hourMs)).toBeLessThan(-3)
  })

  it('merges', () => {
    const both = emptyTrend()
    const left = emptyTrend()
    const right = emptyTrend()
    for (let n = 0; n < 50; n++) {
      const timeMs = startMs + ((n * 7919) % 50) * hourMs
      addToTrend(both, 0.3, timeMs)
      addToTrend(n % 3 === 0 ? left : right, 0.3, timeMs)
    }
    mergeTrend(left, right)
    const nowMs = startMs + 50 * hourMs
    expect(trendScore(left, nowMs)).toBeCloseTo(trendScore(both, nowMs), 12)
  })
})
