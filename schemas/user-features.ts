import { money, optional, recordSchema, timestampMs } from './record-schema.ts'
import { type Device, devices, type EventType, eventTypes } from './user-event.ts'
import { type UserProfile, userProfileSchema } from './user-profile.ts'

/** One of the last items a person touched. */
export interface RecentItem {
  readonly itemId: string
  readonly timeMs: number
  readonly type: EventType
  /** Graded strength of the event, 0–1 (features.md F1.3). */
  readonly strength: number
}

/** A decayed preference for a category or brand; weights of one list sum to at most 1. */
export interface Affinity {
  readonly name: string
  readonly weight: number
}

/** The running session: 30 minutes of event-time silence end it. */
export interface SessionFeatures {
  readonly sessionId: string
  readonly startMs: number
  readonly lastMs: number
  readonly events: number
  /** Last 20 items, oldest first. */
  readonly items: readonly string[]
  /** Items in the cart now. */
  readonly cart: readonly string[]
  readonly searches: number
  readonly meanPrice: number | null
  readonly mainCategory: string | null
}

/** Sums over a window of event time. */
export interface WindowFeatures {
  readonly views: number
  readonly clicks: number
  readonly carts: number
  readonly purchases: number
  readonly spend: number
}

/** What somebody bought. */
export interface OrderFeatures {
  /** When last; null if never. */
  readonly lastMs: number | null
  /** Purchases and money of the last 30 and 90 days, to the day. */
  readonly purchases30d: number
  readonly spend30d: number
  readonly purchases90d: number
  readonly spend90d: number
  /** Days of the last 90 with a purchase: what is bought on one day is one order. */
  readonly days90d: number
}

/** Everything Millrace knows about a person in real time (features.md area 2), as models and readers see it. */
export interface UserFeatures {
  readonly userId: string
  readonly firstSeenMs: number
  /** Largest event time seen. */
  readonly lastActiveMs: number
  /** Last 50 distinct items by event time, newest first. */
  readonly recent: readonly RecentItem[]
  /** Top 20, heaviest first, half-life 30 d. */
  readonly categories: readonly Affinity[]
  readonly brands: readonly Affinity[]
  /** Events so far by index in `eventTypes`. */
  readonly counts: readonly number[]
  /** Last seven days, 24 hours and hour, to the hour. */
  readonly week: WindowFeatures
  readonly day: WindowFeatures
  readonly hour: WindowFeatures
  readonly orders: OrderFeatures
  /** Hashed words of the last 5 searches, newest first, 6 words each at most (algorithms/word-hashes.ts). */
  readonly searches: readonly (readonly number[])[]
  readonly session: SessionFeatures
  /** Mean length of the sessions before this one, half-life 30 d; null until one has ended. */
  readonly meanSessionMinutes: number | null
  readonly device: Device
  readonly region: string | null
  /** Share of activity per hour of day in the person's zone, 24 numbers that sum to 1 (20 pseudo-events spread evenly). */
  readonly hours: readonly number[]
  /** Strength-weighted mean of ln(1 + price), half-life 30 d; null until a price was seen. */
  readonly priceLevel: number | null
  /** Last 50 items bought and dismissed. */
  readonly purchased: readonly string[]
  readonly dismissed: readonly string[]
  readonly profile: UserProfile | null
}

const recentItemSchema = recordSchema<RecentItem>('RecentItem', 'One of the last items.', [
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'timeMs', type: timestampMs, doc: 'When it was last touched.' },
  { name: 'type', type: { type: 'enum', name: 'RecentType', symbols: eventTypes, default: 'unknown' }, doc: 'How.' },
  { name: 'strength', type: 'float', doc: 'Graded strength 0-1.' },
])

const affinitySchema = recordSchema<Affinity>('Affinity', 'A decayed preference.', [
  { name: 'name', type: 'string', doc: 'Category or brand.' },
  { name: 'weight', type: 'float', doc: 'Share 0-1.' },
])

