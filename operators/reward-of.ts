import { combineOutcomes, type OutcomeFunction } from '../algorithms/combine-outcomes.ts'
import type { Decision } from '../schemas/decision.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'
import type { OutcomeState } from '../schemas/reward-state.ts'

/**
 * The row of a showing and its outcomes, which are in order of time: those of a slot become one reward by a named function, its strongest
 * says whether it was clicked, liked and purchased, and an item shown twice is rewarded once.
 */
export function rewardOf(
  decision: Decision,
  outcomes: readonly OutcomeState[],
  by: OutcomeFunction,
  join: { sourcePartition: number; sequence: number; closedMs: number },
): Reward {
  const taken = new Set<string>()
  const slots = decision.slots.map((slot): RewardSlot => {
    // An item shown twice in one list is rewarded in its first slot.
    const own = taken.has(slot.itemId) ? [] : outcomes.filter((outcome) => outcome.itemId === slot.itemId)
    taken.add(slot.itemId)
    const strengths = own.map(({ strength }) => strength)
    const strongest = combineOutcomes('max', strengths)
    const deeds = { clicked: strongest >= 0.3, liked: strongest >= 0.6, purchased: strongest >= 1 }
    return { slot, reward: combineOutcomes(by, strengths), ...deeds }
  })
  const { slots: _shown, seed: _seed, ...showing } = decision
  return { ...showing, ...join, slots }
}
