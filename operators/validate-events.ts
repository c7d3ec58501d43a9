import { map, type OperatorFunction } from 'rxjs'
import { movesTime } from '../core/moves-time.ts'
import type { Batch, Sourced } from '../ports/batch.ts'
import { eventFault } from '../schemas/event-fault.ts'
import type { UserEvent } from '../schemas/user-event.ts'

/**
 * Sets aside what breaks a rule (dead letter with the field) and what comes too late (late output); the rest goes on.
 *
 *     source  x--y--|     x = [good, bad, good]   y = [late]
 *     result  x--y--|     x = [good, good]        y = []
 *
 * - Order: survivors keep log order; batches keep theirs.
 * - Bound: holds one batch, and nothing between batches.
 * - Time: event time only: an event is late if it is more than `latenessMs` older than the newest one before it.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on; an invalid record is a value.
 */
export function validateEvents(options: {
  readonly latenessMs: number
}): OperatorFunction<Batch<Sourced<UserEvent>>, Batch<Sourced<UserEvent>>> {
  return map((batch) => {
    let watermarkMs = batch.topicWatermarkBeforeMs
    const records: Sourced<UserEvent>[] = []
    for (const record of batch.records) {
      const event = record.value
      const fault = eventFault(event, record.loggedMs)
      const topicWatermarkMs = watermarkMs
      // An invalid event moves time as a valid one does: so does the task between batches, and cuts must not matter.
      if (movesTime(event.timeMs, record.loggedMs)) watermarkMs = Math.max(watermarkMs, event.timeMs - options.latenessMs)
      if (fault !== null)
        batch.transaction.deadLetter(record, 'validate', 'MILL_RECORD_INVALID', `${fault.field} ${fault.message}`)
      else if (event.timeMs < topicWatermarkMs) batch.transaction.late(record, 'validate', event.timeMs)
      else records.push(record)
    }
    return { ...batch, records }
  })
}
