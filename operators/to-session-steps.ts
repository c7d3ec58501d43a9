import { map, type OperatorFunction } from 'rxjs'
import { fnv1a32 } from '../core/hash.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { SessionSteps } from '../schemas/session-steps.ts'
import type { FoldedEvent } from './fold-user-events.ts'

/**
 * Packs (session, item, time) of a batch into one record for the session index of every recommender.
 *
 *     source  x--y--|     x = [a1, b1]   y = [a search]
 *     result  x--y--|     x = [steps of a1 and b1]   y = []
 *
 * - Order: rows by source offset; batches keep theirs.
 * - Bound: holds one batch, and nothing between batches.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toSessionSteps(): OperatorFunction<Batch<FoldedEvent>, Batch<Keyed<SessionSteps>>> {
  return map((batch) => {
    const numbers = new Map<string, number>()
    const numberOf = (text: string): number => {
      const known = numbers.get(text)
      if (known !== undefined) return known
      numbers.set(text, numbers.size)
      return numbers.size - 1
    }
    const sessions: number[] = []
    const items: number[] = []
    const offsets: number[] = []
    const timesMs: number[] = []
    const people: number[] = []
    for (const { event, offset, sessionId } of batch.records) {
      if (event.itemId === null || event.type === 'dismiss') continue
      sessions.push(numberOf(sessionId))
      items.push(numberOf(event.itemId))
      offsets.push(offset)
      timesMs.push(event.timeMs)
      people.push(fnv1a32(event.userId) | 0)
    }
    const { partition } = batch.task
    const value = { sourcePartition: partition, strings: [...numbers.keys()], sessions, items, offsets, timesMs, people }
    return { ...batch, records: offsets.length === 0 ? [] : [{ key: String(partition), value, partition }] }
  })
}
