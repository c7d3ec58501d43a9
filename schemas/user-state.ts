import { recordSchema } from './record-schema.ts'
import { type Device, devices, type EventType, eventTypes } from './user-event.ts'
import { type UserProfile, userProfileSchema } from './user-profile.ts'

/** A touched item with where its newest event lay: ties of time are ordered by offset. */
export interface RecentState {
  itemId: string
  timeMs: number
  offset: number
  type: EventType
  strength: number
}

/** Names with decayed weights at one landmark, heaviest first (see algorithms/co-visitation.ts). */
export interface WeightedNames {
  items: string[]
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
 * Everything `user-features` keeps of one person, packed as Avro under `{user-features.p}:user:<id>`. The profile comes from
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
  hours: number[]
  hoursMs: number
  counts: number[]
  tileIndices: number[]
  tileValues: number[]
  session: SessionState
  purchased: string[]
  purchasedMs: number[]
  dismissed: string[]
  device: Device
  region: string | null
  /** 32-bit hashes of the newest event ids, oldest first: a resend counts once. */
  eventIds: number[]
}

const weightedNamesSchema = recordSchema<WeightedNames>('WeightedNames', 'Names with decayed weights at one landmark.', [
  { name: 'items', type: { type: 'array', items: 'string' }, doc: 'Names, heaviest first.' },
  { name: 'weights', type: { type: 'array', items: 'double' }, doc: 'Weight of each at the landmark.' },
  { name: 'referenceMs', type: 'long', doc: 'The landmark.' },
])

const recentStateSchema = recordSchema<RecentState>('RecentState', 'A touched item.', [
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'timeMs', type: 'long', doc: 'Newest event time.' },
  { name: 'offset', type: 'long', doc: 'Offset of that event.' },
  { name: 'type', type: { type: 'enum', name: 'RecentStateType', symbols: eventTypes, default: 'unknown' }, doc: 'Its type.' },
  { name: 'strength', type: 'float', doc: 'Its strength.' },
])

const sessionStateSchema = recordSchema<SessionState>('SessionState', 'The running session.', [
  { name: 'sessionId', type: 'string', doc: 'Client id, or user@start.' },
  { name: 'startMs', type: 'long', doc: 'First event.' },
  { name: 'lastMs', type: 'long', doc: 'Newest event.' },
  { name: 'events', type: 'int', doc: 'Events.' },
  { name: 'items', type: { type: 'array', items: 'string' }, doc: 'Last items, oldest first.' },
  { name: 'cart', type: { type: 'array', items: 'string' }, doc: 'In the cart.' },
  { name: 'searches', type: 'int', doc: 'Searches.' },
  { name: 'priceSum', type: 'double', doc: 'Sum of prices seen.' },
  { name: 'priceCount', type: 'int', doc: 'Prices seen.' },
  { name: 'categories', type: { type: 'array', items: 'string' }, doc: 'First-level categories.' },
  { name: 'categoryCounts', type: { type: 'array', items: 'int' }, doc: 'Events in each.' },
])

export const userStateSchema = recordSchema<UserState>('UserState', 'Everything user-features keeps of one person.', [
  { name: 'profile', type: ['null', userProfileSchema.definition], doc: 'Declared profile.', default: null },
  { name: 'firstMs', type: 'long', doc: 'Smallest event time; 0 before the first event.' },
  { name: 'lastMs', type: 'long', doc: 'Largest event time.' },
  { name: 'recent', type: { type: 'array', items: recentStateSchema.definition }, doc: 'Last 50 items, newest first.' },
  { name: 'categories', type: weightedNamesSchema.definition, doc: 'Category weights.' },
  { name: 'brands', type: 'WeightedNames', doc: 'Brand weights.' },
  { name: 'priceSum', type: 'double', doc: 'Decayed sum of strength times ln(1 + price).' },
  { name: 'priceSumMs', type: 'long', doc: 'Its landmark.' },
  { name: 'priceWeight', type: 'double', doc: 'Decayed sum of strength.' },
  { name: 'priceWeightMs', type: 'long', doc: 'Its landmark.' },
  { name: 'hours', type: { type: 'array', items: 'double' }, doc: 'Decayed activity per hour of day.' },
  { name: 'hoursMs', type: 'long', doc: 'Their landmark.' },
  { name: 'counts', type: { type: 'array', items: 'int' }, doc: 'Events by type.' },
  { name: 'tileIndices', type: { type: 'array', items: 'int' }, doc: 'Hour tiles.' },
  { name: 'tileValues', type: { type: 'array', items: 'double' }, doc: 'Five sums per tile.' },
  { name: 'session', type: sessionStateSchema.definition, doc: 'Running session.' },
  { name: 'purchased', type: { type: 'array', items: 'string' }, doc: 'Last 50 bought, oldest first.' },
  { name: 'purchasedMs', type: { type: 'array', items: 'long' }, doc: 'When.' },
  { name: 'dismissed', type: { type: 'array', items: 'string' }, doc: 'Last 50 dismissed.' },
  { name: 'device', type: { type: 'enum', name: 'StateDevice', symbols: devices, default: 'unknown' }, doc: 'Last device.' },
  { name: 'region', type: ['null', 'string'], doc: 'Last region.', default: null },
  { name: 'eventIds', type: { type: 'array', items: 'int' }, doc: 'Hashes of the newest event ids.' },
])

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
    counts: new Array<number>(eventTypes.length).fill(0),
    tileIndices: [],
    tileValues: [],
    session: {
      sessionId: '',
      startMs: 0,
      lastMs: 0,
      events: 0,
      items: [],
      cart: [],
      searches: 0,
      priceSum: 0,
      priceCount: 0,
      categories: [],
      categoryCounts: [],
    },
    purchased: [],
    purchasedMs: [],
    dismissed: [],
    device: 'unknown',
    region: null,
    eventIds: [],
  }
}
