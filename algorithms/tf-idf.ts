import { TermRows } from './term-rows.ts'
import { TermVocabulary } from './term-vocabulary.ts'
import { insertBest, type TopK } from './top-k.ts'

/** A sparse vector: `terms` ascending with their `weights`. */
export interface SparseVector {
  readonly terms: Int32Array
  readonly weights: Float64Array
}

/** One thing that a person touched, for `TfIdfIndex.profile`. */
export interface ProfileEntry {
  readonly item: number
  /** Strength 0–1, or (rating − 3) / 2: a dislike is negative and pushes away. */
  readonly weight: number
}

const noVector: SparseVector = { terms: new Int32Array(0), weights: new Float64Array(0) }

/**
 * Content similarity of items by their words (features.md F3.9): weight of a term = (1 + ln tf) · (1 + ln((1 + N) / (1 + df))),
 * vectors of length 1, cosine through an inverted index. Items come and go one by one; the idf is fitted anew by itself
 * whenever more than 1/16 of the items changed, or by `fit`. At most `termsMax` distinct terms are known: a full vocabulary
 * takes a new term only once no item uses some old one any more.
 */
export class TfIdfIndex {
  readonly #vocabulary: TermVocabulary
  readonly #rows = new TermRows()
  /** By item: length of its vector with the idf of the last fit. */
  #norms = new Float64Array(1024)
  readonly #itemsMax: number
  /** Sums of one query by item; 0 between queries. */
  #scores = new Float64Array(1024)
  /** Weights of one query by term; 0 between queries. */
  #wanted = new Float32Array(0)
  /** The same while a profile is summed up; all 0 between two. */
  #sums = new Float64Array(0)
  #isTouched = new Uint8Array(0)
  #fittedCount = 0
  #changes = 0

  /** Item ids lie in [0, itemsMax); default 2^24. */
  constructor(options: { readonly termsMax: number; readonly itemsMax?: number }) {
    this.#vocabulary = new TermVocabulary(options.termsMax)
    this.#itemsMax = options.itemsMax ?? 2 ** 24
  }

  /** Items held. */
  get itemCount(): number {
    return this.#rows.size
  }

  /** Distinct terms known. */
  get termCount(): number {
    return this.#vocabulary.size
  }

