import type { Catalogue } from '../catalogue.ts'
import { PageRank } from '../page-rank.ts'
import { logCount } from './log-count.ts'

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

/** One list's part of the pair columns: what all its candidates share is worked out here, once. */
export class PairContext {
  readonly facts: PairFacts
  readonly touches = new Map<number, { readonly age: number; readonly strength: number }>()
  readonly categories: ReadonlyMap<number, Touches>
  readonly brands: ReadonlyMap<number, Touches>
  /** -1 buys the cheapest of each category, 1 the dearest. */
  readonly priceSensitivity: number
  readonly sessionPriceLog: number
  readonly orderValueLog: number
  readonly cartValue: number
  readonly pageRank: PageRank

  /** `pageRank` is memory that lists may share one after another. */
  constructor(catalogue: Catalogue, facts: PairFacts, pageRank = new PageRank()) {
    this.facts = facts
    const { recentRows, recentMs, recentStrengths } = facts
    for (let at = 0; at < recentRows.length; at++)
      this.touches.set(recentRows[at]!, { age: ageOf(facts.nowMs - recentMs[at]!), strength: recentStrengths[at]! })
    this.categories = touchesBy(catalogue.leafCategory, facts)
    this.brands = touchesBy(catalogue.brand, facts)
    this.priceSensitivity = priceSensitivity(catalogue, facts)
    this.sessionPriceLog = Math.log1p(facts.sessionPrice)
    this.orderValueLog = Math.log1p(facts.orderValue)
    let value = 0
    for (const row of facts.cart) value += catalogue.price[row]!
    this.cartValue = logCount(value, 10)
    this.pageRank = pageRank
    const seeds = recentRows.subarray(0, walkSeeds)
    const weights = Array.from(seeds, (_, at) => Math.max(0.1, recentStrengths[at]!) * walkFade ** at)
    pageRank.walk(seeds, weights, catalogue.size, (row) => catalogue.similar(row))
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
