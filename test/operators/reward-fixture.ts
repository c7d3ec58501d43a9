import type { Decision, DecisionSlot } from '../../schemas/decision.ts'
import type { Reward, RewardSlot, SlotOutcome } from '../../schemas/reward.ts'
import type { EventType, UserEvent } from '../../schemas/user-event.ts'

export function slotOf(itemId: string, position: number, explored = false, source = 'session'): DecisionSlot {
  return { itemId, position, propensity: 0.5, source, score: 1, explored, features: Buffer.from([0, 0, 128, 63]) }
}

export function decisionOf(decisionId: string, timeMs: number, fields: Partial<Decision> = {}): Decision {
  return {
    decisionId,
    listId: 'l',
    userId: 'u',
    timeMs,
    surface: 'home',
    policy: 'learned',
    policyVersion: '1',
    exploration: null,
    experiment: null,
    variant: null,
    assignments: [],
    seed: decisionId,
    rung: 'ranker',
    modelVersion: '1',
    context: Buffer.alloc(0),
    slots: [slotOf('a', 0), slotOf('b', 1, true, 'trend'), slotOf('a', 2)],
    ...fields,
  }
}

export function eventOf(eventId: string, timeMs: number, type: EventType = 'click', fields: Partial<UserEvent> = {}): UserEvent {
  return {
    eventId,
    userId: 'u',
    itemId: 'a',
    type,
    timeMs,
    sessionId: null,
    listId: 'l',
    position: null,
    rating: null,
    price: null,
    quantity: null,
    query: null,
    device: 'unknown',
    region: null,
    timeZone: null,
    category: [],
    brand: null,
    ...fields,
  }
}

/** What a row says of a slot with such a graded reward. */
export function outcomeOf(reward: number, revenue = 0): SlotOutcome {
  return { reward, clicked: reward >= 0.3, liked: reward >= 0.6, purchased: reward >= 1, revenue }
}

/** A slot of a decision's first row. */
export function rewardedSlot(slot: DecisionSlot, reward: number): RewardSlot {
  return { slot, ...outcomeOf(reward), before: null }
}

/** A decision's first row, number `sequence` of task 0. */
export function rewardRowOf(
  decision: Decision,
  sequence: number,
  slots: readonly RewardSlot[],
  fields: Partial<Reward> = {},
): Reward {
  const { slots: _slots, seed: _seed, ...showing } = decision
  return { ...showing, revision: 0, sourcePartition: 0, sequence, closedMs: 5_000 + sequence, slots, ...fields }
}
