import type { CandidateSet } from './candidate-set.ts'
import { candidateSources, sourceCount } from './candidate-set.ts'
import type { Catalogue } from './catalogue.ts'
import { firstColumns, firstSources } from './ranker/first-columns.ts'
import { habitColumns } from './ranker/habit-columns.ts'
import { itemColumnCount, itemColumns } from './ranker/item-columns.ts'
import { momentColumnCount, momentColumns, writeMomentColumns } from './ranker/moment-columns.ts'
import { offerColumnCount, offerColumns } from './ranker/offer-columns.ts'
import { pairColumnCount, pairColumns, writePairColumns } from './ranker/pair-columns.ts'
import { ofBrand, ofCategory, ofItem, PairContext, type PairFacts, type TasteFacts } from './ranker/pair-context.ts'
import { type PersonFacts, personColumns } from './ranker/person-columns.ts'
import type { FeatureColumn } from './ranker/ranker-column.ts'

/** Sources that schema 2 added. */
const secondSources = 5

/** Sources that came after schema 1: their scores are the last columns of the schema that brought them, so that the next one is appended. */
const laterColumns = candidateSources.slice(firstSources).map((source) => ({
  name: `source_${source}` as const,
  meaning: `what the source \`${source}\` said of the item, its best 1; 0 if it did not bring it`,
  range: [0, 1] as const,
}))

/**
 * The ranker's input, one column per entry: training and serving share this one order. Columns are only ever appended: a model that
 * learned fewer takes the first ones, and a logged row tells by its length which schema it is of (ADR 0015).
 */
export const rankerColumns: readonly FeatureColumn[] = [
  ...firstColumns.map((column) => ({ ...column, schema: 1 })),
  ...personColumns.map(({ name, meaning, range }) => ({ name, meaning, range, schema: 2, from: 'person' as const })),
  ...itemColumns.map(({ name, meaning, range }) => ({ name, meaning, range, schema: 2, from: 'item' as const })),
  ...pairColumns.map((column) => ({ ...column, schema: 2, from: 'person and item' as const })),
  ...laterColumns.slice(0, secondSources).map((column) => ({ ...column, schema: 2, from: 'sources' as const })),
  ...habitColumns.map(({ name, meaning, range }) => ({ name, meaning, range, schema: 3, from: 'person' as const })),
  ...offerColumns.map(({ name, meaning, range }) => ({ name, meaning, range, schema: 3, from: 'item' as const })),
  ...momentColumns.map((column) => ({ ...column, schema: 3, from: 'item' as const })),
  ...laterColumns.slice(secondSources).map((column) => ({ ...column, schema: 3, from: 'sources' as const })),
]

/** A name of a column. */
export type FeatureName = (
  | (typeof firstColumns)[number]
  | (typeof personColumns)[number]
  | (typeof itemColumns)[number]
  | (typeof pairColumns)[number]
  | (typeof laterColumns)[number]
  | (typeof habitColumns)[number]
  | (typeof offerColumns)[number]
  | (typeof momentColumns)[number]
)['name']

/** Names of the columns, in order. */
export const rankerFeatureNames = rankerColumns.map(({ name }) => name as FeatureName)

/** Columns of the ranker's input. */
export const rankerWidth = rankerColumns.length

/** Columns of the input by feature schema, from schema 1 on: a row that was logged is as wide as one of them. */
export const schemaWidths = [1, 2, 3].map((schema) => rankerColumns.filter((column) => column.schema <= schema).length)

const personFrom = firstColumns.length
/** Where the seven columns of the person in schema 1 begin. */
const firstPersonFrom = firstColumns.findIndex(({ name }) => name === 'user_events_log')
const itemFrom = personFrom + personColumns.length
const pairFrom = itemFrom + itemColumnCount
const laterFrom = pairFrom + pairColumnCount
const habitFrom = laterFrom + secondSources
const offerFrom = habitFrom + habitColumns.length
const momentFrom = offerFrom + offerColumnCount
const latestFrom = momentFrom + momentColumnCount

/** The column of each source's score. */
const sourceColumns = Int32Array.from(candidateSources, (_, source) => {
  if (source < firstSources) return source
  const later = source - firstSources
  return later < secondSources ? laterFrom + later : latestFrom + later - secondSources
})

/** The column of a source's score. */
export function sourceColumn(source: number): number {
  return sourceColumns[source]!
}

/** What the ranker knows of the person, with items, categories and brands as catalogue numbers. */
export interface RankerUser extends TasteFacts {
  readonly nowMs: number
  /** Mean of ln(1 + price); NaN unknown. */
  readonly priceLevel: number
  readonly events: number
  readonly weekPurchases: number
  readonly sessionEvents: number
  readonly mobile: boolean
  /** 0–24, UTC. */
  readonly hour: number
  /** What schemas 2 and 3 ask. */
  readonly person: PersonFacts
  readonly pair: PairFacts
}

