import { describe, expect, it } from 'vitest'
import { smoothedMean, smoothedRate } from '../../algorithms/smoothed-rate.ts'

const global = { globalSuccesses: 200, globalTrials: 10_000, weight: 10 }

describe('smoothed rate', () => {
  it('is the global rate without own trials and the own rate with many', () => {
    expect(smoothedRate({ successes: 0, trials: 0, ...global })).toBeCloseTo(0.02, 15)
    expect(smoothedRate({ successes: 500_000, trials: 1_000_000, ...global })).toBeCloseTo(0.5, 3)
  })

  it('follows (w + clicks) / (w · imps_g / clicks_g + imps)', () => {
    expect(smoothedRate({ successes: 5, trials: 100, ...global })).toBeCloseTo(15 / 600, 15)
    expect(smoothedRate({ successes: 0, trials: 500, ...global })).toBeCloseTo(10 / 1000, 15)
  })

  it('does not divide by nothing before the first global success', () => {
    const none = { globalSuccesses: 0, globalTrials: 50, weight: 10 }
    expect(smoothedRate({ successes: 0, trials: 0, ...none })).toBe(0)
    expect(smoothedRate({ successes: 0, trials: 5, ...none })).toBe(0)
  })
})

describe('smoothed mean', () => {
  it('follows (Σr + 5 · global) / (n + 5)', () => {
    expect(smoothedMean({ sum: 0, count: 0, globalMean: 3.5 })).toBe(3.5)
    expect(smoothedMean({ sum: 5, count: 1, globalMean: 3.5 })).toBeCloseTo(22.5 / 6, 15)
    expect(smoothedMean({ sum: 0, count: 0, globalMean: 3.5, weight: 0 })).toBe(3.5)
  })
})
