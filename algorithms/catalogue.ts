import { Interner } from './interner.ts'
import { ItemWords } from './item-words.ts'
import { PricePercentiles } from './price-percentiles.ts'
import { PurchaseShares } from './purchase-shares.ts'
import { type ItemFacts, itemColumnCount, unheardItem, writeItemColumns } from './ranker/item-columns.ts'
import { type OfferFacts, offerColumnCount, writeOfferColumns } from './ranker/offer-columns.ts'
import { VectorRows } from './vector-rows.ts'

/** Width of item and user vectors of the two-tower model. */
export const embeddingWidth = 32

/** What is known of one item, as `Catalogue.set` takes it. */
export interface CatalogueRow {
  readonly withdrawn: boolean
  /** -1 = not counted, always available. */
  readonly stock: number
  readonly price: number
  readonly margin: number
  readonly createdMs: number
  readonly popularity: number
  readonly trend: number
  readonly purchaseRate: number
  /** General first. */
  readonly category: readonly string[]
  readonly brand: string | null
}

/** Related rows, heaviest first. */
export interface RelatedRows {
  readonly rows: Int32Array
  readonly weights: Float32Array
}

/** Signals of an item from which on others rank it. */
const coldBelow = 50
const noHours = new Float32Array(0)
const noneRelated: RelatedRows = { rows: new Int32Array(0), weights: new Float32Array(0) }

/**
 * The item table as columns: every item has a dense row, every attribute is one typed array. A row is given at the first
 * mention of an item, so that sessions and neighbours may name items whose catalogue data comes later; such a row is available.
 */
export class Catalogue {
  readonly items: Interner
  readonly categories = new Interner(1 << 16)
  readonly brands = new Interner(1 << 20)
  readonly rowsMax: number
  withdrawn = new Uint8Array(1024)
  /** 1 once `set` was called: catalogue data is there. */
  known = new Uint8Array(1024)
  stock = new Int32Array(1024).fill(-1)
  price = new Float64Array(1024)
  /** ln(1 + price) and ln(1 + popularity), kept since every list asks for hundreds of them. */
  priceLog = new Float64Array(1024)
  popularityLog = new Float64Array(1024)
  margin = new Float64Array(1024)
  createdMs = new Float64Array(1024)
  popularity = new Float64Array(1024)
  trend = new Float64Array(1024)
  purchaseRate = new Float64Array(1024)
  /** Events that say something for an item, so far. */
  signals = new Float64Array(1024)
  /** Decayed co-purchases after an item, and each item's share of all purchases. */
  followed = new Float64Array(1024)
  readonly purchases = new PurchaseShares()
  /** First and last level of the category path; -1 unknown. */
  topCategory = new Int32Array(1024).fill(-1)
  leafCategory = new Int32Array(1024).fill(-1)
  brand = new Int32Array(1024).fill(-1)
  /** `itemColumnCount` numbers per row: what the ranker hears of an item by itself. */
  itemColumns = describedRows(1024)
  /** `offerColumnCount` numbers per row: what the ranker hears of the offer; 0 where nothing is known. */
  offerColumns = new Float32Array(1024 * offerColumnCount)
  /** When the item came out; 0 unknown. */
  releasedMs = new Float64Array(1024)
  /** Words of title, category, brand and tags by row. */
  readonly words = new ItemWords()
  /** Prices of each last-level category. */
  readonly pricePercentiles = new PricePercentiles()
  readonly vectors = new VectorRows(embeddingWidth)
  /** Buyers by step of what they spent in 90 days (spend-ranks.ts). */
  spenders: readonly number[] = []
  readonly #hours: (Float32Array | undefined)[] = []
  readonly #similar: (RelatedRows | undefined)[] = []
  readonly #together: (RelatedRows | undefined)[] = []

  constructor(rowsMax = 1 << 22) {
    this.rowsMax = rowsMax
    this.items = new Interner(rowsMax)
  }

  /** Rows in use. */
  get size(): number {
    return this.items.size
  }

  /** The row of an item, given now if it is new; -1 when the table is full. */
  rowOf(itemId: string): number {
    const row = this.items.add(itemId)
    if (row >= this.withdrawn.length) this.#grow(row)
    return row
  }

  /** Whether an item may be shown: not withdrawn and, where stock is counted, in stock. */
  available(row: number): boolean {
    return this.withdrawn[row] === 0 && this.stock[row] !== 0
  }

