import type { Catalogue } from '../algorithms/catalogue.ts'
import { type LikenessColumn, likeness, likenessWeights } from '../algorithms/likeness.ts'
import type { RerankPool } from '../algorithms/reranker.ts'
import { topK } from '../algorithms/top-k.ts'
import type { ListDraft } from './list-draft.ts'

/** The best candidates of a draft as columns, best score first: gathered once, for each pair of them is looked at. */
export class DraftPool implements RerankPool {
  readonly draft: ListDraft
  readonly size: number
  /** Rows of the catalogue. */
  readonly rows: Int32Array
  relevance: Float64Array
  readonly topCategory: Int32Array
  readonly leafCategory: Int32Array
  readonly brand: Int32Array
  readonly columns: readonly LikenessColumn[]
  readonly #catalogue: Catalogue
  readonly #places: Int32Array
  #taste: { readonly wanted: Float64Array; readonly aspects: Int32Array } | undefined

  constructor(draft: ListDraft, catalogue: Catalogue, poolMax: number) {
    const { indices, scores } = topK(draft.scores, poolMax)
    this.draft = draft
    this.size = indices.length
    this.rows = new Int32Array(indices.length)
    this.relevance = scores
    this.#catalogue = catalogue
    this.#places = indices
    this.topCategory = new Int32Array(indices.length)
    this.leafCategory = new Int32Array(indices.length)
    this.brand = new Int32Array(indices.length)
    for (let n = 0; n < indices.length; n++) {
      const row = draft.set.rows[indices[n]!]!
      this.rows[n] = row
      this.topCategory[n] = catalogue.topCategory[row]!
      this.leafCategory[n] = catalogue.leafCategory[row]!
      this.brand[n] = catalogue.brand[row]!
    }
    this.columns = likenessColumns(this)
  }

  get wanted(): Float64Array {
    return this.#ofTaste().wanted
  }

  get aspects(): Int32Array {
    return this.#ofTaste().aspects
  }

  /** Rows of the pool as places in the draft's set. */
  placesOf(order: Int32Array): Int32Array {
    return order.map((row) => this.#places[row]!)
  }

  /** Mean likeness of each row to what the person touched lately; 0 without a history. */
  nearness(): Float64Array {
    const { recentRows } = this.draft.user
    const joined = (own: Int32Array, column: Int32Array) => Int32Array.of(...own, ...recentRows.map((row) => column[row]!))
    const { topCategory, leafCategory, brand } = this.#catalogue
    const columns = likenessColumns({
      topCategory: joined(this.topCategory, topCategory),
      leafCategory: joined(this.leafCategory, leafCategory),
      brand: joined(this.brand, brand),
    })
    return Float64Array.from(this.rows, (_, row) => {
      let sum = 0
      for (let n = 0; n < recentRows.length; n++) sum += likeness(columns, row, this.size + n)
      return recentRows.length > 0 ? sum / recentRows.length : 0
    })
  }

  /** Each row is about the most specific category of its path that the person has touched. */
  #ofTaste(): { readonly wanted: Float64Array; readonly aspects: Int32Array } {
    if (this.#taste) return this.#taste
    const taste = this.draft.ranker.categories
    const numbers = new Map<number, number>()
    const weights: number[] = []
    const aspects = new Int32Array(this.size).fill(-1)
    for (let row = 0; row < this.size; row++) {
      const category = [this.leafCategory[row]!, this.topCategory[row]!].find((number) => (taste.get(number) ?? 0) > 0)
      if (category === undefined) continue
      if (!numbers.has(category)) numbers.set(category, weights.push(taste.get(category)!) - 1)
      aspects[row] = numbers.get(category)!
    }
    const sum = weights.reduce((total, weight) => total + weight, 0)
    this.#taste = { wanted: Float64Array.from(weights, (weight) => weight / sum), aspects }
    return this.#taste
  }
}

function likenessColumns(groups: Readonly<Record<keyof typeof likenessWeights, Int32Array>>): LikenessColumn[] {
  return [
    { groups: groups.topCategory, weight: likenessWeights.topCategory },
    { groups: groups.leafCategory, weight: likenessWeights.leafCategory },
    { groups: groups.brand, weight: likenessWeights.brand },
  ]
}
