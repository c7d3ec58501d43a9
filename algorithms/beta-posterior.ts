import { betaQuantile } from './beta.ts'

/** Sufficient statistics of one Beta–Bernoulli arm, without the prior: they merge by addition and undo by subtraction. */
export interface ArmCounts {
  /** Σ r, rewards clipped to [0, 1]. */
  readonly successes: number
  /** Σ (1 − r). */
  readonly failures: number
}

/** A Beta distribution, alpha and beta > 0, as what is known of one arm. */
export interface BetaPosterior {
  readonly alpha: number
  readonly beta: number
  /** Expected reward alpha / (alpha + beta). */
  readonly mean: number
  /** Ends of the central 95 % interval. */
  readonly lower: number
  readonly upper: number
}

/** Posterior of one arm under the prior Beta(1, 1), by which every rate is as likely as another: mean and central 95 % interval. */
export function posteriorOf({ successes, failures }: ArmCounts): BetaPosterior {
  const alpha = 1 + successes
  const beta = 1 + failures
  return {
    alpha,
    beta,
    mean: alpha / (alpha + beta),
    lower: betaQuantile(0.025, alpha, beta),
    upper: betaQuantile(0.975, alpha, beta),
  }
}
