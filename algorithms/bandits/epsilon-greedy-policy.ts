import { epsilonGreedy } from '../exploration.ts'
import { meansOf, meanWidth, observeMean, shrunkMean } from './mean-sums-of-arm.ts'
import { exactly, type Policy, placeOfBest } from './policy.ts'

/** Settings of `epsilonGreedyPolicy`. */
export interface EpsilonGreedyOptions {
  /** Share of decisions spread evenly over all candidates, 0–1 (.1). */
  readonly epsilon?: number
  /** Reward of an arm that nobody has seen, and observations it is worth, > 0 (1 and 1: new arms get their turn). */
  readonly prior?: number
  readonly pseudo?: number
}

/** ε-greedy over mean rewards: the best arm, or any with chance ε. */
export function epsilonGreedyPolicy({ epsilon = 0.1, prior = 1, pseudo = 1 }: EpsilonGreedyOptions = {}): Policy {
  return {
    name: 'epsilon-greedy',
    armOf: (arm) => arm,
    width: () => meanWidth,
    observe: observeMean,
    chances: (choices, sums) => {
      const means = meansOf(choices, sums, prior, pseudo)
      return exactly(epsilonGreedy(means.length, placeOfBest(means), epsilon))
    },
    expected: (sums) => shrunkMean(sums, prior, pseudo),
  }
}
