import { choicesAmong, chooseSlate } from '../algorithms/bandits/choose-slate.ts'
import { flooredChances } from '../algorithms/bandits/floored-chances.ts'
import type { Chances, Choices } from '../algorithms/bandits/policy.ts'
import { areItems, type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { slotChances } from '../algorithms/bandits/slot-chances.ts'
import { createRandom } from '../core/random.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { Learned } from './tables/bandit-table.ts'

/** What a draw follows from beside what was learned. */
export type ExplorationQuestion = Pick<Exploration, 'arms' | 'context' | 'epsilon' | 'places'>

/** A policy with what it knows. */
export type Knowing = Pick<PolicyVersion, 'policy' | 'over'> & { readonly learned: Learned }

/** What is told of a slate's marginal chances. */
export type SlotMarginals = Pick<Exploration, 'marginals' | 'marginalDraws'>

/** What a policy drew. */
export interface ExplorationDraw {
  /** Of each arm to fill the first slot. */
  readonly chances: Chances
  /** In order of slots: the arm by number, and its chance among the arms that were left. */
  readonly drawn: readonly { readonly arm: number; readonly propensity: number }[]
}

/** Draws arms for `places` slots without replacement; all randomness comes from the list's id. */
export function drawExploration(
  { policy, over, learned }: Knowing,
  question: ExplorationQuestion,
  listId: string,
): ExplorationDraw {
  const { places, epsilon } = question
  const choices = choicesOf(question, over, learned.rewards)
  const slate = chooseSlate(policy, choices, learned.sums, { slots: places, epsilon }, createRandom(`explore ${listId}`))
  return { chances: slate[0]!.chances, drawn: slate.map(({ candidate, propensity }) => ({ arm: candidate, propensity })) }
}

/**
 * The chance of each drawn arm to stand in its slot whatever stands above: exact where that asks the policy at most `draws` times, else counted
 * from so many further slates and the one that was drawn, so that none is 0.
 */
export function marginalChances(
  { policy, over, learned }: Knowing,
  question: ExplorationQuestion,
  { drawn }: ExplorationDraw,
  options: { readonly draws: number; readonly listId: string },
): SlotMarginals {
  const random = createRandom(`explore marginals ${options.listId}`)
  const choices = choicesOf(question, over, learned.rewards)
  const candidates = question.arms.length
  const slates = {
    candidates,
    slots: drawn.length,
    chancesAmong: (left: readonly number[]) =>
      flooredChances(policy, choicesAmong(choices, left), learned.sums, question.epsilon, random).values,
  }
  const { values, draws } = slotChances(slates, options.draws, random)
  const own = drawn.map(({ arm }, slot) => values[slot * candidates + arm]!)
  return draws === 0
    ? { marginals: own, marginalDraws: 0 }
    : { marginals: own.map((chance) => (chance * draws + 1) / (draws + 1)), marginalDraws: draws + 1 }
}

/**
 * Takes a logged decision again: `learned` is what the policy knew then, from the row of `bandit-updates` whose `version` is the
 * exploration's `learned`, faded to its `fadedToMs`. Gives the chances and what was drawn, the very ones that were logged.
 * Errors: `MILL_CONFIG_INVALID` for a policy or version that this code does not know.
 */
export function replayExploration(exploration: Exploration, listId: string, learned: Learned): ExplorationDraw {
  return drawExploration({ ...readPolicyVersion(exploration.policy, exploration.version), learned }, exploration, listId)
}

/** Numbers of an arm in a context: one row stands for all sources and rankers, items have a row each. */
export function contextWidth({ context, arms }: Pick<Exploration, 'arms' | 'context'>, over: string): number {
  return areItems(over) ? context.length / arms.length : context.length
}

function choicesOf({ arms, context }: ExplorationQuestion, over: string, decisions: number): Choices {
  const width = contextWidth({ arms, context }, over)
  const features = areItems(over)
    ? Float64Array.from(context)
    : Float64Array.from({ length: arms.length * width }, (_, at) => context[at % width]!)
  return { arms, features, width, decisions }
}
