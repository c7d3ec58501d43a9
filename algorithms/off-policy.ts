import { invariant } from '../core/invariant.ts'

/** Logged decisions as columns, one row each. */
export interface OffPolicyLog {
  /** w = π_e / π_b of the logged action: chance under the judged policy over the logged propensity. */
  readonly weights: Float64Array
  readonly rewards: Float64Array
  /** q̂ of the logged action; needed by the model-based estimators. Fit it on other rows (cross-fitting). */
  readonly predicted?: Float64Array
  /** Σ_a π_e(a) q̂(a) of the row. */
  readonly expected?: Float64Array
}

/** An estimate of the judged policy's mean reward. */
export interface OffPolicyEstimate {
  readonly value: number
  readonly standardError: number
}

/** How far the log can carry the judged policy at all. */
export interface WeightCheck {
  /** (Σw)² / Σw²: how many decisions of the judged policy itself the log is worth. */
  readonly effectiveSize: number
  /** Must be near 1. */
  readonly meanWeight: number
  readonly meanWeightError: number
  readonly maxWeight: number
  /** Why no number may be a headline (F17.5), null if it may: effective size below 100, or mean weight off 1 by over 3 s.e. */
  readonly refusal: string | null
}

/** Inverse propensity scoring: mean of w·r; with `clip` mean of min(w, clip)·r, biased low but calmer. */
export function ips(log: OffPolicyLog, clip = Number.POSITIVE_INFINITY): OffPolicyEstimate {
  return meanEstimateOf(log.rewards.map((reward, n) => Math.min(clip, log.weights[n]!) * reward))
}

/** Self-normalised IPS: Σwr / Σw; its error √(Σw²(r − V)²) / Σw. */
export function snips({ weights, rewards }: OffPolicyLog): OffPolicyEstimate {
  let sum = 0
  let total = 0
  for (let n = 0; n < weights.length; n++) {
    sum += weights[n]! * rewards[n]!
    total += weights[n]!
  }
  const value = total > 0 ? sum / total : 0
  let squares = 0
  for (let n = 0; n < weights.length; n++) squares += (weights[n]! * (rewards[n]! - value)) ** 2
  return { value, standardError: total > 0 ? Math.sqrt(squares) / total : 0 }
}

/** Direct method: mean of q_π, what the reward model says; as good as the model. */
export function directMethod(log: OffPolicyLog): OffPolicyEstimate {
  return meanEstimateOf(modelOf(log).expected)
}

/** Doubly robust (Dudík, Langford, Li, ICML 2011): mean of q_π + w·(r − q̂). */
export function doublyRobust(log: OffPolicyLog): OffPolicyEstimate {
  return corrected(log, (w) => w)
}

/** Doubly robust with the correction divided by the mean weight. */
export function selfNormalizedDoublyRobust(log: OffPolicyLog): OffPolicyEstimate {
  const mean = meanEstimateOf(log.weights).value
  return corrected(log, (w) => (mean > 0 ? w / mean : 0))
}

/** Switch-DR (Wang, Agarwal, Dudík, ICML 2017): the correction only where w ≤ `limit`. */
export function switchDoublyRobust(log: OffPolicyLog, limit: number): OffPolicyEstimate {
  return corrected(log, (w) => (w <= limit ? w : 0))
}

/** DR with optimistic shrinkage (Su et al., ICML 2020): weight λw / (w² + λ); λ = ∞ is DR, λ = 0 the direct method. */
export function shrunkDoublyRobust(log: OffPolicyLog, lambda: number): OffPolicyEstimate {
  return corrected(log, (w) => (lambda === Number.POSITIVE_INFINITY ? w : (lambda * w) / (w * w + lambda || 1)))
}

/**
 * Doubly robust with sub-Gaussian weights (Metelli et al., NeurIPS 2021): w / (1 − λ + λw), λ in [0, 1]; λ = 0 is DR, λ = 1 trusts the
 * model as if both policies were one.
 */
export function subGaussianDoublyRobust(log: OffPolicyLog, lambda: number): OffPolicyEstimate {
  return corrected(log, (w) => (w === 0 ? 0 : w / (1 - lambda + lambda * w)))
}

/**
 * Replay (Li, Chu, Langford, Wang, WSDM 2011): mean reward of the rows on which the judged policy would have done the same. Only for logs
 * of a policy that chose evenly; `matched` tells, of each row, whether it would.
 */
export function replay(rewards: Float64Array, matched: readonly boolean[]): OffPolicyEstimate & { readonly rows: number } {
  const kept = rewards.filter((_, n) => matched[n])
  return { ...meanEstimateOf(kept), rows: kept.length }
}

/** Checks the weights; read `refusal` before showing any estimate. */
export function checkWeights(weights: Float64Array): WeightCheck {
  let sum = 0
  let squares = 0
  let maxWeight = 0
  for (const w of weights) {
    sum += w
    squares += w * w
    maxWeight = Math.max(maxWeight, w)
  }
  const { value: meanWeight, standardError: meanWeightError } = meanEstimateOf(weights)
  const effectiveSize = squares > 0 ? (sum * sum) / squares : 0
  const refusal =
    effectiveSize < 100
      ? `effective sample size ${effectiveSize.toFixed(1)} is below 100: the log holds too little of what the policy would do`
      : Math.abs(meanWeight - 1) > 3 * meanWeightError
        ? `mean weight ${meanWeight.toFixed(3)} is more than 3 standard errors from 1: the propensities do not fit the log`
        : null
  return { effectiveSize, meanWeight, meanWeightError, maxWeight, refusal }
}

function corrected(log: OffPolicyLog, weight: (w: number) => number): OffPolicyEstimate {
  const { predicted, expected } = modelOf(log)
  return meanEstimateOf(expected.map((q, n) => q + weight(log.weights[n]!) * (log.rewards[n]! - predicted[n]!)))
}

function modelOf({ predicted, expected }: OffPolicyLog): { predicted: Float64Array; expected: Float64Array } {
  invariant(predicted !== undefined && expected !== undefined, 'off-policy: this estimator needs `predicted` and `expected`')
  return { predicted, expected }
}

/** Mean with its standard error sd/√n (sd over n − 1). */
export function meanEstimateOf(values: Float64Array): OffPolicyEstimate {
  const n = values.length
  if (n === 0) return { value: 0, standardError: 0 }
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / n
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return { value: mean, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0 }
}