  /** Puts `item` with its tokens (repeats count) in place of what it had; false for an id outside [0, itemsMax). */
  add(item: number, tokens: readonly string[]): boolean {
    if (!(item >= 0 && item < this.#itemsMax)) return false
    this.remove(item)
    const counts = new Map<number, number>()
    for (const token of tokens) {
      const term = this.#vocabulary.numberOf(token)
      if (term >= 0) counts.set(term, (counts.get(term) ?? 0) + 1)
    }
    const terms = Int32Array.from(counts.keys()).sort()
    const frequencies = Float64Array.from(terms, (term) => 1 + Math.log(counts.get(term)!))
    for (let n = 0; n < terms.length; n++) this.#vocabulary.post(terms[n]!, item, frequencies[n]!)
    this.#rows.set(item, terms, frequencies)
    for (const term of terms) if (this.#vocabulary.idf[term] === 0) this.#vocabulary.fit(term, this.#rows.size)
    if (item >= this.#scores.length) {
      this.#scores = new Float64Array(Math.max(item + 1, 2 * this.#scores.length))
      const norms = new Float64Array(this.#scores.length)
      norms.set(this.#norms)
      this.#norms = norms
    }
    this.#norms[item] = this.#normOf(item)
    this.#changed()
    return true
  }

  /** Takes `item` out; true if it was there. */
  remove(item: number): boolean {
    if (!this.#rows.has(item)) return false
    for (const term of this.#rows.termsOf(item)) this.#vocabulary.unpost(term, item)
    this.#rows.delete(item)
    this.#changed()
    return true
  }

  /** Fits every idf to the items held now. */
  fit(): void {
    this.#vocabulary.fitAll(this.#rows.size)
    for (const item of this.#rows.items()) this.#norms[item] = this.#normOf(item)
    this.#fittedCount = this.#rows.size
    this.#changes = 0
  }

  /** The item's vector, of length 1; no terms for an unknown item. */
  vector(item: number): SparseVector {
    if (!this.#rows.has(item)) return noVector
    const { idf } = this.#vocabulary
    const terms = this.#rows.termsOf(item).slice()
    const from = this.#rows.starts[item]!
    const norm = this.#norms[item]!
    return { terms, weights: Float64Array.from(terms, (term, n) => (this.#rows.frequencies[from + n]! * idf[term]!) / norm) }
  }

  /** A person's vector: Σ w · vector / Σ |w| over what they touched; unknown items are left out. */
  profile(entries: readonly ProfileEntry[]): SparseVector {
    const { idf } = this.#vocabulary
    if (this.#sums.length < idf.length) {
      this.#sums = new Float64Array(2 * idf.length)
      this.#isTouched = new Uint8Array(2 * idf.length)
    }
    const sums = this.#sums
    const { starts, counts, terms: held, frequencies } = this.#rows
    const touched: number[] = []
    let total = 0
    for (const { item, weight } of entries) {
      if (!this.#rows.has(item) || counts[item] === 0) continue
      total += Math.abs(weight)
      const norm = this.#norms[item]!
      const end = starts[item]! + counts[item]!
      for (let n = starts[item]!; n < end; n++) {
        const term = held[n]!
        if (this.#isTouched[term] === 0) touched.push(term)
        this.#isTouched[term] = 1
        sums[term]! += weight * ((frequencies[n]! * idf[term]!) / norm)
      }
    }
    const terms = Int32Array.from(touched).sort()
    const weights = new Float64Array(terms.length)
    for (let n = 0; n < terms.length; n++) {
      weights[n] = total > 0 ? sums[terms[n]!]! / total : 0
      sums[terms[n]!] = 0
      this.#isTouched[terms[n]!] = 0
    }
    return { terms, weights }
  }

  /** Cosine of two items, 0 … 1. */
  similarity(a: number, b: number): number {
    const left = this.vector(a)
    const right = this.vector(b)
    let sum = 0
    for (let i = 0, j = 0; i < left.terms.length && j < right.terms.length; ) {
      const difference = left.terms[i]! - right.terms[j]!
      if (difference === 0) sum += left.weights[i]! * right.weights[j]!
      if (difference <= 0) i++
      if (difference >= 0) j++
    }
    return sum
  }

  /**
   * The `count` items with the largest cosine to `query` (a profile or a vector), above 0, ties by lower item. Only items that
   * share a term with the query are looked at. `skip(item)` true leaves one out.
   */
  nearest(query: SparseVector, count: number, skip?: (item: number) => boolean): TopK {
    const indices = new Int32Array(count)
    const best = new Float64Array(count)
    let filled = 0
    this.#visitCosines(query, (item, cosine) => {
      if (!skip?.(item)) filled = insertBest(indices, best, filled, item, cosine)
    })
    return { indices: indices.subarray(0, filled), scores: best.subarray(0, filled) }
  }

  /** Writes the cosine to `query` of every item into `scores` (a number per item id), 0 where no term is shared. */
  cosines(query: SparseVector, scores: Float64Array): void {
    scores.fill(0)
    this.#visitCosines(query, (item, cosine) => {
      if (item < scores.length) scores[item] = cosine
    })
  }

  /** Writes the cosine to `query` of the first `count` of `items` into `out`, 0 … 1; only their own terms are looked at. */
  cosinesOf(query: SparseVector, items: Int32Array, count: number, out: Float32Array): void {
    const { idf } = this.#vocabulary
    if (this.#wanted.length < idf.length) this.#wanted = new Float32Array(2 * idf.length)
    const wanted = this.#wanted
    let squares = 0
    for (let n = 0; n < query.terms.length; n++) {
      squares += query.weights[n]! ** 2
      wanted[query.terms[n]!] = query.weights[n]! * idf[query.terms[n]!]!
    }
    const norm = Math.sqrt(squares)
    const { starts, counts, terms, frequencies } = this.#rows
    for (let at = 0; at < count; at++) {
      const item = items[at]!
      const length = norm > 0 && this.#rows.has(item) ? norm * this.#norms[item]! : 0
      let sum = 0
      if (length > 0) {
        const end = starts[item]! + counts[item]!
        for (let n = starts[item]!; n < end; n++) sum += wanted[terms[n]!]! * frequencies[n]!
      }
      out[at] = length > 0 ? Math.max(0, Math.min(1, sum / length)) : 0
    }
    for (const term of query.terms) wanted[term] = 0
  }

  /** Calls `visit` for every item with a cosine above 0. */
  #visitCosines(query: SparseVector, visit: (item: number, cosine: number) => void): void {
    const scores = this.#scores
    const touched: number[] = []
    let squares = 0
    for (let n = 0; n < query.terms.length; n++) {
      squares += query.weights[n]! ** 2
      const term = query.terms[n]!
      const weight = query.weights[n]! * (this.#vocabulary.idf[term] ?? 0)
      const { items, frequencies } = this.#vocabulary.postings(term)
      for (let p = 0; p < items.length; p++) {
        const item = items[p]!
        if (scores[item] === 0) touched.push(item)
        scores[item]! += weight * frequencies[p]!
      }
    }
    const norm = Math.sqrt(squares)
    for (const item of touched) {
      const score = scores[item]!
      scores[item] = 0
      if (score > 0) visit(item, score / (norm * this.#norms[item]!))
    }
  }

  #normOf(item: number): number {
    const { starts, counts, terms, frequencies } = this.#rows
    const { idf } = this.#vocabulary
    const end = starts[item]! + counts[item]!
    let sum = 0
    for (let n = starts[item]!; n < end; n++) sum += (frequencies[n]! * idf[terms[n]!]!) ** 2
    return Math.sqrt(sum)
  }

  #changed(): void {
    this.#changes++
    if (this.#changes * 16 > this.#fittedCount) this.fit()
  }
}
