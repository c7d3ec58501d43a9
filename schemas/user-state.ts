import { type Device, type EventType, eventTypes } from './user-event.ts'
import type { UserProfile } from './user-profile.ts'

/** Half-life of tastes, price level and daypart; what decays is kept at landmarks that are whole numbers of them. */
export const tasteHalfLifeMs = 30 * 86_400_000
/** Tiles of the week are hours: views, clicks, carts, purchases, spend. */
export const weekTileMs = 3_600_000
export const weekTileWidth = 5
/** Tiles of the quarter are days: purchases, spend. */
export const dayTileMs = 86_400_000
export const dayTileWidth = 2

/** A touched item; of equal times the later event comes first. */
export interface RecentState {
  itemId: string
  timeMs: number
  type: EventType
  /** What `eventStrength` says, as a 32-bit float. */
  strength: number
}

/** Names with decayed weights at one landmark, heaviest first (see algorithms/co-visitation.ts). */
export interface WeightedNames {
  items: string[]
  /** 32-bit floats. */
  weights: number[]
  referenceMs: number
}

export interface SessionState {
  sessionId: string
  startMs: number
  lastMs: number
  events: number
  items: string[]
  cart: string[]
  searches: number
  priceSum: number
  priceCount: number
  /** First-level categories with counts, in order of first sight. */
  categories: string[]
  categoryCounts: number[]
}

/**
 * Everything `user-features` keeps of one person, packed by `userStateCodec` under `{user-features.p}:user:<id>`. The profile comes from
 * another topic than the rest and touches nothing else, so the two inputs may interleave in any way.
 */
export interface UserState {
  profile: UserProfile | null
  /** 0 until the first event. */
  firstMs: number
  lastMs: number
  recent: RecentState[]
  categories: WeightedNames
  brands: WeightedNames
  priceSum: number
  priceSumMs: number
  priceWeight: number
  priceWeightMs: number
  /** 32-bit floats. */
  hours: number[]
  hoursMs: number
  /** Decayed minutes of ended sessions and their number, half-life 30 d: 32-bit floats at one landmark. */
  sessionMinutes: number
  sessionCount: number
  sessionsMs: number
  counts: number[]
  tileIndices: number[]
  tileValues: number[]
  /** Days with a purchase. */
  dayIndices: number[]
  dayValues: number[]
  /** The last searches by event time, newest first: when, and the hashed words of each (algorithms/word-hashes.ts). */
  searchesMs: number[]
  searchWords: number[][]
  session: SessionState
  purchased: string[]
  purchasedMs: number[]
  dismissed: string[]
  device: Device
  region: string | null
  /** 48-bit hashes of event ids in order of arrival, as long as a resend could still come: it counts once. */
  eventIds: number[]
  /** The hour of each of them, ⌊event time / 1 h⌋. */
  eventIdHours: number[]
}

/** The state of somebody nobody has seen. */
export function emptyUserState(): UserState {
  return {
    profile: null,
    firstMs: 0,
    lastMs: 0,
    recent: [],
    categories: { items: [], weights: [], referenceMs: 0 },
    brands: { items: [], weights: [], referenceMs: 0 },
    priceSum: 0,
    priceSumMs: 0,
    priceWeight: 0,
    priceWeightMs: 0,
    hours: new Array<number>(24).fill(0),
    hoursMs: 0,
    sessionMinutes: 0,
    sessionCount: 0,
    sessionsMs: 0,
    counts: new Array<number>(eventTypes.length).fill(0),
    tileIndices: [],
    tileValues: [],
    dayIndices: [],
    dayValues: [],
    searchesMs: [],
    searchWords: [],
    session: emptySession('', 0),
    purchased: [],
    purchasedMs: [],
    dismissed: [],
    device: 'unknown',
    region: null,
    eventIds: [],
    eventIdHours: [],
  }
}

/** A session without events. */
export function emptySession(sessionId: string, startMs: number): SessionState {
  return {
    sessionId,
    startMs,
    lastMs: startMs,
    events: 0,
    items: [],
    cart: [],
    searches: 0,
    priceSum: 0,
    priceCount: 0,
    categories: [],
    categoryCounts: [],
  }
}
