import { dot } from '../../algorithms/cosine.ts'
import type { NearestRows } from '../../algorithms/nearest-rows.ts'
import { insertBest } from '../../algorithms/top-k.ts'
import type { VectorRows } from '../../algorithms/vector-rows.ts'
import type { VectorIndex } from '../../ports/vector-index.ts'

export interface VectorSearchOptions {
  /** Rows up to which every search compares all of them. */
  readonly exactMax: number
  /** Opens the index, asked once: when there are more rows than that. Null where there is none: every search stays exact. */
  readonly openIndex: () => VectorIndex | null
}

/** Rows that may wait for the index while it is used: each search compares them one by one. */
const waitingMax = 4096
/** Rows asked of the index per row wanted: some are taken out again, and its order is not exact. */
const oversampling = 1.5
/** Rows asked of the index at most; past that nearly all are unwanted, and comparing every row is no dearer. */
const askedMax = 8192
/** Of so many approximate searches one is compared with the exact one, which costs as much as dozens of them. */
const searchesPerSample = 1000
/** Two orders of adding the products of two vectors of length 1 differ by less, as float32. */
const roundingMax = 1e-6
/** Comparisons that `recall` is the mean of. */
const samplesMax = 100

/**
 * Nearest rows by comparing all of them up to a stated number, and by an approximate index beyond (features.md F3.5). What the index
 * finds is scored again by the vectors themselves, rows that it does not have yet are compared one by one, and too few of them
 * mean another, wider search: so only what the index did not find may be missing, and how much that is, is measured all the time.
 */
export class VectorSearch implements NearestRows {
  readonly #vectors: VectorRows
  readonly #wanted: (row: number) => boolean
  readonly #options: VectorSearchOptions
  /** Undefined before there are too many rows. */
  #index: VectorIndex | null | undefined
  /** Rows whose vector or presence the index does not follow yet. */
  readonly #waiting = new Set<number>()
  readonly #found = new Int32Array(askedMax)
  #searches = 0
  readonly #recalls: number[] = []

  /** `wanted`: whether a row with a vector belongs into the index at all; `changed` tells when that has changed. */
  constructor(vectors: VectorRows, wanted: (row: number) => boolean, options: VectorSearchOptions) {
    this.#vectors = vectors
    this.#wanted = wanted
    this.#options = options
  }

  /** Whether searches go by the index now. */
  get approximate(): boolean {
    return !!this.#index && this.#waiting.size <= waitingMax
  }

  /** Mean recall of the last sampled searches against exact ones, in [0, 1]; null while searches are exact. */
  get recall(): number | null {
    if (!this.approximate || this.#recalls.length === 0) return null
    return this.#recalls.reduce((sum, recall) => sum + recall, 0) / this.#recalls.length
  }

  /** A row has another vector, or is wanted where it was not, or no longer. */
  changed(row: number): void {
    if (this.#index) this.#waiting.add(row)
    else if (this.#index === undefined && this.#vectors.size > this.#options.exactMax) {
      this.#index = this.#options.openIndex()
      for (let each = 0; this.#index && each < this.#vectors.size; each++) if (this.#belongs(each)) this.#waiting.add(each)
    }
  }

  /** Brings at most `rowsMax` waiting rows into the index, or out of it: about a tenth of a millisecond each. */
  advance(rowsMax: number): void {
    let left = rowsMax
    for (const row of this.#waiting) {
      if (left-- <= 0) return
      if (this.#belongs(row)) this.#index!.set(row, this.#vectors.vector(row))
      else this.#index!.remove(row)
      this.#waiting.delete(row)
    }
  }

  nearest(query: Float32Array, keep: (row: number) => boolean, rows: Int32Array, products: Float32Array): number {
    const belongs = (row: number): boolean => this.#belongs(row) && keep(row)
    const count = this.approximate ? this.#approximately(query, belongs, rows, products) : -1
    if (count < 0) return this.#vectors.nearest(query, belongs, rows, products)
    if (this.#searches++ % searchesPerSample === 0) this.#compare(query, belongs, products, count)
    return count
  }

  #belongs(row: number): boolean {
    return this.#vectors.has(row) && this.#wanted(row)
  }

  /** As `nearest`; -1 where too few were found though there may be more. */
  #approximately(query: Float32Array, keep: (row: number) => boolean, rows: Int32Array, products: Float32Array): number {
    const index = this.#index!
    for (let asked = Math.ceil(rows.length * oversampling); asked <= askedMax; asked *= 4) {
      const found = index.search(query, this.#found.subarray(0, asked))
      let count = 0
      const take = (row: number): void => {
        if (keep(row)) count = insertBest(rows, products, count, row, dot(query, this.#vectors.vector(row)))
      }
      for (const row of this.#waiting) take(row)
      for (let at = 0; at < found; at++) if (!this.#waiting.has(this.#found[at]!)) take(this.#found[at]!)
      if (count === rows.length || found === index.size) return count
      if (found < asked) return -1
    }
    return -1
  }

  /** A row that is as near as the last exact one counts as found, whichever of the two was. */
  #compare(query: Float32Array, keep: (row: number) => boolean, products: Float32Array, count: number): void {
    const exact = new Float32Array(products.length)
    const wanted = this.#vectors.nearest(query, keep, new Int32Array(products.length), exact)
    if (wanted === 0) return
    const last = exact[wanted - 1]! - roundingMax
    let hits = 0
    for (let at = 0; at < count; at++) if (products[at]! >= last) hits++
    this.#recalls.push(Math.min(hits, wanted) / wanted)
    if (this.#recalls.length > samplesMax) this.#recalls.shift()
  }
}
