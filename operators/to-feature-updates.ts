import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { type EventType, eventTypeNumber, eventTypes } from '../schemas/user-event.ts'
import type { FoldedEvent } from './fold-user-events.ts'
import { userView } from './user-view.ts'

/** Sets of event types: bit n is type number n. */
const urgentTypes = setOf('add_to_cart', 'purchase', 'search')

/** One person of a batch: their last event, and the types of all. */
interface Moved {
  readonly last: FoldedEvent
  types: number
}

/**
 * One feature update per person of a batch: what they look like after all of it.
 *
 *     source  x--y--|     x = [a1, b1, a2]   y = [a3]
 *     result  x--y--|     x = [b after b1, a after a2]   y = [a after a3]
 *
 * - Order: people in order of their last event; batches keep theirs.
 * - Bound: holds one batch, and nothing between batches.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toFeatureUpdates(): OperatorFunction<Batch<FoldedEvent>, Batch<Keyed<FeatureUpdate>>> {
  return map((batch) => {
    // Backwards: the first sight of a person is their last event.
    const people = new Map<string, Moved>()
    for (let i = batch.records.length - 1; i >= 0; i--) {
      const last = batch.records[i]!
      const { userId, type } = last.event
      const known = people.get(userId)
      if (known) known.types |= 1 << eventTypeNumber(type)
      else people.set(userId, { last, types: 1 << eventTypeNumber(type) })
    }
    const records = [...people].map(([key, moved]) => ({ key, value: updateOf(key, moved) })).reverse()
    return { ...batch, records }
  })
}

function setOf(...types: readonly EventType[]): number {
  return types.reduce((set, type) => set | (1 << eventTypeNumber(type)), 0)
}

function updateOf(userId: string, { last, types }: Moved): FeatureUpdate {
  return {
    userId,
    eventTimeMs: last.state.lastMs,
    loggedMs: last.loggedMs,
    sourceOffset: last.offset,
    urgency: types & urgentTypes ? 'high' : 'normal',
    moved: namesOf(types),
    features: userView(userId, last.state),
  }
}

/** Names of a set of types, in the order of `eventTypes`; there are few sets. */
function namesOf(types: number): readonly string[] {
  let names = namesByTypes[types]
  if (!names) {
    names = eventTypes.filter((_type, number) => types & (1 << number))
    namesByTypes[types] = names
  }
  return names
}

const namesByTypes: (readonly string[])[] = []
