import type { Catalogue } from '../catalogue.ts'
import { PageRank } from '../page-rank.ts'
import { KeyedNumbers } from './keyed-numbers.ts'
import { logCount } from './log-count.ts'

/** What a person likes and holds, in catalogue numbers. */
export interface TasteFacts {
  readonly categories: ReadonlyMap<number, number>
  readonly brands: ReadonlyMap<number, number>
  readonly declared: ReadonlySet<number>
  readonly recent: ReadonlySet<number>
  readonly session: ReadonlySet<number>
  readonly cart: ReadonlySet<number>
}

/** What a person touched and asked for, in catalogue numbers, as of one moment. */
export interface PairFacts {
  readonly nowMs: number
  /** Rows of the last 50 items, newest first, with time and strength of each. */
  readonly recentRows: Int32Array
  readonly recentMs: Float64Array
  readonly recentStrengths: Float32Array
  readonly bought: ReadonlySet<number>
  readonly cart: ReadonlySet<number>
  /** The session's first-level category; -1 none. */
  readonly sessionCategory: number
  /** Mean price of the session, and money per purchase of 90 days; NaN unknown. */
  readonly sessionPrice: number
  readonly orderValue: number
  /** Words of the last searches (see word-hashes.ts), newest search first. */
  readonly queries: readonly (readonly number[])[]
  /** The two-tower vector; null without one. */
  readonly vector: Float32Array | null
  /** Writes the TF-IDF cosine of each row to what the session is about. */
  readonly sessionText: (rows: Int32Array, count: number, out: Float32Array) => void
}

/** How often something was touched in the windows before now, and when last, as the columns have it. */
interface Touches {
  readonly hour: number
  readonly day: number
  readonly week: number
  readonly age: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const priceHalfLifeMs = 30 * dayMs
const pricePseudoEvents = 5
/** Items that the walk over neighbours starts from, each older one at so much of the one before. */
const walkSeeds = 8
const walkFade = 0.85

/** Numbers that a list knows of an item, a category, a brand. */
export const ofItem = { recent: 0, session: 1, cart: 2, age: 3, strength: 4, bought: 5 } as const
export const ofCategory = { affinity: 0, declared: 1, hour: 2, day: 3, week: 4, age: 5, touched: 6 } as const
export const ofBrand = { affinity: 0, day: 1, week: 2 } as const

/** Memory that lists share one after another. */
const pageRank = new PageRank()
const items = new KeyedNumbers(Object.keys(ofItem).length)
const categories = new KeyedNumbers(Object.keys(ofCategory).length)
const brands = new KeyedNumbers(Object.keys(ofBrand).length)

/** One list's part of the columns: what all its candidates share is worked out here, once. Holds until the next one is made. */
export class PairContext {
  readonly facts: PairFacts
  /** By row of the catalogue, by number of a category and of a brand: see `ofItem`, `ofCategory` and `ofBrand`. */
  readonly items: KeyedNumbers = items
  readonly categories: KeyedNumbers = categories
  readonly brands: KeyedNumbers = brands
  /** -1 buys the cheapest of each category, 1 the dearest. */
  readonly priceSensitivity: number
  readonly sessionPriceLog: number
  readonly orderValueLog: number
  readonly cartValue: number
  readonly pageRank: PageRank = pageRank

