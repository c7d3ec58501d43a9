import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CandidateSet } from '../../algorithms/candidate-set.ts'
import { Catalogue, embeddingWidth } from '../../algorithms/catalogue.ts'
import { linearContributions, linearRank } from '../../algorithms/linear-ranker.ts'
import { type ItemFacts, unheardItem } from '../../algorithms/ranker/item-columns.ts'
import {
  type FeatureName,
  type RankerUser,
  rankerColumns,
  rankerFeatureNames,
  rankerWidth,
  schemaWidths,
  writeRankerFeatures,
} from '../../algorithms/ranker-features.ts'
import { countSpend, spendRank, spendStep, spendWeights } from '../../algorithms/spend-ranks.ts'
import { rankerUserOf } from './ranker-user.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** 20,000 days after Thursday 1970-01-01: Friday 2024-10-04; six in the morning. */
const nowMs = 20_000 * dayMs + 6 * hourMs

function catalogueOf(items: readonly { price: number; category: string[]; brand?: string }[]): Catalogue {
  const catalogue = new Catalogue(100)
  items.forEach(({ price, category, brand }, at) => {
    const signals = { popularity: 1, trend: 0, purchaseRate: 0.1 }
    const row = catalogue.rowOf(`i${at}`)
    catalogue.set(row, { withdrawn: false, stock: 3, price, margin: 1, createdMs: 0, category, brand: brand ?? null, ...signals })
  })
  return catalogue
}

/** The rows of some items of a catalogue by column name. */
function rowsOf(catalogue: Catalogue, user: RankerUser, items: readonly number[]): (readonly number[])[] {
  const set = new CandidateSet(items.length)
  for (const item of items) set.add(0, item, 1, -1)
  const out = new Float32Array(items.length * rankerWidth)
  writeRankerFeatures(out, 0, set, catalogue, user)
  return items.map((_, at) => [...out.subarray(at * rankerWidth, (at + 1) * rankerWidth)])
}

function column(row: readonly number[], name: FeatureName): number {
  return row[rankerFeatureNames.indexOf(name)]!
}

function expectColumns(row: readonly number[], wanted: Partial<Record<FeatureName, number>>): void {
  for (const [name, value] of Object.entries(wanted)) expect(column(row, name as FeatureName), name).toBeCloseTo(value, 5)
}

describe('rankerColumns', () => {
  it('names every column once, and those of a schema stay where they are', () => {
    expect(new Set(rankerFeatureNames).size).toBe(rankerWidth)
    expect(schemaWidths).toEqual([32, 116, rankerWidth])
    expect(rankerFeatureNames.slice(111, 117)).toEqual([
      ...['source_user_knn', 'source_sequence', 'source_group', 'source_season', 'source_newcomer'],
      'spend_rank',
    ])
    expect(rankerFeatureNames.slice(129)).toEqual(['trend_seasonal', 'source_association', 'source_sequential'])
    expect(rankerColumns.findIndex(({ schema }) => schema === 2)).toBe(32)
    expect(rankerFeatureNames.slice(30, 33)).toEqual(['hour_sin', 'hour_cos', 'purchase_recency'])
  })
})

describe('linearRank', () => {
  it('scores and takes apart rows of schema 1 as rows of today of which nothing newer is known', () => {
    const rows = [0, 1, 2].map((row) =>
      Array.from({ length: rankerWidth }, (_, at) => (at < 32 ? ((row + 1) * (at + 3)) % 7 : 0)),
    )
    const [narrow, wide] = [32, rankerWidth].map((width) => Float32Array.from(rows.flatMap((row) => row.slice(0, width))))
    const [first] = linearRank(narrow!, 3)
    expect([...linearRank(narrow!, 3)]).toEqual([...linearRank(wide!, 3)])
    const parts = linearContributions(narrow!.subarray(0, 32), narrow!)
    expect(parts).toHaveLength(32)
    const mean = linearRank(narrow!, 3).reduce((sum, score) => sum + score / 3, 0)
    expect(parts.reduce((sum, part) => sum + part, mean)).toBeCloseTo(first!, 9)
  })
})

