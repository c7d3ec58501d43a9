import { eventRecord } from '../../connectors/files/import-records.ts'
import { ObservationBuilder } from '../../evaluation/observation-builder.ts'
import type { DataPart, Observations } from '../../evaluation/observations.ts'
import type { EventType, UserEvent } from '../../schemas/user-event.ts'

/** One event in a test, in numbers. */
export interface Step {
  readonly user: number
  readonly session: number
  readonly item: number
  readonly timeMs: number
  readonly part?: DataPart
  readonly type?: EventType
  readonly rating?: number
}

/** Observations of such events; session −1 = none given. */
export function observationsOf(steps: readonly Step[], sessionGapMs = Number.POSITIVE_INFINITY, tieSeed?: number): Observations {
  const builder = new ObservationBuilder({ sessionGapMs, tieSeed })
  steps.forEach((step, n) => {
    builder.add(eventOf(step, n), step.part ?? 'train')
  })
  return builder.finish()
}

function eventOf({ user, session, item, timeMs, type = 'view', rating }: Step, n: number): UserEvent {
  const record = eventRecord({
    eventId: `e${n}`,
    userId: `u${user}`,
    itemId: String(item),
    type,
    timeMs,
    sessionId: session < 0 ? null : `s${session}`,
    ...(rating === undefined ? {} : { rating }),
  })
  return record.value as UserEvent
}
