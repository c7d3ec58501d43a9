import { invariant } from '../core/invariant.ts'
import type { Random } from '../core/random.ts'
import { normalQuantile } from './normal.ts'
import type { OffPolicyEstimate } from './off-policy.ts'

/** Two ends around an estimate. */
export type Interval = readonly [number, number]

/** value ± z·se; `alpha` is what lies outside, .05 by default. */
export function normalInterval({ value, standardError }: OffPolicyEstimate, alpha = 0.05): Interval {
  const half = -normalQuantile(alpha / 2) * standardError
  return [value - half, value + half]
}

/**
 * Percentile bootstrap over rows: `estimate` is asked anew for each resample, given how often each row was drawn, so that what is divided
 * by a sum is divided by that of the resample. `resamples` at least 100.
 */
export function bootstrapInterval(
  rows: number,
  estimate: (counts: Float64Array) => number,
  random: Random,
  { resamples = 1_000, alpha = 0.05 }: { readonly resamples?: number; readonly alpha?: number } = {},
): Interval {
  invariant(rows > 0 && resamples >= 100, 'bootstrap: needs rows and at least 100 resamples')
  const counts = new Float64Array(rows)
  const values = new Float64Array(resamples)
  for (let n = 0; n < resamples; n++) {
    counts.fill(0)
    for (let draw = 0; draw < rows; draw++) counts[random.below(rows)]! += 1
    values[n] = estimate(counts)
  }
  values.sort()
  const at = (share: number) => values[Math.min(resamples - 1, Math.floor(share * resamples))]!
  return [at(alpha / 2), at(1 - alpha / 2)]
}

/** Hoeffding's lower bound of the mean of values in [0, `largest`], true with chance 1 − δ: x̄ − x_max√(ln(1/δ)/2n). */
export function hoeffdingLower(mean: number, rows: number, largest: number, delta = 0.05): number {
  return mean - largest * Math.sqrt(Math.log(1 / delta) / (2 * rows))
}

/** Empirical Bernstein lower bound (Maurer & Pontil, COLT 2009): x̄ − 7x_max·ln(2/δ)/(3(n−1)) − √(2 ln(2/δ)·var/(n)). `variance` over n − 1. */
export function bernsteinLower(mean: number, variance: number, rows: number, largest: number, delta = 0.05): number {
  const log = Math.log(2 / delta)
  return mean - (7 * largest * log) / (3 * (rows - 1)) - Math.sqrt((2 * log * variance) / rows)
}
