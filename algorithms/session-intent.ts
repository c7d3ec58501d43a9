/** What somebody is about in a session (features.md F16.11). */
export type SessionIntent = 'buy' | 'search' | 'browse'

/** One search in so many events makes a session a search. */
const eventsPerSearch = 4

/** `buy` with something in the cart; else `search` when at least every fourth event is one; else `browse`. */
export function sessionIntent(session: {
  readonly events: number
  readonly searches: number
  readonly cartItems: number
}): SessionIntent {
  if (session.cartItems > 0) return 'buy'
  return session.searches > 0 && session.searches * eventsPerSearch >= session.events ? 'search' : 'browse'
}
