import { flooredChances } from '../algorithms/bandits/floored-chances.ts'
import type { Chances } from '../algorithms/bandits/policy.ts'
import { type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { drawArm } from '../algorithms/exploration.ts'
import { createRandom, type Random } from '../core/random.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { Learned } from './tables/bandit-table.ts'

/** What chances follow from beside what was learned. */
export type ExplorationQuestion = Pick<Exploration, 'arms' | 'context' | 'epsilon'>

/** Where all randomness of a list's exploration comes from. */
export function explorationRandom(listId: string): Random {
  return createRandom(`explore ${listId}`)
}

/** The chance of each arm, by what was learned until now; the context stands for every arm. */
export function explorationChances(
  { policy }: PolicyVersion,
  { arms, context, epsilon }: ExplorationQuestion,
  { sums, rewards }: Learned,
  random: Random,
): Chances {
  const width = context.length
  const features = Float64Array.from({ length: arms.length * width }, (_, at) => context[at % width]!)
  return flooredChances(policy, { arms, features, width, decisions: rewards }, sums, epsilon, random)
}

/**
 * Takes a logged decision again: `learned` is what the policy knew then, from the row of `bandit-updates` whose `version` is the
 * exploration's `learned`, faded to its `fadedToMs`. Gives the chances and the arm, the very ones that were logged.
 * Errors: `MILL_CONFIG_INVALID` for a policy or version that this code does not know.
 */
export function replayExploration(
  exploration: Exploration,
  listId: string,
  learned: Learned,
): { readonly chances: Float64Array; readonly arm: string } {
  const random = explorationRandom(listId)
  const known = readPolicyVersion(exploration.policy, exploration.version)
  const { values } = explorationChances(known, exploration, learned, random)
  return { chances: values, arm: exploration.arms[drawArm(values, random.next())]! }
}
