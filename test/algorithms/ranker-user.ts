import type { RankerUser } from '../../algorithms/ranker-features.ts'

const none = { looks: 0, carts: 0, purchases: 0, spend: 0 }

/** Somebody of whom nothing is known at `nowMs`, but what is given. */
export function rankerUserOf(
  nowMs: number,
  fields: Partial<Omit<RankerUser, 'person' | 'pair'>> & {
    readonly person?: Partial<RankerUser['person']>
    readonly pair?: Partial<RankerUser['pair']>
  } = {},
): RankerUser {
  const { person, pair, ...rest } = fields
  return {
    nowMs,
    categories: new Map(),
    brands: new Map(),
    declared: new Set(),
    recent: new Set(),
    session: new Set(),
    cart: new Set(),
    priceLevel: Number.NaN,
    events: 1,
    weekPurchases: 0,
    sessionEvents: 1,
    mobile: false,
    hour: 12,
    person: {
      nowMs,
      firstSeenMs: nowMs,
      lastPurchaseMs: Number.NaN,
      hour: none,
      day: none,
      week: none,
      month: none,
      quarter: none,
      session: { lengthMs: 0, events: 1, searches: 0, price: Number.NaN },
      intent: 'browse',
      hourShare: 1 / 24,
      likes: 0,
      ratings: 0,
      dismissals: 0,
      searches: 0,
      categoryShares: [],
      brandShares: [],
      desktop: false,
      tablet: false,
      regionKnown: false,
      age: Number.NaN,
      isNew: true,
      isLoyal: false,
      spendRank: Number.NaN,
      orders: 0,
      sessionMinutes: Number.NaN,
      ...person,
    },
    pair: {
      nowMs,
      recentRows: new Int32Array(0),
      recentMs: new Float64Array(0),
      recentStrengths: new Float32Array(0),
      bought: new Set(),
      cart: rest.cart ?? new Set(),
      sessionCategory: -1,
      sessionPrice: Number.NaN,
      orderValue: Number.NaN,
      queries: [],
      vector: null,
      sessionText: (_rows, count, out) => void out.fill(0, 0, count),
      ...pair,
    },
    ...rest,
  }
}
