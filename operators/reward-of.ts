import { combineOutcomes, type OutcomeFunction } from '../algorithms/combine-outcomes.ts'
import type { Decision } from '../schemas/decision.ts'
import type { Reward, SlotOutcome } from '../schemas/reward.ts'
import type { OutcomeState } from '../schemas/reward-state.ts'

/** How outcomes become rewards. */
export interface RewardRule {
  /** How several outcomes of an item become its reward. */
  readonly by: OutcomeFunction
  /** The reward of a slot that nothing followed. */
  readonly none: number
}

/**
 * What followed of each slot: the outcomes, which are in order of time, become one reward by a named function, the strongest says whether
 * it was clicked, liked and purchased, and an item shown twice is rewarded once, in its first slot.
 */
export function slotOutcomes(decision: Decision, outcomes: readonly OutcomeState[], rule: RewardRule): SlotOutcome[] {
  const taken = new Set<string>()
  return decision.slots.map((slot) => {
    const own = taken.has(slot.itemId) ? [] : outcomes.filter((outcome) => outcome.itemId === slot.itemId)
    taken.add(slot.itemId)
    const strengths = own.map(({ strength }) => strength)
    const strongest = combineOutcomes('max', strengths)
    return {
      reward: combineOutcomes(rule.by, strengths, rule.none),
      clicked: strongest >= 0.3,
      liked: strongest >= 0.6,
      purchased: strongest >= 1,
      // In cents: amounts add up to what they look like.
      revenue: own.reduce((sum, { revenue }) => sum + Math.round(100 * revenue), 0) / 100,
    }
  })
}

/** Whether two rows of a showing say the same. */
export function isSameOutcome(a: readonly SlotOutcome[], b: readonly SlotOutcome[]): boolean {
  return a.every((one, at) => one.reward === b[at]!.reward && one.revenue === b[at]!.revenue && isSameDeed(one, b[at]!))
}

function isSameDeed(a: SlotOutcome, b: SlotOutcome): boolean {
  return a.clicked === b.clicked && a.liked === b.liked && a.purchased === b.purchased
}

/** The row of a showing as of a moment; `before` is what the row before it said, null for the first one. */
export function rewardOf(
  decision: Decision,
  now: readonly SlotOutcome[],
  before: readonly SlotOutcome[] | null,
  join: Pick<Reward, 'revision' | 'sourcePartition' | 'sequence' | 'closedMs'>,
): Reward {
  const { slots: shown, seed: _seed, ...showing } = decision
  return { ...showing, ...join, slots: shown.map((slot, at) => ({ slot, ...now[at]!, before: before?.[at] ?? null })) }
}
