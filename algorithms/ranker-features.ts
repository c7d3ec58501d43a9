import type { CandidateSet } from './candidate-set.ts'
import { candidateSources, sourceCount } from './candidate-set.ts'
import type { Catalogue } from './catalogue.ts'

/** Feature schema 1: what the first published rankers take. Its first columns are the scores of the sources there were then. */
const firstSchema = [
  'source_session',
  'source_similar',
  'source_together',
  'source_category',
  'source_trend',
  'source_popular',
  'source_content',
  'source_two_tower',
  'source_fresh',
  'sources_share',
  'affinity_leaf',
  'affinity_top',
  'affinity_brand',
  'price_distance',
  'price_log',
  'popularity_log',
  'trend_z',
  'purchase_rate',
  'age_log',
  'stock_low',
  'touched_recently',
  'touched_in_session',
  'in_cart',
  'category_declared',
  'margin_share',
  'user_events_log',
  'user_purchases_log',
  'session_events_log',
  'session_cart',
  'device_mobile',
  'hour_sin',
  'hour_cos',
] as const
const firstSources = 9
/** Scores of the sources that came later. */
const laterSources = candidateSources.slice(firstSources).map((name) => `source_${name}` as const)

/**
 * The ranker's input, one column per name: training and serving share this one order. Columns are only ever appended: a model that
 * learned fewer takes the first ones, and a logged row tells by its length which schema it is of.
 */
export const rankerFeatureNames = [...firstSchema, ...laterSources] as const

/** Columns of the ranker's input. */
export const rankerWidth = rankerFeatureNames.length

/** The column of a source's score. */
export function sourceColumn(source: number): number {
  return source < firstSources ? source : firstSchema.length + source - firstSources
}

/** What the ranker knows of the person, with items, categories and brands as catalogue numbers. */
export interface RankerUser {
  readonly nowMs: number
  readonly categories: ReadonlyMap<number, number>
  readonly brands: ReadonlyMap<number, number>
  readonly declared: ReadonlySet<number>
  readonly recent: ReadonlySet<number>
  readonly session: ReadonlySet<number>
  readonly cart: ReadonlySet<number>
  /** Mean of ln(1 + price); NaN unknown. */
  readonly priceLevel: number
  readonly events: number
  readonly weekPurchases: number
  readonly sessionEvents: number
  readonly mobile: boolean
  /** 0–24 in the person's zone. */
  readonly hour: number
}

const dayMs = 86_400_000

/** Writes one row of `rankerWidth` numbers per candidate from `at` (in rows) on; all finite, most within [-1, 1]. */
export function writeRankerFeatures(
  out: Float32Array,
  at: number,
  set: CandidateSet,
  catalogue: Catalogue,
  user: RankerUser,
): void {
  const shared = sharedColumns(user)
  for (let place = 0; place < set.count; place++) {
    const row = set.rows[place]!
    const base = (at + place) * rankerWidth
    let sources = 0
    for (let source = 0; source < sourceCount; source++) {
      const score = set.scores[place * sourceCount + source]!
      out[base + sourceColumn(source)] = score
      if (score > 0) sources++
    }
    writeItemColumns(out, base + firstSources, row, sources, catalogue, user)
    out.set(shared, base + firstSchema.length - shared.length)
  }
}

function writeItemColumns(
  out: Float32Array,
  from: number,
  row: number,
  sources: number,
  catalogue: Catalogue,
  user: RankerUser,
): void {
  const priceLog = catalogue.priceLog[row]!
  const leaf = catalogue.leafCategory[row]!
  const top = catalogue.topCategory[row]!
  out[from] = Math.min(1, sources / firstSources)
  out[from + 1] = user.categories.get(leaf) ?? 0
  out[from + 2] = user.categories.get(top) ?? 0
  out[from + 3] = user.brands.get(catalogue.brand[row]!) ?? 0
  out[from + 4] =
    Number.isNaN(user.priceLevel) || catalogue.known[row] === 0 ? 0 : Math.min(2, Math.abs(priceLog - user.priceLevel)) / 2
  out[from + 5] = priceLog / 10
  out[from + 6] = catalogue.popularityLog[row]! / 10
  out[from + 7] = Math.max(-3, Math.min(10, catalogue.trend[row]!)) / 10
  out[from + 8] = Math.min(1, catalogue.purchaseRate[row]!)
  out[from + 9] = Math.log1p(Math.max(0, user.nowMs - catalogue.createdMs[row]!) / dayMs) / 10
  const stock = catalogue.stock[row]!
  out[from + 10] = stock >= 0 && stock < 5 ? 1 : 0
  out[from + 11] = user.recent.has(row) ? 1 : 0
  out[from + 12] = user.session.has(row) ? 1 : 0
  out[from + 13] = user.cart.has(row) ? 1 : 0
  out[from + 14] = user.declared.has(leaf) || user.declared.has(top) ? 1 : 0
  const price = catalogue.price[row]!
  out[from + 15] = price > 0 ? Math.max(-1, Math.min(1, catalogue.margin[row]! / price)) : 0
}

function sharedColumns(user: RankerUser): Float32Array {
  const angle = (user.hour / 24) * 2 * Math.PI
  return Float32Array.of(
    Math.log1p(user.events) / 10,
    Math.log1p(user.weekPurchases) / 5,
    Math.log1p(user.sessionEvents) / 5,
    Math.min(1, user.cart.size / 5),
    user.mobile ? 1 : 0,
    Math.sin(angle),
    Math.cos(angle),
  )
}
