import { Catalogue, embeddingWidth, type RelatedRows } from '../../algorithms/catalogue.ts'
import { shrunkCosine } from '../../algorithms/co-visitation.ts'
import type { ItemFacts } from '../../algorithms/ranker/item-columns.ts'
import { type RuleSubject, unknownSubject } from '../../algorithms/rules/rule-spec.ts'
import { TfIdfIndex } from '../../algorithms/tf-idf.ts'
import { towerWidth, writeTowerItem } from '../../algorithms/tower-features.ts'
import { wordHashes } from '../../algorithms/word-hashes.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Sourced } from '../../ports/batch.ts'
import type { ItemTable } from '../../ports/item-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Item } from '../../schemas/item.ts'
import type { ItemUpdate, Neighbour } from '../../schemas/item-update.ts'
import { type EventType, eventTypeNumber } from '../../schemas/user-event.ts'
import { ItemTexts } from './item-texts.ts'
import { VectorSearch, type VectorSearchOptions } from './vector-search.ts'

/** Types of events that say something for an item: a strength of .3 or more. */
const signalTypes = (['view', 'click', 'add_to_cart', 'purchase', 'like'] as const).map(eventTypeNumber)
/** Item rows sent to the item tower at once. */
const embedRowsMax = 512
/** Rows that one call of `embed` brings into the index at least: a list waits some milliseconds for them. */
const indexRowsPerCall = 64
const exactSearch: VectorSearchOptions = { exactMax: Number.POSITIVE_INFINITY, openIndex: () => null }
/** Words of an item that searches are matched with. */
const wordsMax = 32
/** Batches between two tries to give all items vectors of the user tower's version: a try costs the whole catalogue. */
const misfitsPerTry = 256

