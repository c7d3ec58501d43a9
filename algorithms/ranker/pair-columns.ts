import type { Catalogue } from '../catalogue.ts'
import type { ItemWords } from '../item-words.ts'
import { logCount } from './log-count.ts'
import { ofBrand, ofCategory, ofItem, type PairContext } from './pair-context.ts'
import type { RankerColumn } from './ranker-column.ts'

/** What schema 2 says of a person and an item together, in the order in which `writePairColumns` writes them. */
export const pairColumns = [
  { name: 'touch_age', meaning: 'ln(1 + days since the person last touched the item) / 6; 0 if never', range: [0, 1] },
  { name: 'touch_strength', meaning: 'strength of that touch (F1.3); 0 without one', range: [0, 1] },
  { name: 'bought_before', meaning: '1 if the item is among the last 50 bought', range: [0, 1] },
  { name: 'session_category', meaning: "1 if its first-level category is the session's", range: [0, 1] },
  { name: 'category_1h', meaning: 'ln(1 + items of its last-level category last touched in 1 hour) / 4', range: [0, 1] },
  { name: 'category_24h', meaning: 'the same in 24 hours', range: [0, 1] },
  { name: 'category_7d', meaning: 'the same in 7 days', range: [0, 1] },
  { name: 'category_age', meaning: 'ln(1 + days since an item of that category was touched) / 6; 0 if never', range: [0, 1] },
  { name: 'category_touched', meaning: '1 if one of the last 50 items is of that category', range: [0, 1] },
  { name: 'brand_24h', meaning: 'ln(1 + items of its brand last touched in 24 hours) / 4', range: [0, 1] },
  { name: 'brand_7d', meaning: 'the same in 7 days', range: [0, 1] },
  { name: 'price_percentile', meaning: 'its price among those of its category, -1 cheapest to 1 dearest', range: [-1, 1] },
  {
    name: 'price_sensitivity',
    meaning:
      'mean of that number over the last 50 items, strength-weighted, half-life 30 d, 5 pseudo-events at 0 (F16.8); one per list',
    range: [-1, 1],
  },
  { name: 'price_mismatch', meaning: 'half the distance of the two before', range: [0, 1] },
  { name: 'price_to_session', meaning: 'ln of its price over the mean of the session, / 3; 0 where unknown', range: [-1, 1] },
  {
    name: 'price_to_order',
    meaning: 'ln of its price over the money per purchase of 90 days, / 3; 0 where unknown',
    range: [-1, 1],
  },
  { name: 'cart_value', meaning: 'ln(1 + prices of what lies in the cart) / 10; one per list', range: [0, 1] },
  {
    name: 'query_match',
    meaning:
      'largest share of the words of a recent search that stand in its title, category, brand or tags, each older search × .7',
    range: [0, 1],
  },
  { name: 'session_text', meaning: 'TF-IDF cosine to the mean of the last 8 items of the session', range: [0, 1] },
  {
    name: 'page_rank',
    meaning: 'ln(1 + 1000 p) / 7, p = personalised PageRank from the last 8 items, 2 hops, restart .15 (F2.19)',
    range: [0, 1],
  },
  { name: 'vector_cosine', meaning: 'cosine of the two-tower vectors; 0 where one is missing', range: [-1, 1] },
  { name: 'vector_known', meaning: '1 if both vectors are there', range: [0, 1] },
] as const satisfies readonly RankerColumn[]

/** Numbers per candidate. */
export const pairColumnCount = pairColumns.length

/** Writes the numbers of one candidate from `at` on; `text` is its `session_text`, `cosine` its `vector_cosine`. */
export function writePairColumns(
  out: Float32Array,
  at: number,
  row: number,
  text: number,
  cosine: number,
  catalogue: Catalogue,
  context: PairContext,
): void {
  const { facts, items, categories, brands } = context
  const item = items.at(row)
  out[at] = items.values[item + ofItem.age]!
  out[at + 1] = items.values[item + ofItem.strength]!
  out[at + 2] = items.values[item + ofItem.bought]!
  out[at + 3] = facts.sessionCategory >= 0 && catalogue.topCategory[row] === facts.sessionCategory ? 1 : 0
  const category = categories.at(catalogue.leafCategory[row]!)
  out[at + 4] = categories.values[category + ofCategory.hour]!
  out[at + 5] = categories.values[category + ofCategory.day]!
  out[at + 6] = categories.values[category + ofCategory.week]!
  out[at + 7] = categories.values[category + ofCategory.age]!
  out[at + 8] = categories.values[category + ofCategory.touched]!
  const brand = brands.at(catalogue.brand[row]!)
  out[at + 9] = brands.values[brand + ofBrand.day]!
  out[at + 10] = brands.values[brand + ofBrand.week]!
  writePrices(out, at + 11, row, catalogue, context)
  out[at + 17] = queryMatch(catalogue.words, row, facts.queries)
  out[at + 18] = text
  const walked = context.pageRank.of(row)
  out[at + 19] = walked === 0 ? 0 : logCount(1000 * walked, 7)
  const vector = facts.vector !== null && catalogue.vectors.has(row)
  out[at + 20] = Math.max(-1, Math.min(1, cosine))
  out[at + 21] = vector ? 1 : 0
}

function writePrices(out: Float32Array, at: number, row: number, catalogue: Catalogue, context: PairContext): void {
  const known = catalogue.known[row] === 1
  const priceLog = catalogue.priceLog[row]!
  const percentile = known ? 2 * catalogue.pricePercentiles.of(catalogue.leafCategory[row]!, priceLog) - 1 : 0
  out[at] = percentile
  out[at + 1] = context.priceSensitivity
  out[at + 2] = Math.abs(percentile - context.priceSensitivity) / 2
  out[at + 3] = known ? above(priceLog, context.sessionPriceLog) : 0
  out[at + 4] = known ? above(priceLog, context.orderValueLog) : 0
  out[at + 5] = context.cartValue
}

function above(priceLog: number, otherLog: number): number {
  return Number.isNaN(otherLog) ? 0 : Math.max(-1, Math.min(1, (priceLog - otherLog) / 3))
}

/** Each query by how many of its words the item has, the newest in full. */
function queryMatch(words: ItemWords, row: number, queries: readonly (readonly number[])[]): number {
  let best = 0
  let weight = 1
  for (const query of queries) {
    let found = 0
    for (const word of query) if (words.has(row, word)) found++
    if (query.length > 0) best = Math.max(best, (weight * found) / query.length)
    weight *= 0.7
  }
  return best
}
