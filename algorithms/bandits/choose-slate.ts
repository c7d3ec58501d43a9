import { invariant } from '../../core/invariant.ts'
import type { Random } from '../../core/random.ts'
import { drawArm } from '../exploration.ts'
import { flooredChances } from './floored-chances.ts'
import type { ArmSums, Chances, Choices, Policy } from './policy.ts'

/** Guards of a choice. */
export interface SlateOptions {
  /** Slots to fill, at least 1. */
  readonly slots: number
  /** Share of each slot spread over all its candidates, 0–1: no chance falls below epsilon / candidates. */
  readonly epsilon: number
}

/** A filled slot with what an estimate needs later. */
export interface SlateSlot {
  readonly candidate: number
  /** Chance of this candidate here, given what stands in the slots before; in (0, 1]. */
  readonly propensity: number
  /** The chances of all candidates that were left, in their order. */
  readonly chances: Chances
}

/**
 * Fills slots one after the other, each by the policy's chances among the candidates that are left, raised to the floor; the propensity
 * logged is the chance it was really drawn with. The product over slots is the slate's. Replayable: `random` is seeded by the decision.
 */
export function chooseSlate(
  policy: Policy,
  choices: Choices,
  sums: ArmSums,
  { slots, epsilon }: SlateOptions,
  random: Random,
): SlateSlot[] {
  invariant(slots >= 1, 'a slate has at least one slot')
  let left = choices.arms.map((_, candidate) => candidate)
  const slate: SlateSlot[] = []
  while (slate.length < slots && left.length > 0) {
    const chances = flooredChances(policy, choicesAmong(choices, left), sums, epsilon, random)
    const place = drawArm(chances.values, random.next())
    slate.push({ candidate: left[place]!, propensity: chances.values[place]!, chances })
    left = left.filter((_, at) => at !== place)
  }
  return slate
}

/** The choices that some candidates, by number, are. */
export function choicesAmong(choices: Choices, candidates: readonly number[]): Choices {
  if (candidates.length === choices.arms.length) return choices
  const { arms, features, width } = choices
  const rows = new Float64Array(candidates.length * width)
  candidates.forEach((candidate, at) => {
    rows.set(features.subarray(candidate * width, (candidate + 1) * width), at * width)
  })
  return { ...choices, arms: candidates.map((candidate) => arms[candidate]!), features: rows }
}
