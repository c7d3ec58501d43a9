import { Catalogue, embeddingWidth, type RelatedRows } from '../../algorithms/catalogue.ts'
import { shrunkCosine } from '../../algorithms/co-visitation.ts'
import { TfIdfIndex } from '../../algorithms/tf-idf.ts'
import { towerWidth, writeTowerItem } from '../../algorithms/tower-features.ts'
import type { Sourced } from '../../ports/batch.ts'
import type { ItemTable } from '../../ports/item-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Item } from '../../schemas/item.ts'
import type { ItemUpdate, Neighbour } from '../../schemas/item-update.ts'

/** Item rows sent to the item tower at once. */
const embedRowsMax = 512

/** `item-updates` as a table: the catalogue in columns, its texts as an index, and the items themselves for display. */
export class CatalogueTable implements ItemTable {
  readonly catalogue = new Catalogue()
  readonly content = new TfIdfIndex({ termsMax: 20_000 })
  readonly #items = new Map<number, Item>()
  /** Rows whose item vector is missing or old. */
  readonly #unembedded = new Set<number>()
  #embedding: Promise<void> | undefined

  get(itemId: string): Item | undefined {
    const row = this.catalogue.items.find(itemId)
    return row < 0 || this.catalogue.withdrawn[row] === 1 ? undefined : this.#items.get(row)
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
    for (const { key, value } of records) {
      const row = this.catalogue.rowOf(key)
      if (row < 0) continue
      if (value === null) this.catalogue.withdrawn[row] = 1
      else this.#set(row, value)
    }
  }

  /**
   * Gives new and changed items their vectors; one call at a time, others wait for it. An error leaves the rest for the next
   * call. `version` of the tower is returned by the scorer and not needed here: both towers are published together.
   */
  async embed(scorer: Scorer, model: string): Promise<void> {
    if (this.#unembedded.size === 0) return
    this.#embedding ??= this.#embedAll(scorer, model).finally(() => {
      this.#embedding = undefined
    })
    await this.#embedding
  }

  async #embedAll(scorer: Scorer, model: string): Promise<void> {
    while (this.#unembedded.size > 0) {
      const rows = [...this.#unembedded].slice(0, embedRowsMax)
      const features = new Float32Array(rows.length * towerWidth)
      rows.forEach((row, index) => {
        const item = this.#items.get(row)!
        writeTowerItem(features, index, item)
      })
      const { outputs } = await scorer.score(model, features, rows.length, ['embedding'])
      const vectors = outputs[0]!
      rows.forEach((row, index) => {
        this.catalogue.vectors.set(row, vectors.subarray(index * embeddingWidth, (index + 1) * embeddingWidth))
        this.#unembedded.delete(row)
      })
    }
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
    catalogue.relate(row, this.#related(row, update.similar), this.#related(row, update.together))
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
  }

  /** Neighbours by shrunk cosine of their meetings: what everybody touches goes with everything and says little. */
  #related(row: number, neighbours: readonly Neighbour[]): RelatedRows {
    const rows = new Int32Array(neighbours.length)
    const weights = new Float32Array(neighbours.length)
    neighbours.forEach((neighbour, index) => {
      const other = this.catalogue.rowOf(neighbour.itemId)
      rows[index] = other
      weights[index] = shrunkCosine(neighbour.weight, this.#touches(row), this.#touches(other))
    })
    return { rows, weights }
  }

  /** About how often an item was touched lately: popularity counts strength, and most touches weigh .3. */
  #touches(row: number): number {
    return this.catalogue.popularity[row]! / 0.3
  }
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
