import { eventTypeNumber, eventTypes, type UserEvent } from './user-event.ts'

/** What is wrong with an event: the field as the schema names it, and why. */
export interface EventFault {
  readonly field: keyof UserEvent
  readonly message: string
}

/** Longest id of a person, item, session or list. */
export const eventIdBytesMax = 128
const aheadMsMax = 5 * 60_000
/** What the money type of the schemas holds. */
const priceMax = 1_000_000_000_000

/**
 * The rules of features.md F1.5 for one event: the first that it breaks, or null. `nowMs` is when the log took it, or would take
 * it. The gateway asks before it sends, `user-features` before it folds.
 */
export function eventFault(event: UserEvent, nowMs: number): EventFault | null {
  const { type, timeMs, rating, price } = event
  if (type === 'unknown' || eventTypeNumber(type) === undefined)
    return { field: 'type', message: `must be one of ${eventTypes.slice(1).join(', ')}` }
  const id = wrongId(event)
  if (id !== null) return { field: id, message: `must have 1–${eventIdBytesMax} bytes` }
  if (!Number.isSafeInteger(timeMs) || timeMs <= 0) return { field: 'timeMs', message: 'must be a time after 1970' }
  if (timeMs > nowMs + aheadMsMax) return { field: 'timeMs', message: 'lies more than five minutes in the future' }
  if (type === 'search' && !event.query) return { field: 'query', message: 'is needed for a search' }
  if (type !== 'search' && event.itemId === null) return { field: 'itemId', message: `is needed for the type ${type}` }
  if (type === 'rating' && rating === null) return { field: 'rating', message: 'is needed for the type rating' }
  if (rating !== null && !(rating >= 1 && rating <= 5)) return { field: 'rating', message: 'must lie in 1–5' }
  if (price !== null && !(price >= 0 && price < priceMax)) return { field: 'price', message: `must lie in 0–${priceMax}` }
  if (!isCount(event.quantity)) return { field: 'quantity', message: 'must be a whole number, 0 or more' }
  if (!isCount(event.position)) return { field: 'position', message: 'must be a whole number, 0 or more' }
  return null
}

function wrongId(event: UserEvent): keyof UserEvent | null {
  if (!isEventId(event.eventId)) return 'eventId'
  if (!isEventId(event.userId)) return 'userId'
  if (event.itemId !== null && !isEventId(event.itemId)) return 'itemId'
  if (event.sessionId !== null && !isEventId(event.sessionId)) return 'sessionId'
  return event.listId !== null && !isEventId(event.listId) ? 'listId' : null
}

/** Whether a text may be the id of a person, item, session or list. */
export function isEventId(text: string): boolean {
  return text !== '' && (text.length * 3 <= eventIdBytesMax || Buffer.byteLength(text) <= eventIdBytesMax)
}

function isCount(value: number | null): boolean {
  return value === null || (Number.isInteger(value) && value >= 0 && value < 2 ** 31)
}
