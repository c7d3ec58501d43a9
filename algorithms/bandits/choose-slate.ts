import { invariant } from '../../core/invariant.ts'
import type { Random } from '../../core/random.ts'
import { drawArm } from '../exploration.ts'
import { flooredChances } from './floored-chances.ts'
import type { ArmSums, Choices, Policy } from './policy.ts'

/** Guards of a choice. */
export interface SlateOptions {
  /** Slots to fill, at least 1. */
  readonly slots: number
  /** Share of each slot spread over all its candidates, 0–1: no chance falls below epsilon / candidates. */
  readonly epsilon: number
  /** Candidates below `minimum` of `scores` are never explored; they fill slots only when nothing else is left. */
  readonly relevance?: { readonly scores: Float64Array; readonly minimum: number }
}

/** A filled slot with what an estimate needs later. */
export interface SlateSlot {
  readonly candidate: number
  /** Chance of this candidate here, given what stands in the slots before; in (0, 1]. */
  readonly propensity: number
  /** Draws the chance was counted from; 0 = exact. */
  readonly draws: number
}

/**
 * Fills slots one after the other, each by the policy's chances among the candidates that are left, raised to the floor; the propensity
 * logged is the chance it was really drawn with. The product over slots is the slate's. Replayable: `random` is seeded by the decision.
 */
export function chooseSlate(
  policy: Policy,
  choices: Choices,
  sums: ArmSums,
  { slots, epsilon, relevance }: SlateOptions,
  random: Random,
): SlateSlot[] {
  invariant(slots >= 1, 'a slate has at least one slot')
  const relevant = (candidate: number): boolean => !relevance || relevance.scores[candidate]! >= relevance.minimum
  let left = choices.arms.map((_, candidate) => candidate).filter(relevant)
  let spare = choices.arms.map((_, candidate) => candidate).filter((candidate) => !relevant(candidate))
  const slate: SlateSlot[] = []
  while (slate.length < slots && left.length + spare.length > 0) {
    if (left.length === 0) {
      left = spare
      spare = []
    }
    const { values, draws } = flooredChances(policy, narrowed(choices, left), sums, epsilon, random)
    const place = drawArm(values, random.next())
    slate.push({ candidate: left[place]!, propensity: values[place]!, draws })
    left = left.filter((_, at) => at !== place)
  }
  return slate
}

function narrowed(choices: Choices, candidates: readonly number[]): Choices {
  if (candidates.length === choices.arms.length) return choices
  const { arms, features, width } = choices
  const rows = new Float64Array(candidates.length * width)
  candidates.forEach((candidate, at) => {
    rows.set(features.subarray(candidate * width, (candidate + 1) * width), at * width)
  })
  return { ...choices, arms: candidates.map((candidate) => arms[candidate]!), features: rows }
}