  /** Whether so little was heard of an item that others cannot rank it yet (features.md F6.12): under 50 signals. */
  isCold(row: number): boolean {
    return this.signals[row]! < coldBelow
  }

  set(row: number, item: CatalogueRow): void {
    if (this.known[row] === 1) this.pricePercentiles.remove(this.leafCategory[row]!, this.priceLog[row]!)
    this.known[row] = 1
    this.withdrawn[row] = item.withdrawn ? 1 : 0
    this.stock[row] = item.stock
    this.price[row] = item.price
    this.priceLog[row] = Math.log1p(Math.max(0, item.price))
    this.margin[row] = item.margin
    this.createdMs[row] = item.createdMs
    this.setSignals(row, item)
    this.topCategory[row] = item.category.length > 0 ? this.categories.add(item.category[0]!) : -1
    this.leafCategory[row] = item.category.length > 0 ? this.categories.add(item.category.at(-1)!) : -1
    this.brand[row] = item.brand === null ? -1 : this.brands.add(item.brand)
    this.pricePercentiles.add(this.leafCategory[row]!, this.priceLog[row]!)
  }

  /** What the ranker is to hear of the item by itself. */
  describe(row: number, facts: ItemFacts): void {
    writeItemColumns(this.itemColumns, row * itemColumnCount, facts)
  }

  /** How the item is offered, and when it came out. */
  offer(row: number, facts: OfferFacts, releasedMs: number | null): void {
    writeOfferColumns(this.offerColumns, row * offerColumnCount, facts)
    this.releasedMs[row] = releasedMs ?? 0
  }

  /** How busy each hour of the week is in a category (week-hours.ts); none if that is not known. */
  setHours(category: string, hours: readonly number[]): void {
    this.#hours[this.categories.add(category)] = Float32Array.from(hours)
  }

  /** The same by category number. */
  hoursOf(category: number): Float32Array {
    return this.#hours[category] ?? noHours
  }

  /** What the item's events say of it. */
  setSignals(row: number, signals: Pick<CatalogueRow, 'popularity' | 'trend' | 'purchaseRate'>): void {
    this.popularity[row] = signals.popularity
    this.popularityLog[row] = Math.log1p(Math.max(0, signals.popularity))
    this.trend[row] = signals.trend
    this.purchaseRate[row] = signals.purchaseRate
  }

  similar(row: number): RelatedRows {
    return this.#similar[row] ?? noneRelated
  }

  together(row: number): RelatedRows {
    return this.#together[row] ?? noneRelated
  }

  /** What is seen with an item, by similarity, and what is bought with or after it, by number. */
  relate(row: number, similar: RelatedRows, together: RelatedRows): void {
    this.#similar[row] = similar
    this.#together[row] = together
  }

  #grow(row: number): void {
    const size = Math.min(this.rowsMax, Math.max(row + 1, this.withdrawn.length * 2))
    const longer = <A extends Uint8Array | Int32Array | Float64Array>(from: A, fill = 0): A => {
      const to = new (from.constructor as new (length: number) => A)(size)
      if (fill !== 0) to.fill(fill as never)
      to.set(from as never)
      return to
    }
    this.withdrawn = longer(this.withdrawn)
    this.known = longer(this.known)
    this.stock = longer(this.stock, -1)
    this.price = longer(this.price)
    this.priceLog = longer(this.priceLog)
    this.popularityLog = longer(this.popularityLog)
    this.margin = longer(this.margin)
    this.createdMs = longer(this.createdMs)
    this.releasedMs = longer(this.releasedMs)
    this.popularity = longer(this.popularity)
    this.trend = longer(this.trend)
    this.purchaseRate = longer(this.purchaseRate)
    this.signals = longer(this.signals)
    this.followed = longer(this.followed)
    this.topCategory = longer(this.topCategory, -1)
    this.leafCategory = longer(this.leafCategory, -1)
    this.brand = longer(this.brand, -1)
    const described = describedRows(size)
    described.set(this.itemColumns)
    this.itemColumns = described
    const offers = new Float32Array(size * offerColumnCount)
    offers.set(this.offerColumns)
    this.offerColumns = offers
  }
}

/** Item columns of rows of which nothing was heard. */
function describedRows(rows: number): Float32Array {
  const columns = new Float32Array(rows * itemColumnCount)
  writeItemColumns(columns, 0, unheardItem)
  for (let filled = 1; filled < rows; filled *= 2)
    columns.copyWithin(filled * itemColumnCount, 0, Math.min(filled, rows - filled) * itemColumnCount)
  return columns
}