const dayMs = 86_400_000

/** Memory that lists share one after another: `session_text` and `vector_cosine` of the candidates, and the row that is written. */
let texts = new Float32Array(0)
let cosines = new Float32Array(0)
const written = new Float32Array(rankerWidth)

/** Writes one row of `rankerWidth` numbers per candidate from `at` (in rows) on; all finite, most within [-1, 1]. */
export function writeRankerFeatures(
  out: Float32Array,
  at: number,
  set: CandidateSet,
  catalogue: Catalogue,
  user: RankerUser,
): void {
  // What all candidates share stays in the row from one to the next.
  writeSharedColumns(written, firstPersonFrom, user)
  for (let column = 0; column < personColumns.length; column++)
    written[personFrom + column] = personColumns[column]!.of(user.person)
  for (let column = 0; column < habitColumns.length; column++) written[habitFrom + column] = habitColumns[column]!.of(user.person)
  const { itemColumns: items, offerColumns: offers } = catalogue
  const { scores } = set
  const context = new PairContext(catalogue, user, user.pair)
  if (texts.length < set.count) {
    texts = new Float32Array(2 * set.count)
    cosines = new Float32Array(2 * set.count)
  }
  user.pair.sessionText(set.rows, set.count, texts)
  if (user.pair.vector) catalogue.vectors.productsOf(user.pair.vector, set.rows, set.count, cosines)
  else cosines.fill(0, 0, set.count)
  for (let place = 0; place < set.count; place++) {
    const row = set.rows[place]!
    let sources = 0
    const from = place * sourceCount
    for (let source = 0; source < sourceCount; source++) {
      const score = scores[from + source]!
      written[sourceColumns[source]!] = score
      if (score > 0) sources++
    }
    writeFirstItemColumns(written, firstSources, row, sources, catalogue, user, context)
    const item = row * itemColumnCount
    for (let column = 0; column < itemColumnCount; column++) written[itemFrom + column] = items[item + column]!
    writePairColumns(written, pairFrom, row, texts[place]!, cosines[place]!, catalogue, context)
    const offer = row * offerColumnCount
    for (let column = 0; column < offerColumnCount; column++) written[offerFrom + column] = offers[offer + column]!
    writeMomentColumns(written, momentFrom, row, catalogue, user.nowMs)
    out.set(written, (at + place) * rankerWidth)
  }
}

function writeFirstItemColumns(
  out: Float32Array,
  from: number,
  row: number,
  sources: number,
  catalogue: Catalogue,
  user: RankerUser,
  { items, categories, brands }: PairContext,
): void {
  const priceLog = catalogue.priceLog[row]!
  const leaf = categories.at(catalogue.leafCategory[row]!)
  const top = categories.at(catalogue.topCategory[row]!)
  const brand = brands.at(catalogue.brand[row]!)
  const item = items.at(row)
  out[from] = Math.min(1, sources / firstSources)
  out[from + 1] = categories.values[leaf + ofCategory.affinity]!
  out[from + 2] = categories.values[top + ofCategory.affinity]!
  out[from + 3] = brands.values[brand + ofBrand.affinity]!
  out[from + 4] =
    Number.isNaN(user.priceLevel) || catalogue.known[row] === 0 ? 0 : Math.min(2, Math.abs(priceLog - user.priceLevel)) / 2
  out[from + 5] = priceLog / 10
  out[from + 6] = catalogue.popularityLog[row]! / 10
  out[from + 7] = Math.max(-3, Math.min(10, catalogue.trend[row]!)) / 10
  out[from + 8] = Math.min(1, catalogue.purchaseRate[row]!)
  out[from + 9] = Math.log1p(Math.max(0, user.nowMs - catalogue.createdMs[row]!) / dayMs) / 10
  const stock = catalogue.stock[row]!
  out[from + 10] = stock >= 0 && stock < 5 ? 1 : 0
  out[from + 11] = items.values[item + ofItem.recent]!
  out[from + 12] = items.values[item + ofItem.session]!
  out[from + 13] = items.values[item + ofItem.cart]!
  out[from + 14] = Math.max(categories.values[leaf + ofCategory.declared]!, categories.values[top + ofCategory.declared]!)
  const price = catalogue.price[row]!
  out[from + 15] = price > 0 ? Math.max(-1, Math.min(1, catalogue.margin[row]! / price)) : 0
}

function writeSharedColumns(out: Float32Array, from: number, user: RankerUser): void {
  const angle = (user.hour / 24) * 2 * Math.PI
  out[from] = Math.log1p(user.events) / 10
  out[from + 1] = Math.log1p(user.weekPurchases) / 5
  out[from + 2] = Math.log1p(user.sessionEvents) / 5
  out[from + 3] = Math.min(1, user.cart.size / 5)
  out[from + 4] = user.mobile ? 1 : 0
  out[from + 5] = Math.sin(angle)
  out[from + 6] = Math.cos(angle)
}
