import type { Decision, DecisionSlot } from '../../schemas/decision.ts'
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
