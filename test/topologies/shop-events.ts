import fc from 'fast-check'
import { type EventType, eventTypes, type UserEvent } from '../../schemas/user-event.ts'

/** When the shop of these tests opens: not on the hour, near the end of a half-life of 30 days. */
export const openMs = 1_703_980_800_000 - 7_500_000

/** An event with its log time. */
export interface LoggedEvent {
  readonly value: UserEvent
  readonly loggedMs: number
}

/** A good event; fields as given. */
export function shopEvent(eventId: string, type: EventType, timeMs: number, fields: Partial<UserEvent> = {}): UserEvent {
  return {
    eventId,
    userId: 'u0',
    itemId: type === 'search' ? null : 'i0',
    type,
    timeMs,
    sessionId: null,
    listId: null,
    position: null,
    rating: type === 'rating' ? 4 : null,
    price: null,
    quantity: null,
    query: type === 'search' ? 'shoes' : null,
    device: 'unknown',
    region: null,
    timeZone: null,
    category: [],
    brand: null,
    ...fields,
  }
}

/** Streams of few people and items with repeated ids, late events, long silences, invalid events and clocks ahead of the log. */
export const shopEvents: fc.Arbitrary<readonly LoggedEvent[]> = fc
  .array(
    fc.record({
      stepMs: fc.oneof(fc.integer({ min: -900_000, max: 900_000 }), fc.constantFrom(0, 1_900_000, 90_000_000, 1_000_000_000)),
      id: fc.nat({ max: 90 }),
      user: fc.nat({ max: 2 }),
      item: fc.nat({ max: 7 }),
      type: fc.constantFrom(...eventTypes, 'purchase' as const, 'purchase' as const),
      price: fc.option(fc.integer({ min: 0, max: 9_999 }).map((cents) => cents / 100)),
      session: fc.option(fc.constantFrom('s1', 's2'), { freq: 3 }),
      fault: fc.integer({ min: 0, max: 11 }),
    }),
    { minLength: 1, maxLength: 60, size: 'max' },
  )
  .map((draws) => {
    let atMs = openMs
    return draws.map(({ stepMs, id, user, item, type, price, session, fault }) => {
      atMs += stepMs
      const value = shopEvent(`e${id}`, type, atMs, {
        userId: `u${user}`,
        ...(type === 'search' ? {} : { itemId: `i${item}` }),
        price,
        query: type === 'search' ? `Red ${item % 2 ? 'wool' : 'shoes'} ${item} shoes` : null,
        sessionId: session,
        ...(fault === 0 ? { rating: 9 } : {}),
        quantity: item % 3 === 0 ? 2 : null,
        device: item % 2 === 0 ? 'mobile' : 'unknown',
        region: item % 4 === 0 ? 'north' : null,
        category: item < 2 ? [] : [`c${item % 3}`, `c${item % 3}/${item}`],
        brand: item % 2 === 0 ? null : `b${item % 3}`,
      })
      // Log time follows event time; a clock six minutes ahead of it is invalid and must not move time.
      return { value, loggedMs: fault === 1 ? atMs - 360_000 : Math.max(openMs, atMs) }
    })
  })
