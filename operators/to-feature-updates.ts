import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { FoldedEvent } from './fold-user-events.ts'
import { userView } from './user-view.ts'

const urgent: ReadonlySet<string> = new Set(['add_to_cart', 'purchase', 'search'])

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
    const newest = new Map<string, { last: FoldedEvent; moved: Set<string> }>()
    for (const folded of batch.records) {
      const { userId, type } = folded.event
      const known = newest.get(userId)
      if (!known) newest.set(userId, { last: folded, moved: new Set([type]) })
      else {
        newest.delete(userId)
        newest.set(userId, { last: folded, moved: known.moved.add(type) })
      }
    }
    const records: Keyed<FeatureUpdate>[] = []
    for (const [key, { last, moved }] of newest) records.push({ key, value: updateOf(key, last, [...moved]) })
    return { ...batch, records }
  })
}

function updateOf(userId: string, last: FoldedEvent, moved: readonly string[]): FeatureUpdate {
  return {
    userId,
    eventTimeMs: last.state.lastMs,
    loggedMs: last.loggedMs,
    sourceOffset: last.offset,
    urgency: moved.some((type) => urgent.has(type)) ? 'high' : 'normal',
    moved,
    features: userView(userId, last.state),
  }
}