describe('writeRankerFeatures, schemas 2 and 3', () => {
  const shop = () => catalogueOf(['a', 'a', 'a', 'b'].map((name, at) => ({ price: 9 * 10 ** at, category: ['all', name] })))

  it('tells what a person bought, did and is about', () => {
    const window = { looks: 6, carts: 2, purchases: 1, spend: 99 }
    const person = {
      firstSeenMs: nowMs - 19 * dayMs,
      lastPurchaseMs: nowMs - 9 * dayMs,
      hour: { looks: 3, carts: 1, purchases: 0, spend: 0 },
      day: window,
      week: { ...window, looks: 14 },
      month: { purchases: 2, spend: 199 },
      quarter: { purchases: 4, spend: 400 },
      session: { lengthMs: 10 * 60_000, events: 6, searches: 2, price: 19 },
      intent: 'search' as const,
      hourShare: 1 / 8,
      likes: 1,
      ratings: 2,
      dismissals: 3,
      searches: 4,
      categoryShares: [0.5, 0.5],
      brandShares: [1],
      tablet: true,
      regionKnown: true,
      age: 0.25,
      isNew: false,
      isLoyal: true,
    }
    const [row] = rowsOf(shop(), rankerUserOf(nowMs, { person }), [0])
    const quarterOfWeek = ((20_000 - 4) % 7) + 0.25
    expectColumns(row!, {
      purchase_recency: Math.log(10) / 6,
      has_purchased: 1,
      purchases_30d: Math.log(3) / 5,
      purchases_90d: Math.log(5) / 5,
      spend_30d: Math.log(200) / 15,
      spend_90d: Math.log(401) / 15,
      order_value: Math.log(101) / 10,
      looks_1h: Math.log(4) / 5,
      looks_24h: Math.log(7) / 7,
      looks_7d: Math.log(15) / 8,
      carts_1h: Math.log(2) / 4,
      carts_24h: Math.log(3) / 5,
      carts_7d: Math.log(3) / 5,
      purchases_24h: Math.log(2) / 4,
      spend_7d: Math.log(100) / 15,
      buy_share_7d: 1 / 20,
      tenure: Math.log(20) / 8,
      likes: Math.log(2) / 6,
      ratings: Math.log(3) / 6,
      dismissals: Math.log(4) / 6,
      searches: Math.log(5) / 6,
      session_length: Math.log(11) / 6,
      session_dwell: Math.log(121) / 8,
      session_searches: Math.log(3) / 4,
      session_price: Math.log(20) / 10,
      intent_search: 1,
      intent_buy: 0,
      intent_browse: 0,
      hour_share: 0.5,
      weekday_sin: Math.sin((2 * Math.PI * quarterOfWeek) / 7),
      weekday_cos: Math.cos((2 * Math.PI * quarterOfWeek) / 7),
      season_sin: Math.sin((2 * Math.PI * (20_000.25 % 365.25)) / 365.25),
      device_desktop: 0,
      device_tablet: 1,
      region_known: 1,
      age: -0.5,
      age_known: 1,
      taste_breadth: Math.log(2) / Math.log(20),
      brand_breadth: 0,
      segment_new: 0,
      segment_loyal: 1,
    })
  })

  it('says that something is not known rather than 0', () => {
    const [row] = rowsOf(shop(), rankerUserOf(nowMs), [0])
    expectColumns(row!, { age: 0, age_known: 0, has_purchased: 0, hour_share: 0, vector_known: 0, category_touched: 0 })
    const [strange] = rowsOf(new Catalogue(10), rankerUserOf(nowMs), [0])
    expectColumns(strange!, { item_known: 0, item_rated: 0, item_rating: 0.25, price_percentile: 0, stock_counted: 0 })
    expectColumns(strange!, { item_cart_rate: 0.04, item_like_rate: 0.02, item_dismiss_rate: 0.01 })
  })

  it('tells what events say of an item', () => {
    const catalogue = shop()
    const facts: ItemFacts = {
      known: true,
      stock: 3,
      views: 50,
      clicks: 30,
      carts: 9.2,
      purchases: 6,
      likes: 1.6,
      dismissals: 0.8,
      ratings: 5,
      rating: 4.25,
      hourly: 4,
      people: 9,
      similar: 25,
      together: 5,
    }
    catalogue.describe(1, facts)
    const [other, row] = rowsOf(catalogue, rankerUserOf(nowMs), [0, 1])
    expectColumns(row!, {
      item_known: 1,
      item_rating: 0.625,
      item_rated: 1,
      item_looks: Math.log(81) / 15,
      item_carts: Math.log(10.2) / 12,
      item_purchases: Math.log(7) / 12,
      item_cart_rate: 0.1,
      item_like_rate: 0.02,
      item_dismiss_rate: 0.01,
      item_hourly: Math.log(5) / 8,
      item_people: Math.log(10) / 6,
      stock_counted: 1,
      stock_level: Math.log(4) / 10,
      degree_similar: 0.5,
      degree_together: 0.1,
    })
    expect(column(other!, 'item_people')).toBe(0)
    catalogue.rowOf('far') // Rows keep what was said of them when the table grows.
    catalogue.describe(1, unheardItem)
    expect(column(rowsOf(catalogue, rankerUserOf(nowMs), [1])[0]!, 'item_rating')).toBe(0.25)
  })

  it('tells how an item stands to what a person touched', () => {
    const catalogue = catalogueOf([
      { price: 9, category: ['x', 'a'], brand: 'k' },
      { price: 99, category: ['x', 'a'], brand: 'l' },
      { price: 99, category: ['x', 'b'], brand: 'k' },
      { price: 9, category: ['y', 'c'] },
    ])
    const pair = {
      recentRows: Int32Array.of(0, 1, 2),
      recentMs: Float64Array.of(nowMs - hourMs, nowMs - dayMs, nowMs - 6 * dayMs),
      recentStrengths: Float32Array.of(1, 0.5, 0.25),
      bought: new Set([2]),
      cart: new Set([1, 3]),
      sessionCategory: catalogue.categories.find('x'),
      sessionPrice: 9,
      orderValue: 999,
      queries: [
        [7, 8],
        [5, 6, 9],
      ],
      vector: new Float32Array(embeddingWidth).fill(Math.SQRT1_2, 0, 2),
      sessionText: (rows: Int32Array, count: number, out: Float32Array) =>
        out.set(Float32Array.from(rows.subarray(0, count), (row) => row / 8)),
    }
    catalogue.words.set(0, [1, 8])
    catalogue.words.set(1, [6, 5, 9])
    catalogue.vectors.set(0, new Float32Array(embeddingWidth).fill(1, 0, 1))
    const [i0, i1, i2, i3] = rowsOf(catalogue, rankerUserOf(nowMs, { pair }), [0, 1, 2, 3])
    // Two items of category a: a quarter and three quarters; the only ones of b and c lie in the middle.
    const weights = [1 * 2 ** (-1 / 24 / 30), 0.5 * 2 ** (-1 / 30), 0.25 * 2 ** (-6 / 30)] as const
    const total = 5 + weights[0] + weights[1] + weights[2]
    const sensitivity = (2 * (2.5 + 0.25 * weights[0] + 0.75 * weights[1] + 0.5 * weights[2])) / total - 1
    expectColumns(i0!, {
      touch_age: Math.log(1 + 1 / 24) / 6,
      touch_strength: 1,
      bought_before: 0,
      session_category: 1,
      category_1h: Math.log(2) / 4,
      category_24h: Math.log(3) / 4,
      category_7d: Math.log(3) / 4,
      category_age: Math.log(1 + 1 / 24) / 6,
      category_touched: 1,
      brand_24h: Math.log(2) / 4,
      brand_7d: Math.log(3) / 4,
      price_percentile: -0.5,
      price_sensitivity: sensitivity,
      price_mismatch: (sensitivity + 0.5) / 2,
      price_to_session: 0,
      price_to_order: -1,
      cart_value: Math.log(109) / 10,
      query_match: 0.5,
      session_text: 0,
      vector_cosine: Math.SQRT1_2,
      vector_known: 1,
    })
    expectColumns(i1!, { price_percentile: 0.5, query_match: 0.7, price_to_session: Math.log(10) / 3, vector_known: 0 })
    expectColumns(i2!, { bought_before: 1, touch_age: Math.log(7) / 6, price_percentile: 0, price_to_order: -Math.log(10) / 3 })
    expectColumns(i3!, {
      session_category: 0,
      touch_age: 0,
      category_touched: 0,
      category_age: 0,
      brand_7d: 0,
      session_text: 3 / 8,
    })
  })

  it('walks two hops from what was touched and back', () => {
    const catalogue = shop()
    const related = (rows: number[], weights: number[]) => ({ rows: Int32Array.from(rows), weights: Float32Array.from(weights) })
    const none = related([], [])
    // 0 → 1 (¾), 2 (¼); 1 → 3; 2 and 3 lead nowhere, so the walk goes home.
    catalogue.relate(0, related([1, 2], [3, 1]), none)
    catalogue.relate(1, related([3], [0.5]), none)
    const pair = { recentRows: Int32Array.of(0), recentMs: Float64Array.of(nowMs), recentStrengths: Float32Array.of(0.3) }
    const rows = rowsOf(catalogue, rankerUserOf(nowMs, { pair }), [0, 1, 2, 3])
    // p₁ = (.15, .6375, .2125, 0); p₂ = (.15·.15 + .6375·.15 + .2125, .15·.85·¾, .15·.85·¼, .6375·.85).
    const p = [0.330625, 0.095625, 0.031875, 0.541875]
    rows.forEach((row, at) => void expect(column(row, 'page_rank')).toBeCloseTo(Math.min(1, Math.log(1 + 1000 * p[at]!) / 7), 5))
    expect(p.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
    const [alone] = rowsOf(catalogue, rankerUserOf(nowMs), [3])
    expect(column(alone!, 'page_rank')).toBe(0)
  })

  it('tells how an item is offered, and what hour of the week it is there', () => {
    const catalogue = shop()
    const offer = { price: 15, listPrice: 20, sellerRating: 4.5 }
    catalogue.offer(0, offer, nowMs - 99 * dayMs)
    catalogue.offer(1, { ...offer, price: 30, sellerRating: Number.NaN }, nowMs + 9 * dayMs)
    catalogue.offer(2, { price: 15, listPrice: 0, sellerRating: null }, null)
    // Friday, 6 to 7: four times as busy as any other hour; s = 6 where 4 were expected, and 16 are now.
    catalogue.setHours(
      'a',
      Array.from({ length: 168 }, (_, hour) => (hour === 102 ? 4 : 1)),
    )
    const z = (6 - 4) / Math.sqrt(4 + 1)
    for (const row of [0, 3]) catalogue.setSignals(row, { popularity: 4 * 168, trend: z, purchaseRate: 0 })
    const [i0, i1, i2, i3] = rowsOf(catalogue, rankerUserOf(nowMs), [0, 1, 2, 3])
    expectColumns(i0!, { discount: 0.25, discount_known: 1, seller_rating: 0.75, seller_rated: 1 })
    expectColumns(i0!, { release_age: Math.log(100) / 10, release_known: 1 })
    expectColumns(i0!, { category_hour: Math.log(4) / 3, category_hour_known: 1 })
    expectColumns(i0!, { trend_z: z / 10, trend_seasonal: Math.max(-3, (6 - 16) / Math.sqrt(16 + 1)) / 10 })
    expectColumns(i1!, { discount: 0, discount_known: 1, seller_rating: 0, seller_rated: 0, release_age: -Math.log(10) / 10 })
    expectColumns(i1!, { trend_seasonal: 0 })
    expectColumns(i2!, { discount: 0, discount_known: 0, seller_rated: 0, release_age: 0, release_known: 0 })
    expectColumns(i3!, { category_hour: 0, category_hour_known: 0, trend_seasonal: z / 10 })
    const [later] = rowsOf(catalogue, rankerUserOf(nowMs + hourMs), [0])
    expectColumns(later!, { category_hour: 0, category_hour_known: 1 })
    for (let at = 0; at < 2_000; at++) catalogue.rowOf(`more ${at}`)
    expectColumns(rowsOf(catalogue, rankerUserOf(nowMs), [0])[0]!, { discount: 0.25, release_known: 1 })
  })

  it.each([
    [{}, 0, 0, 0],
    [{ spendRank: 0.9, orders: 2 }, 0.8, 1, 1],
    [{ spendRank: 0.89, orders: 9 }, 0.78, 1, 0],
    [{ spendRank: 0.99, orders: 1 }, 0.98, 1, 0],
  ])('tells where %o stands among buyers', (person, rank, known, high) => {
    const [row] = rowsOf(shop(), rankerUserOf(nowMs, { person }), [0])
    expectColumns(row!, { spend_rank: rank, spend_known: known, high_value: high, session_mean: 0, session_mean_known: 0 })
    const [regular] = rowsOf(shop(), rankerUserOf(nowMs, { person: { ...person, sessionMinutes: 9 } }), [0])
    expectColumns(regular!, { spend_rank: rank, session_mean: Math.log(10) / 6, session_mean_known: 1 })
  })

  it('ranks what somebody spent among buyers, ten more of whom nothing is known', () => {
    const ranks = { weights: [], referenceMs: 0 }
    for (let at = 0; at < 80; at++) countSpend(ranks, spendStep(20), 1, nowMs)
    for (let at = 0; at < 10; at++) countSpend(ranks, spendStep(500), 1, nowMs)
    countSpend(ranks, spendStep(20), 20, nowMs - 90 * dayMs)
    countSpend(ranks, 1e9, 1, nowMs)
    const weights = spendWeights(ranks, nowMs)
    expect(weights[spendStep(20)]).toBeCloseTo(90, 9)
    expect([20, 500, 1].map((spend) => spendRank(weights, spend))).toEqual(
      [50 / 110, 100 / 110, 5 / 110].map((rank) => expect.closeTo(rank, 9)),
    )
    expect([spendRank(weights, 0), spendRank([], 7)]).toEqual([Number.NaN, 0.5])
    expect(spendWeights(ranks, nowMs + 90 * dayMs)[spendStep(500)]).toBeCloseTo(5, 9)
  })

  it('is finite and inside the stated ranges, whatever comes', () => {
    const catalogue = shop()
    const number = fc.oneof(fc.constantFrom(0, Number.NaN, 1e12), fc.double({ min: 0, max: 1e6, noNaN: true }))
    const count = fc.oneof(fc.nat(), fc.constantFrom(0, 1e12))
    const window = fc.record({ looks: count, carts: count, purchases: count, spend: count })
    const person = fc.record({
      firstSeenMs: fc.nat({ max: nowMs }),
      lastPurchaseMs: fc.oneof(fc.constant(Number.NaN), fc.nat({ max: nowMs })),
      hour: window,
      week: window,
      quarter: window,
      session: fc.record({ lengthMs: count, events: count, searches: count, price: number }),
      hourShare: fc.double({ min: 0, max: 1, noNaN: true }),
      categoryShares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
      age: fc.constantFrom(0, 1, Number.NaN),
    })
    const pair = fc.uniqueArray(fc.nat({ max: 8 })).chain((rows) =>
      fc.record({
        recentRows: fc.constant(Int32Array.from(rows)),
        recentMs: fc.constant(Float64Array.from(rows, (row) => nowMs - row ** 4 * hourMs)),
        recentStrengths: fc.constant(Float32Array.from(rows, (row) => (row % 3) / 2)),
        sessionPrice: number,
        orderValue: number,
      }),
    )
    fc.assert(
      fc.property(person, pair, (who, what) => {
        for (const row of rowsOf(catalogue, rankerUserOf(nowMs, { person: who, pair: what }), [0, 2, 3, 7]))
          rankerColumns.forEach(({ name, range: [least, most] }, at) => {
            expect(row[at], name).toBeGreaterThanOrEqual(Math.fround(least))
            expect(row[at], name).toBeLessThanOrEqual(Math.fround(most))
          })
      }),
      { numRuns: 60 },
    )
  })
})
