import { type Difference, type DifferenceOptions, type MeanEstimate, normalDifference, welchDifference } from './difference.ts'

/**
 * Sums over people of clicks m and impressions d, from which the click-through rate Σm / Σd and its variance follow. People,
 * not impressions, are the independent units: one person's impressions are alike, and counting them as independent makes
 * every interval too narrow. Sums merge by addition.
 */
export interface ClickThrough {
  /** People. */
  count: number
  clicks: number
  impressions: number
  /** Σ m², Σ d², Σ m·d over people. */
  clicksSquared: number
  impressionsSquared: number
  product: number
}

/** Nobody yet. */
export function emptyClickThrough(): ClickThrough {
  return { count: 0, clicks: 0, impressions: 0, clicksSquared: 0, impressionsSquared: 0, product: 0 }
}

/** Adds a person with all their clicks and impressions, in place; `sign` −1 takes one away. */
export function addPerson(sums: ClickThrough, clicks: number, impressions: number, sign: 1 | -1 = 1): void {
  sums.count += sign
  sums.clicks += sign * clicks
  sums.impressions += sign * impressions
  sums.clicksSquared += sign * clicks * clicks
  sums.impressionsSquared += sign * impressions * impressions
  sums.product += sign * clicks * impressions
}

/**
 * A person who had (clicks, impressions) got more of them, in place: what a stream does. Pass 0, 0 as `before` for a person not
 * seen yet.
 */
export function growPerson(
  sums: ClickThrough,
  before: { readonly clicks: number; readonly impressions: number },
  more: { readonly clicks: number; readonly impressions: number },
): void {
  if (before.clicks !== 0 || before.impressions !== 0) addPerson(sums, before.clicks, before.impressions, -1)
  addPerson(sums, before.clicks + more.clicks, before.impressions + more.impressions)
}

/** Adds other people, in place; `sign` −1 takes them away. */
export function mergeClickThrough(sums: ClickThrough, other: ClickThrough, sign: 1 | -1 = 1): void {
  sums.count += sign * other.count
  sums.clicks += sign * other.clicks
  sums.impressions += sign * other.impressions
  sums.clicksSquared += sign * other.clicksSquared
  sums.impressionsSquared += sign * other.impressionsSquared
  sums.product += sign * other.product
}

/**
 * The rate as a mean over people with its delta-method variance (Deng, Knoblich, Lu, KDD 2018):
 * Var(M/D) = Var(M)/D̄² + Var(D)·M̄²/D̄⁴ − 2·Cov(M, D)·M̄/D̄³. Rate 0 without impressions, variance 0 below two people.
 */
export function clickThroughEstimate(sums: ClickThrough): MeanEstimate {
  const { count, clicks, impressions } = sums
  if (impressions === 0) return { mean: 0, variance: 0, count }
  const mean = clicks / impressions
  if (count < 2) return { mean, variance: 0, count }
  const m = clicks / count
  const d = impressions / count
  const varianceM = (sums.clicksSquared - clicks * m) / (count - 1)
  const varianceD = (sums.impressionsSquared - impressions * d) / (count - 1)
  const covariance = (sums.product - clicks * d) / (count - 1)
  const variance = varianceM / d ** 2 + (varianceD * m ** 2) / d ** 4 - (2 * covariance * m) / d ** 3
  return { mean, variance: Math.max(0, variance), count }
}

/** The rate with its 1 − alpha interval (normal law); null before two people. */
export function clickThroughRate(sums: ClickThrough, alpha = 0.05): Difference | null {
  const { mean, variance, count } = clickThroughEstimate(sums)
  return count < 2 ? null : normalDifference(mean, Math.sqrt(variance / count), alpha)
}

/** Treatment against control, absolute or as lift, by Welch's test over people; null where nothing can be said. */
export function clickThroughDifference(
  control: ClickThrough,
  treatment: ClickThrough,
  options: DifferenceOptions = {},
): Difference | null {
  return welchDifference(clickThroughEstimate(control), clickThroughEstimate(treatment), options)
}
