import { movesTime } from '../core/moves-time.ts'
import type { Batch, Sourced } from '../ports/batch.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventFault } from '../schemas/event-fault.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { decisionFault } from './decision-fault.ts'
import type { OutcomeWaits } from './outcome-waits.ts'

/** A record of either input of the join: a showing, or something somebody did. */
export type Joinable = Sourced<Decision | UserEvent>

/** A record that takes part in the join: a showing or an outcome, and how far time had come when it was read. */
export interface Taken {
  readonly value: Decision | UserEvent
  readonly record: Joinable
  /** Event time at which it was read: its own, or how far its input had come. */
  readonly readMs: number
  /** Its own input's watermark before it. */
  readonly ownMs: number
  /** The task's watermark with it. */
  readonly watermarkMs: number
}

/**
 * Parts the records of a batch. A showing that is older than its own input's time allows is late, an outcome only when its wait is over
 * too; an invalid showing is set aside; an invalid event is passed over, as `user-features` sets it aside. All move time, as for the task.
 */
export function takeJoinable(batch: Batch<Joinable>, latenessMs: number, waits: OutcomeWaits): Taken[] {
  const { transaction, topicWatermarkBeforeMs, watermarkBeforeMs, watermarkMs: endMs, records } = batch
  const taken: Taken[] = []
  let nextMs = topicWatermarkBeforeMs
  for (const record of records) {
    const { value, loggedMs } = record
    const ownMs = nextMs
    if (movesTime(value.timeMs, loggedMs)) nextMs = Math.max(ownMs, value.timeMs - latenessMs)
    let waitMs = 0
    if ('decisionId' in value) {
      const fault = decisionFault(value, loggedMs)
      if (fault !== null) {
        transaction.deadLetter(record, 'join', 'MILL_RECORD_INVALID', fault)
        continue
      }
    } else {
      if (!isOutcome(value, waits) || eventFault(value, loggedMs) !== null) continue
      waitMs = waits.of.get(value.type)!
    }
    if (value.timeMs + waitMs < ownMs) {
      transaction.late(record, 'join', value.timeMs)
      continue
    }
    // The other input stands still within a batch.
    const watermarkMs = Math.min(Math.max(watermarkBeforeMs, nextMs), endMs)
    taken.push({ value, record, readMs: Math.max(value.timeMs, ownMs), ownMs, watermarkMs })
  }
  return taken
}

function isOutcome(event: UserEvent, waits: OutcomeWaits): boolean {
  return event.listId !== null && event.itemId !== null && waits.of.has(event.type)
}
