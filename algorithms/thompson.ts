import { invariant } from '../core/invariant.ts'
import type { Random } from '../core/random.ts'
import { betaBestProbabilities } from './best-arm.ts'
import { betaQuantile } from './beta.ts'
import { drawArm, withMinimumProbability } from './exploration.ts'
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

/** A choice with the chances it was drawn from. */
export interface ThompsonChoice {
  readonly arm: number
  /** Chance of every arm, the floor included: what must be logged. */
  readonly propensities: Float64Array
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

/**
 * The chances of Thompson sampling over independent Beta arms, exact by quadrature, with each at least `epsilon` / K by
 * projection. Compute them once per version of the posteriors and draw with `drawArm`: a draw per decision costs nothing then.
 */
export function thompsonPropensities(posteriors: readonly BetaPrior[], epsilon = 0): Float64Array {
  invariant(posteriors.length > 0, 'thompson: there must be at least one arm')
  const alphas = Float64Array.from(posteriors, (posterior) => posterior.alpha)
  const betas = Float64Array.from(posteriors, (posterior) => posterior.beta)
  const chances = posteriors.length === 1 ? Float64Array.of(1) : betaBestProbabilities(alphas, betas)
  return epsilon > 0 ? withMinimumProbability(chances, epsilon) : chances
}

/** Chooses one arm and says what the chances were; `random` seeded by the decision id makes it replayable. */
export function chooseByThompson(posteriors: readonly BetaPrior[], random: Random, epsilon = 0): ThompsonChoice {
  const propensities = thompsonPropensities(posteriors, epsilon)
  return { arm: drawArm(propensities, random.next()), propensities }
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
