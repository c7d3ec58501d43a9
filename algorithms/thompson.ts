import { invariant } from '../core/invariant.ts'
import type { Random } from '../core/random.ts'
import { betaQuantile } from './beta.ts'
import { sampleBeta } from './sample.ts'

/** Sufficient statistics of one Beta–Bernoulli arm, without the prior: they merge by addition and undo by subtraction. */
export interface ArmCounts {
  /** Σ r, rewards clipped to [0, 1]. */
  successes: number
  /** Σ (1 − r). */
  failures: number
}

/** A Beta distribution, alpha and beta > 0. */
export interface BetaPrior {
  readonly alpha: number
  readonly beta: number
}

/** What is known of one arm. */
export interface BetaPosterior extends BetaPrior {
  /** Expected reward alpha / (alpha + beta). */
  readonly mean: number
  /** Ends of the central 95 % interval. */
  readonly lower: number
  readonly upper: number
}

/** Beta(1, 1): every rate is as likely as another. */
export const uniformPrior: BetaPrior = { alpha: 1, beta: 1 }

/** An arm without observations. */
export function emptyArm(): ArmCounts {
  return { successes: 0, failures: 0 }
}

/** α += r, β += 1 − r, in place, r clipped to [0, 1]. A reward that is not a number is refused: it would stay for ever. */
export function addReward(arm: ArmCounts, reward: number): void {
  const r = clipped(reward)
  arm.successes += r
  arm.failures += 1 - r
}

/** Takes back an assumed reward and puts the true one in its place, in place: the second half of `provisional` (F7.8). */
export function correctReward(arm: ArmCounts, assumed: number, reward: number): void {
  const difference = clipped(reward) - clipped(assumed)
  arm.successes += difference
  arm.failures -= difference
}

/** Adds the counts of `other`, in place; `sign` −1 takes them away again. */
export function mergeArm(arm: ArmCounts, other: ArmCounts, sign: 1 | -1 = 1): void {
  arm.successes += sign * other.successes
  arm.failures += sign * other.failures
}

/** Posterior of one arm: prior plus counts, mean and central 95 % interval. */
export function posteriorOf(arm: ArmCounts, prior: BetaPrior = uniformPrior): BetaPosterior {
  const alpha = prior.alpha + arm.successes
  const beta = prior.beta + arm.failures
  return {
    alpha,
    beta,
    mean: alpha / (alpha + beta),
    lower: betaQuantile(0.025, alpha, beta),
    upper: betaQuantile(0.975, alpha, beta),
  }
}

/** The `count` arms with the largest draws from their posteriors, best first: Thompson sampling of a slate (F7.1). */
export function sampleThompsonSlate(posteriors: readonly BetaPrior[], count: number, random: Random): number[] {
  const draws = posteriors.map(({ alpha, beta }, arm) => ({ arm, draw: sampleBeta(random, alpha, beta) }))
  draws.sort((a, b) => b.draw - a.draw || a.arm - b.arm)
  return draws.slice(0, count).map(({ arm }) => arm)
}

function clipped(reward: number): number {
  invariant(!Number.isNaN(reward), 'thompson: a reward must be a number')
  return Math.min(1, Math.max(0, reward))
}
