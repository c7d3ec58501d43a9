import { candidateSources } from '../algorithms/candidate-set.ts'
import { itemColumns } from '../algorithms/ranker/item-columns.ts'
import { offerColumns } from '../algorithms/ranker/offer-columns.ts'
import { type FeatureName, rankerFeatureNames, sourceColumn } from '../algorithms/ranker-features.ts'

/** Taken as logged: the score of a source that asks a model, and what follows from its vectors. */
const givenNames: readonly FeatureName[] = ['source_two_tower', 'vector_cosine', 'vector_known']

const given = columnsOf(...givenNames)

const otherItems = columnsOf(
  ...(['category_1h', 'category_24h', 'category_7d', 'category_age', 'category_touched', 'brand_24h', 'brand_7d'] as const),
  ...(['price_percentile', 'price_sensitivity', 'price_mismatch', 'cart_value', 'spend_rank', 'high_value'] as const),
  ...(['category_hour', 'category_hour_known', 'trend_seasonal'] as const),
)

const unordered = new Set([
  ...candidateSources.map((_, source) => sourceColumn(source)).filter((at) => !given.has(at)),
  ...columnsOf('session_text', 'page_rank'),
])

const beyondItem = new Set([...otherItems, ...unordered, ...given])

const moved = new Set([
  ...beyondItem,
  ...columnsOf('popularity_log', 'trend_z', 'purchase_rate', 'stock_low', ...itemColumns.map(({ name }) => name)),
])

const itemData = new Set([
  ...moved,
  ...columnsOf('affinity_leaf', 'affinity_top', 'affinity_brand', 'price_distance', 'price_log', 'age_log', 'category_declared'),
  ...columnsOf('margin_share', 'session_category', 'price_to_session', 'price_to_order', 'query_match'),
  ...columnsOf('release_age', 'release_known', ...offerColumns.map(({ name }) => name)),
])

/** Columns of the ranker's input by what it takes to compute them again. */
export const auditColumns = {
  /** Names of those taken as logged: they come from a model, which may have changed since. They are held to lie in their range. */
  givenNames,
  /** They follow from the data of other items, and can be told exactly while those stay as they are. */
  otherItems,
  /** They depend also on the order in which several topics were read: scores are sums and ties of what came by. */
  unordered,
  /** No single item version tells them. */
  beyondItem,
  /** Those, and what every event on an item may move. */
  moved,
  /** Those, and what follows from the item's catalogue data. */
  itemData,
} as const

function columnsOf(...names: readonly FeatureName[]): ReadonlySet<number> {
  return new Set(names.map((name) => rankerFeatureNames.indexOf(name)))
}