const sessionSchema = recordSchema<SessionFeatures>('SessionFeatures', 'The running session.', [
  { name: 'sessionId', type: 'string', doc: 'Client id or user@start.' },
  { name: 'startMs', type: timestampMs, doc: 'First event.' },
  { name: 'lastMs', type: timestampMs, doc: 'Newest event.' },
  { name: 'events', type: 'int', doc: 'Number of events.' },
  { name: 'items', type: { type: 'array', items: 'string' }, doc: 'Last 20 items, oldest first.' },
  { name: 'cart', type: { type: 'array', items: 'string' }, doc: 'Items in the cart.' },
  { name: 'searches', type: 'int', doc: 'Number of searches.' },
  optional('meanPrice', 'double', 'Mean price of items seen.'),
  optional('mainCategory', 'string', 'Most frequent first-level category.'),
])

const windowSchema = recordSchema<WindowFeatures>('WindowFeatures', 'Sums over a window.', [
  { name: 'views', type: 'int', doc: 'Views.' },
  { name: 'clicks', type: 'int', doc: 'Clicks.' },
  { name: 'carts', type: 'int', doc: 'Add-to-carts.' },
  { name: 'purchases', type: 'int', doc: 'Purchases.' },
  { name: 'spend', type: money, doc: 'Money spent.' },
])

const orderSchema = recordSchema<OrderFeatures>('OrderFeatures', 'What somebody bought.', [
  optional('lastMs', timestampMs, 'The last purchase.'),
  { name: 'purchases30d', type: 'int', doc: 'Purchases in 30 days.' },
  { name: 'spend30d', type: money, doc: 'Money spent in 30 days.' },
  { name: 'purchases90d', type: 'int', doc: 'Purchases in 90 days.' },
  { name: 'spend90d', type: money, doc: 'Money spent in 90 days.' },
  { name: 'days90d', type: 'int', doc: 'Days with a purchase in 90 days.', default: 0 },
])

const noWindow = { views: 0, clicks: 0, carts: 0, purchases: 0, spend: '' }
const noOrders = { lastMs: null, purchases30d: 0, spend30d: '', purchases90d: 0, spend90d: '', days90d: 0 }

export const userFeaturesSchema = recordSchema<UserFeatures>('UserFeatures', 'Everything known about a person in real time.', [
  { name: 'userId', type: 'string', doc: 'The person.' },
  { name: 'firstSeenMs', type: timestampMs, doc: 'Smallest event time.' },
  { name: 'lastActiveMs', type: timestampMs, doc: 'Largest event time.' },
  { name: 'recent', type: { type: 'array', items: recentItemSchema.definition }, doc: 'Last 50 distinct items, newest first.' },
  { name: 'categories', type: { type: 'array', items: affinitySchema.definition }, doc: 'Top 20 categories.' },
  { name: 'brands', type: { type: 'array', items: 'Affinity' }, doc: 'Top 20 brands.' },
  { name: 'counts', type: { type: 'array', items: 'int' }, doc: 'Events by type index.' },
  { name: 'week', type: windowSchema.definition, doc: 'Last seven days.' },
  { name: 'session', type: sessionSchema.definition, doc: 'Running session.' },
  { name: 'device', type: { type: 'enum', name: 'UserDevice', symbols: devices, default: 'unknown' }, doc: 'Last device.' },
  optional('region', 'string', 'Last region.'),
  { name: 'hours', type: { type: 'array', items: 'float' }, doc: 'Activity share per hour of day.' },
  optional('priceLevel', 'double', 'Mean of ln(1 + price).'),
  { name: 'purchased', type: { type: 'array', items: 'string' }, doc: 'Last 50 bought.' },
  { name: 'dismissed', type: { type: 'array', items: 'string' }, doc: 'Last 50 dismissed.' },
  { name: 'profile', type: ['null', userProfileSchema.definition], doc: 'Declared profile.', default: null },
  { name: 'day', type: 'WindowFeatures', doc: 'Last 24 hours.', default: noWindow },
  { name: 'hour', type: 'WindowFeatures', doc: 'Last hour.', default: noWindow },
  { name: 'orders', type: orderSchema.definition, doc: 'What was bought.', default: noOrders },
  {
    name: 'searches',
    type: { type: 'array', items: { type: 'array', items: 'int' } },
    doc: 'Hashed words of the last searches, newest first.',
    default: [],
  },
  optional('meanSessionMinutes', 'float', 'Mean length of ended sessions, half-life 30 d.'),
])
