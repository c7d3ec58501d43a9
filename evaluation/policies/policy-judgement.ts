import { type Interval, normalInterval } from '../../algorithms/mean-bounds.ts'
import type { OffPolicyEstimate, WeightCheck } from '../../algorithms/off-policy.ts'

/** Settings of the estimators. */
export interface JudgeOptions {
  /** Weights above it are cut in clipped IPS and left to the model in Switch-DR. */
  readonly limit: number
  /** λ of the shrunk weights of DRos. */
  readonly shrinkage: number
  readonly folds: number
  readonly seed: number
  readonly resamples: number
}

/** One estimator's answer. */
export interface PolicyEstimate {
  readonly estimator: string
  readonly value: number
  readonly standardError: number
  /** 95 %. */
  readonly interval: Interval
}

/** What a log says of a policy. */
export interface PolicyJudgement {
  readonly policy: string
  readonly rows: number
  /** Mean reward of the log itself in the judged rows. */
  readonly logged: PolicyEstimate
  readonly estimates: readonly PolicyEstimate[]
  readonly check: WeightCheck
  /** Bootstrap interval of SNIPS, resampled by units; null for slates. */
  readonly bootstrap: Interval | null
  /** Of slates, how far the marginal chances carry the policy (the worst slot); null where they are not logged. */
  readonly marginalCheck?: WeightCheck | null
}

/** An estimate with its name and 95 % interval. */
export function named(estimator: string, estimate: OffPolicyEstimate): PolicyEstimate {
  return { estimator, ...estimate, interval: normalInterval(estimate) }
}
