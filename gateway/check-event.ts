import { eventTypes, type UserEvent } from '../schemas/user-event.ts'

/** What is wrong with an event: the field (as in the request) and why. */
export interface EventFault {
  readonly field: string
  readonly message: string
}

const idBytesMax = 128
const aheadMsMax = 300_000
/** What the money type of the schemas holds. */
const priceMax = 1_000_000_000_000

/** The rules of features.md F1.5 for one event, as the log's clock stands at `nowMs`; null if it is good. */
export function checkEvent(event: UserEvent, nowMs: number): EventFault | null {
  if (!eventTypes.includes(event.type) || event.type === 'unknown')
    return { field: 'type', message: `must be one of ${eventTypes.slice(1).join(', ')}` }
  for (const [field, value] of [
    ['event_id', event.eventId],
    ['user_id', event.userId],
    ['item_id', event.itemId],
    ['session_id', event.sessionId],
    ['list_id', event.listId],
  ] as const) {
    if (value !== null && !isId(value)) return { field, message: `must have 1–${idBytesMax} bytes` }
  }
  if (!Number.isSafeInteger(event.timeMs) || event.timeMs <= 0) return { field: 'time', message: 'must be a time after 1970' }
  if (event.timeMs > nowMs + aheadMsMax) return { field: 'time', message: 'lies more than five minutes in the future' }
  if (event.type === 'search' && !event.query) return { field: 'query', message: 'is needed for a search' }
  if (event.type !== 'search' && event.itemId === null)
    return { field: 'item_id', message: `is needed for the type ${event.type}` }
  if (event.type === 'rating' && event.rating === null) return { field: 'rating', message: 'is needed for the type rating' }
  if (event.rating !== null && !(event.rating >= 1 && event.rating <= 5)) return { field: 'rating', message: 'must lie in 1–5' }
  if (event.price !== null && !(event.price >= 0 && event.price < priceMax))
    return { field: 'price', message: `must lie in 0–${priceMax}` }
  if (event.quantity !== null && !isCount(event.quantity))
    return { field: 'quantity', message: 'must be a whole number, 0 or more' }
  if (event.position !== null && !isCount(event.position))
    return { field: 'position', message: 'must be a whole number, 0 or more' }
  return null
}

function isId(value: string): boolean {
  return value !== '' && (value.length * 3 <= idBytesMax || Buffer.byteLength(value) <= idBytesMax)
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31
}