  constructor(catalogue: Catalogue, taste: TasteFacts, facts: PairFacts) {
    this.facts = facts
    noteItems(taste, facts)
    noteCategories(catalogue, taste, facts)
    noteBrands(catalogue, taste, facts)
    const { recentRows, recentStrengths } = facts
    this.priceSensitivity = priceSensitivity(catalogue, facts)
    this.sessionPriceLog = Math.log1p(facts.sessionPrice)
    this.orderValueLog = Math.log1p(facts.orderValue)
    let value = 0
    for (const row of facts.cart) value += catalogue.price[row]!
    this.cartValue = logCount(value, 10)
    const seeds = recentRows.subarray(0, walkSeeds)
    const weights = Array.from(seeds, (_, at) => Math.max(0.1, recentStrengths[at]!) * walkFade ** at)
    pageRank.walk(seeds, weights, catalogue.size, (row) => catalogue.similar(row))
  }
}

function noteItems(taste: TasteFacts, { nowMs, recentRows, recentMs, recentStrengths, bought }: PairFacts): void {
  items.clear()
  for (const row of taste.recent) items.set(row, ofItem.recent, 1)
  for (const row of taste.session) items.set(row, ofItem.session, 1)
  for (const row of taste.cart) items.set(row, ofItem.cart, 1)
  for (const row of bought) items.set(row, ofItem.bought, 1)
  for (let at = 0; at < recentRows.length; at++) {
    items.set(recentRows[at]!, ofItem.age, ageOf(nowMs - recentMs[at]!))
    items.set(recentRows[at]!, ofItem.strength, recentStrengths[at]!)
  }
}

function noteCategories(catalogue: Catalogue, taste: TasteFacts, facts: PairFacts): void {
  categories.clear()
  for (const [category, share] of taste.categories) categories.set(category, ofCategory.affinity, share)
  for (const category of taste.declared) categories.set(category, ofCategory.declared, 1)
  for (const [category, { hour, day, week, age }] of touchesBy(catalogue.leafCategory, facts)) {
    categories.set(category, ofCategory.hour, hour)
    categories.set(category, ofCategory.day, day)
    categories.set(category, ofCategory.week, week)
    categories.set(category, ofCategory.age, age)
    categories.set(category, ofCategory.touched, 1)
  }
}

function noteBrands(catalogue: Catalogue, taste: TasteFacts, facts: PairFacts): void {
  brands.clear()
  for (const [brand, share] of taste.brands) brands.set(brand, ofBrand.affinity, share)
  for (const [brand, { day, week }] of touchesBy(catalogue.brand, facts)) {
    brands.set(brand, ofBrand.day, day)
    brands.set(brand, ofBrand.week, week)
  }
}

/** Touches of the last items by one attribute of theirs; those without it are left out. */
function touchesBy(attribute: Int32Array, { nowMs, recentRows, recentMs }: PairFacts): ReadonlyMap<number, Touches> {
  const counts = new Map<number, { hour: number; day: number; week: number; readonly ageMs: number }>()
  for (let at = 0; at < recentRows.length; at++) {
    const name = attribute[recentRows[at]!]!
    if (name < 0) continue
    const ageMs = nowMs - recentMs[at]!
    let known = counts.get(name)
    // Newest first: the first sight of a name is its last touch.
    if (known === undefined) {
      known = { hour: 0, day: 0, week: 0, ageMs }
      counts.set(name, known)
    }
    if (ageMs <= hourMs) known.hour++
    if (ageMs <= dayMs) known.day++
    if (ageMs <= 7 * dayMs) known.week++
  }
  const touches = new Map<number, Touches>()
  for (const [name, { hour, day, week, ageMs }] of counts)
    touches.set(name, { hour: logCount(hour, 4), day: logCount(day, 4), week: logCount(week, 4), age: ageOf(ageMs) })
  return touches
}

function ageOf(ms: number): number {
  return logCount(ms / dayMs, 6)
}

function priceSensitivity(catalogue: Catalogue, { nowMs, recentRows, recentMs, recentStrengths }: PairFacts): number {
  let sum = 0.5 * pricePseudoEvents
  let total = pricePseudoEvents
  for (let at = 0; at < recentRows.length; at++) {
    const row = recentRows[at]!
    if (catalogue.known[row] !== 1 || recentStrengths[at]! <= 0) continue
    const weight = recentStrengths[at]! * 2 ** ((recentMs[at]! - nowMs) / priceHalfLifeMs)
    sum += weight * catalogue.pricePercentiles.of(catalogue.leafCategory[row]!, catalogue.priceLog[row]!)
    total += weight
  }
  return (2 * sum) / total - 1
}
