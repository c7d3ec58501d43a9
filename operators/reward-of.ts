import type { Decision } from '../schemas/decision.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'
import type { OutcomeState } from '../schemas/reward-state.ts'

/** The row of a showing and its outcomes: each slot gets its strongest one, and an item shown twice is rewarded once. */
export function rewardOf(
  decision: Decision,
  outcomes: readonly OutcomeState[],
  join: { sourcePartition: number; sequence: number; closedMs: number },
): Reward {
  const taken = new Set<string>()
  const slots = decision.slots.map((slot): RewardSlot => {
    // An item shown twice in one list is rewarded in its first slot.
    const own = taken.has(slot.itemId) ? [] : outcomes.filter((outcome) => outcome.itemId === slot.itemId)
    taken.add(slot.itemId)
    const reward = own.reduce((largest, outcome) => Math.max(largest, outcome.strength), 0)
    return { slot, reward, clicked: reward >= 0.3, liked: reward >= 0.6, purchased: reward >= 1 }
  })
  const { slots: _shown, seed: _seed, ...showing } = decision
  return { ...showing, ...join, slots }
}