/** `item-updates` as a table: the catalogue in columns, its texts as an index, and the items themselves for display. */
export class CatalogueTable implements ItemTable {
  readonly catalogue = new Catalogue()
  readonly content = new TfIdfIndex({ termsMax: 20_000 })
  /** Told the rows of items that may not be shown any more: withdrawn, or sold out. */
  onGone: (rows: readonly number[]) => void = () => {}
  /** Told the rows of items that have another price or margin than before. */
  onRepriced: (rows: readonly number[]) => void = () => {}
  /** The items nearest to a person, withdrawn ones left out. */
  readonly nearest: VectorSearch
  readonly #items = new Map<number, Item>()
  /** What a text model says of items, where there is one. */
  readonly texts = new ItemTexts(this.#items)
  /** Rows whose item vector is missing or old. */
  readonly #unembedded = new Set<number>()
  #embedding: Promise<void> | undefined
  /** The item tower's version that all vectors are of; '' before the first. */
  #vectorVersion = ''
  /** Batches in a row whose user vectors were of another version. */
  #misfits = 0

  /** `search`: when to find the nearest vectors by an index; never by default. */
  constructor(search: VectorSearchOptions = exactSearch) {
    const { catalogue } = this
    this.nearest = new VectorSearch(catalogue.vectors, (row) => catalogue.withdrawn[row] === 0, search)
  }

  get(itemId: string): Item | undefined {
    const row = this.catalogue.items.find(itemId)
    return row < 0 || this.catalogue.withdrawn[row] === 1 ? undefined : this.#items.get(row)
  }

  /** What rules may ask of a row's item; of one without catalogue data, or withdrawn, only its name is known. */
  subjectOf(row: number): RuleSubject {
    const itemId = this.catalogue.items.text(row)
    return this.get(itemId) ?? unknownSubject(itemId)
  }

  /** Items with catalogue data. */
  get size(): number {
    return this.#items.size
  }

  /** The items themselves, withdrawn ones left out. */
  *values(): Iterable<Item> {
    for (const [row, item] of this.#items) if (this.catalogue.withdrawn[row] === 0) yield item
  }

  apply(records: readonly Sourced<ItemUpdate | null>[]): void {
    const gone: number[] = []
    const repriced: number[] = []
    for (const { key, value } of records) {
      const row = this.catalogue.rowOf(key)
      if (row < 0) continue
      const wasAvailable = this.catalogue.available(row)
      const wasWithdrawn = this.catalogue.withdrawn[row]
      const before = this.#items.get(row)
      if (value === null) this.catalogue.withdrawn[row] = 1
      else this.#set(row, value)
      if (this.catalogue.withdrawn[row] !== wasWithdrawn) this.nearest.changed(row)
      const after = this.#items.get(row)
      if (wasAvailable && !this.catalogue.available(row)) gone.push(row)
      else if (before && after && (before.price !== after.price || before.margin !== after.margin)) repriced.push(row)
    }
    if (gone.length > 0) this.onGone(gone)
    if (repriced.length > 0) this.onRepriced(repriced)
  }

  /**
   * Whether item vectors fit a user vector of this version. If not, they are made anew by the next `embed`, in case the item tower has
   * changed as well; it is asked again now and then only, since it may come later or never.
   */
  fits(version: string): boolean {
    if (version === this.#vectorVersion) {
      this.#misfits = 0
      return true
    }
    if (this.#misfits++ % misfitsPerTry === 0) this.#outdate()
    return false
  }

  /**
   * Gives new and changed items their vectors; one call at a time, others wait for it. An error leaves the rest for the next
   * call. When the tower turns out to be another version, all items get new ones; `MILL_INFERENCE_UNAVAILABLE` while workers disagree.
   */
  async embed(scorer: Scorer, model: string): Promise<void> {
    this.nearest.advance(indexRowsPerCall)
    if (this.#unembedded.size === 0) return
    this.#embedding ??= this.#embedAll(scorer, model).finally(() => {
      this.#embedding = undefined
    })
    await this.#embedding
  }

  async #embedAll(scorer: Scorer, model: string): Promise<void> {
    let changes = 0
    while (this.#unembedded.size > 0) {
      const rows = [...this.#unembedded].slice(0, embedRowsMax)
      const features = new Float32Array(rows.length * towerWidth)
      rows.forEach((row, index) => {
        const item = this.#items.get(row)!
        writeTowerItem(features, index, item)
      })
      const { outputs, version } = await scorer.score(model, features, rows.length, ['embedding'])
      const vectors = outputs[0]!
      if (version !== this.#vectorVersion) {
        this.#vectorVersion = version
        this.#outdate()
        if (changes++ > 0)
          throw new MillraceError('MILL_INFERENCE_UNAVAILABLE', `workers answer with several versions of ${model}`)
      }
      rows.forEach((row, index) => {
        this.catalogue.vectors.set(row, vectors.subarray(index * embeddingWidth, (index + 1) * embeddingWidth))
        this.nearest.changed(row)
        this.#unembedded.delete(row)
      })
      this.nearest.advance(embedRowsMax)
    }
  }

  #outdate(): void {
    for (const row of this.#items.keys()) this.#unembedded.add(row)
  }

  #set(row: number, update: ItemUpdate): void {
    const { item } = update
    if (item) this.#keepItem(row, item)
    const catalogue = this.catalogue
    if (item) {
      catalogue.set(row, {
        withdrawn: update.withdrawn,
        stock: item.stock ?? -1,
        price: item.price,
        margin: item.margin,
        createdMs: item.createdMs,
        popularity: update.popularity,
        trend: update.trend,
        purchaseRate: update.purchaseRate,
        category: item.category,
        brand: item.brand,
      })
    } else {
      catalogue.withdrawn[row] = update.withdrawn ? 1 : 0
      catalogue.setSignals(row, update)
    }
    catalogue.describe(row, factsOf(update, this.#items.get(row)))
    if (item) catalogue.offer(row, item, item.releasedMs)
    catalogue.signals[row] = signalsOf(update.counts)
    catalogue.followed[row] = update.followed
    catalogue.purchases.set(row, update.bought, update.eventTimeMs)
    catalogue.relate(row, this.#similar(row, update.similar), this.#counted(update.together))
  }

  /** What depends on the item's own data only: text index and item vector. */
  #keepItem(row: number, item: Item): void {
    const before = this.#items.get(row)
    this.#items.set(row, item)
    if (before && sameWords(before, item)) {
      if (before.price !== item.price) this.#unembedded.add(row)
      return
    }
    this.#unembedded.add(row)
    this.content.add(row, tokensOf(item))
    this.texts.changed(row)
    const words = wordHashes([item.title, ...item.category, item.brand ?? '', ...item.tags].join(' '), wordsMax)
    this.catalogue.words.set(row, words)
  }

  /** Neighbours by shrunk cosine of their meetings: what everybody touches goes with everything and says little. */
  #similar(row: number, neighbours: readonly Neighbour[]): RelatedRows {
    const { rows, weights } = this.#counted(neighbours)
    for (let i = 0; i < rows.length; i++) weights[i] = shrunkCosine(weights[i]!, this.#touches(row), this.#touches(rows[i]!))
    return { rows, weights }
  }

  #counted(neighbours: readonly Neighbour[]): RelatedRows {
    const rows = Int32Array.from(neighbours, ({ itemId }) => this.catalogue.rowOf(itemId))
    return { rows, weights: Float32Array.from(neighbours, ({ weight }) => weight) }
  }

  /** About how often an item was touched lately: popularity counts strength, and most touches weigh .3. */
  #touches(row: number): number {
    return this.catalogue.popularity[row]! / 0.3
  }
}

function factsOf({ counts, rating, hourly, people, similar, together }: ItemUpdate, item: Item | undefined): ItemFacts {
  const count = (type: EventType) => counts[eventTypeNumber(type)] ?? 0
  return {
    known: item !== undefined,
    stock: item?.stock ?? -1,
    views: count('view'),
    clicks: count('click'),
    carts: count('add_to_cart'),
    purchases: count('purchase'),
    likes: count('like'),
    dismissals: count('dismiss'),
    ratings: count('rating'),
    rating,
    hourly,
    people,
    similar: similar.length,
    together: together.length,
  }
}

/** Events that say something for an item. */
function signalsOf(counts: readonly number[]): number {
  let sum = 0
  for (const type of signalTypes) sum += counts[type] ?? 0
  return sum
}

function sameWords(a: Item, b: Item): boolean {
  return (
    a.title === b.title &&
    a.description === b.description &&
    a.brand === b.brand &&
    a.tags.join() === b.tags.join() &&
    a.category.join() === b.category.join()
  )
}

/** Words of title and description, and category, brand and tags as whole terms. */
function tokensOf(item: Item): string[] {
  const words = `${item.title} ${item.description}`.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? []
  return [
    ...words,
    ...item.category.map((name) => `category:${name}`),
    ...item.tags.map((tag) => `tag:${tag}`),
    ...(item.brand ? [`brand:${item.brand}`] : []),
  ]
}
