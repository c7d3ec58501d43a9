/**
 * A rate pulled to the global one by `weight` pseudo-successes: (w + clicks) / (w · imps_g / clicks_g + imps), the form of
 * metarank. Without own impressions it is the global rate clicks_g / imps_g; with many it is the own rate. All counts ≥ 0;
 * before any global click the answer is 0 unless there are own clicks, in which case the own rate is all there is.
 */
export function smoothedRate(rate: {
  readonly successes: number
  readonly trials: number
  readonly globalSuccesses: number
  readonly globalTrials: number
  /** Pseudo-successes, > 0. */
  readonly weight: number
}): number {
  const { successes, trials, globalSuccesses, globalTrials, weight } = rate
  if (globalSuccesses <= 0) return trials > 0 ? successes / trials : 0
  return (weight + successes) / ((weight * globalTrials) / globalSuccesses + trials)
}

/** A mean pulled to `globalMean` by `weight` pseudo-observations (5): (Σr + w · global) / (n + w), features.md F2.9. */
export function smoothedMean(mean: { sum: number; count: number; globalMean: number; weight?: number }): number {
  const { sum, count, globalMean, weight = 5 } = mean
  return count + weight === 0 ? globalMean : (sum + weight * globalMean) / (count + weight)
}
