import type { UserEvent } from '../schemas/user-event.ts'

const idBytesMax = 128
const aheadMsMax = 5 * 60_000

/** Why an event is invalid (features.md F1.5), naming the field; null if it is fine. `loggedMs`: when the log took it. */
export function eventFault(event: UserEvent, loggedMs: number): string | null {
  if (event.type === 'unknown') return 'type: unknown event type'
  if (!isId(event.eventId)) return `eventId: must be 1 to ${idBytesMax} bytes`
  if (!isId(event.userId)) return `userId: must be 1 to ${idBytesMax} bytes`
  if (event.type === 'search') {
    if (event.query === null || event.query === '') return 'query: a search needs one'
  } else if (event.itemId === null || !isId(event.itemId)) return `itemId: a ${event.type} needs one of 1 to ${idBytesMax} bytes`
  if (!Number.isFinite(event.timeMs) || event.timeMs <= 0) return 'timeMs: must be a time after 1970'
  if (event.timeMs > loggedMs + aheadMsMax)
    return `timeMs: ${event.timeMs - loggedMs} ms ahead of the log, at most ${aheadMsMax} are allowed`
  if (event.rating !== null && !(event.rating >= 1 && event.rating <= 5)) return `rating: ${event.rating} is not within 1 to 5`
  if (event.type === 'rating' && event.rating === null) return 'rating: a rating needs one'
  if (event.price !== null && !(event.price >= 0)) return `price: ${event.price} is negative`
  if (event.quantity !== null && !(event.quantity >= 0)) return `quantity: ${event.quantity} is negative`
  return null
}

function isId(text: string): boolean {
  return text.length > 0 && text.length <= idBytesMax && (text.length <= idBytesMax / 3 || Buffer.byteLength(text) <= idBytesMax)
}
