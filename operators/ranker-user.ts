import { hourInZone } from '../algorithms/hour-in-zone.ts'
import type { Interner } from '../algorithms/interner.ts'
import { personSegment } from '../algorithms/person-segment.ts'
import type { PairFacts } from '../algorithms/ranker/pair-context.ts'
import type { PersonFacts, WindowFacts } from '../algorithms/ranker/person-columns.ts'
import type { RankerUser } from '../algorithms/ranker-features.ts'
import { sessionIntent } from '../algorithms/session-intent.ts'
import { spendRank } from '../algorithms/spend-ranks.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { type EventType, eventTypeNumber } from '../schemas/user-event.ts'
import type { Affinity, UserFeatures, WindowFeatures } from '../schemas/user-features.ts'
import { type AgeGroup, ageGroupSymbols } from '../schemas/user-profile.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'

/** Items of the session whose words are compared with a candidate's. */
const sessionTextItems = 8

/**
 * What the ranker is to know of a person as of their newest event: one record of `feature-updates` in the numbers of the catalogue, with
 * their two-tower vector, if there is one.
 */
export function rankerUser(table: CatalogueTable, update: FeatureUpdate, vector: Float32Array | null): RankerUser {
  const { features, eventTimeMs: nowMs } = update
  const { catalogue } = table
  const rows = (itemIds: readonly string[]) => new Set(itemIds.map((itemId) => catalogue.rowOf(itemId)))
  const hour = hourInZone(nowMs, null)
  const pair = pairFacts(table, features, nowMs, vector)
  return {
    nowMs,
    categories: numbered(catalogue.categories, features.categories),
    brands: numbered(catalogue.brands, features.brands),
    declared: new Set(
      (features.profile?.preferredCategories ?? [])
        .map((name) => catalogue.categories.find(name))
        .filter((number) => number >= 0),
    ),
    recent: new Set(pair.recentRows),
    session: rows(features.session.items),
    cart: pair.cart,
    priceLevel: features.priceLevel ?? Number.NaN,
    events: features.counts.reduce((sum, count) => sum + count, 0),
    weekPurchases: features.week.purchases,
    sessionEvents: features.session.events,
    mobile: features.device === 'mobile',
    hour,
    person: personFacts(features, nowMs, hour, catalogue.spenders),
    pair,
  }
}

function personFacts(features: UserFeatures, nowMs: number, hour: number, spenders: readonly number[]): PersonFacts {
  const { session, orders, profile } = features
  const count = (type: EventType) => features.counts[eventTypeNumber(type)] ?? 0
  const segment = personSegment({
    nowMs,
    lastActiveMs: features.lastActiveMs,
    items: features.recent.length,
    purchases90d: orders.purchases90d,
  })
  return {
    nowMs,
    firstSeenMs: features.firstSeenMs,
    lastPurchaseMs: orders.lastMs ?? Number.NaN,
    hour: windowFacts(features.hour),
    day: windowFacts(features.day),
    week: windowFacts(features.week),
    month: { purchases: orders.purchases30d, spend: orders.spend30d },
    quarter: { purchases: orders.purchases90d, spend: orders.spend90d },
    session: {
      lengthMs: session.lastMs - session.startMs,
      events: session.events,
      searches: session.searches,
      price: session.meanPrice ?? Number.NaN,
    },
    intent: sessionIntent({ events: session.events, searches: session.searches, cartItems: session.cart.length }),
    hourShare: features.hours[Math.floor(hour)] ?? 1 / 24,
    likes: count('like'),
    ratings: count('rating'),
    dismissals: count('dismiss'),
    searches: count('search'),
    categoryShares: features.categories.map(({ weight }) => weight),
    brandShares: features.brands.map(({ weight }) => weight),
    desktop: features.device === 'desktop',
    tablet: features.device === 'tablet',
    regionKnown: (profile?.region ?? features.region) !== null,
    age: ageOf(profile?.ageGroup),
    isNew: segment === 'new',
    isLoyal: segment === 'loyal',
    spendRank: spendRank(spenders, orders.spend90d),
    orders: orders.days90d,
    sessionMinutes: features.meanSessionMinutes ?? Number.NaN,
  }
}

function windowFacts({ views, clicks, carts, purchases, spend }: WindowFeatures): WindowFacts {
  return { looks: views + clicks, carts, purchases, spend }
}

/** 0 for the youngest group, 1 for the oldest; NaN where it is not known. */
function ageOf(group: AgeGroup | undefined): number {
  if (group === undefined || group === 'unknown') return Number.NaN
  return (ageGroupSymbols.indexOf(group) - 1) / (ageGroupSymbols.length - 2)
}

function pairFacts(table: CatalogueTable, features: UserFeatures, nowMs: number, vector: Float32Array | null): PairFacts {
  const { catalogue } = table
  const { session, orders, recent } = features
  const row = (itemId: string) => catalogue.rowOf(itemId)
  return {
    nowMs,
    recentRows: Int32Array.from(recent, ({ itemId }) => row(itemId)),
    recentMs: Float64Array.from(recent, ({ timeMs }) => timeMs),
    recentStrengths: Float32Array.from(recent, ({ strength }) => strength),
    bought: new Set(features.purchased.map(row)),
    cart: new Set(session.cart.map(row)),
    sessionCategory: session.mainCategory === null ? -1 : catalogue.categories.find(session.mainCategory),
    sessionPrice: session.meanPrice ?? Number.NaN,
    orderValue: orders.purchases90d === 0 ? Number.NaN : orders.spend90d / orders.purchases90d,
    queries: features.searches,
    vector,
    sessionText: (rows, count, out) => {
      const touched = session.items.slice(-sessionTextItems).map((itemId) => ({ item: row(itemId), weight: 1 }))
      table.content.cosinesOf(table.content.profile(touched), rows, count, out)
    },
  }
}

/** Weights by number. What the catalogue does not know is left out: its number, -1, is also that of items without any. */
function numbered(names: Interner, affinities: readonly Affinity[]): Map<number, number> {
  const weights = new Map<number, number>()
  for (const { name, weight } of affinities) {
    const number = names.find(name)
    if (number >= 0) weights.set(number, weight)
  }
  return weights
}
