import { MillraceError } from '../core/errors.ts'
import { SparseCounts } from './sparse-counts.ts'
import { type SupportSimilarityOptions, supportSimilarity } from './support-similarity.ts'
import { insertBest, type TopK } from './top-k.ts'

/** Settings of `ItemKnn`. */
export interface ItemKnnOptions extends SupportSimilarityOptions {
  readonly itemCount: number
  /** Neighbours kept for each target item. Default 50. */
  readonly neighbours?: number
  /** Items of one user (or session) that pairs are counted with, the newest first kept. Default 1,000. */
  readonly historyMax?: number
  /** Companions counted for one item at most. Default 4,096. */
  readonly companionsMax?: number
  /** A pair counts gapDecay^(steps between both in the history − 1), 0 < gapDecay ≤ 1. Default 1: any distance is the same. */
  readonly gapDecay?: number
  /** What a pair counts for the item that came first, as the target: 0 = only what followed is a companion. Default 1. */
  readonly backward?: number
}

interface Targets {
  readonly items: Int32Array
  readonly similarities: Float64Array
}

/** Lighter pairs are not counted: they would cost as much as the others. */
const weightMin = 1e-3

/**
 * Item-based collaborative filtering (Sarwar et al., WWW 2001) that learns from each event: `observe` counts the item with the
 * others of its user, so counts always equal a recount. A target item scores Σ similarity over its `neighbours` nearest items
 * that are in the history. With `gapDecay` and `backward` below 1 pairs know order and distance, as sequential rules do (Ludewig &
 * Jannach, UMUAI 2018): both kinds of evidence in one count. Lists of neighbours are made anew by `refresh`, for the items counted since; supports of the others
 * in a list are those of its last making.
 */
export class ItemKnn {
  readonly #options: ItemKnnOptions
  #neighbours: number
  readonly #similarity: { measure: 'cosine' | 'jaccard'; shrinkage: number; alpha: number }
  readonly #supports: Float64Array
  /** Of each target, what its companions count. */
  readonly #pairs: (SparseCounts | undefined)[]
  readonly #backward: number
  /** gapDecay^n. */
  readonly #decays: Float64Array
  /** Newest last. */
  readonly #histories = new Map<number, Set<number>>()
  readonly #dirty = new Set<number>()
  /** Neighbours of each target as of its last making. */
  readonly #lists: (TopK | undefined)[]
  /** The same the other way: targets that hold an item among their neighbours, with the similarity. */
  readonly #targets: Map<number, number>[]
  /** `#targets` laid out for going through, null where it changed since. */
  readonly #laidOut: (Targets | null)[]

  constructor(options: ItemKnnOptions) {
    const { itemCount, measure = 'cosine', shrinkage = 0, alpha = 0.5 } = options
    this.#options = options
    this.#neighbours = Math.min(options.neighbours ?? 50, itemCount)
    this.#similarity = { measure, shrinkage, alpha }
    this.#supports = new Float64Array(itemCount)
    this.#pairs = new Array(itemCount)
    const { gapDecay = 1, backward = 1, historyMax = 1000 } = options
    if (!(gapDecay > 0 && gapDecay <= 1 && backward >= 0))
      throw new MillraceError('MILL_REQUEST_INVALID', 'gapDecay must lie in (0, 1] and backward must not be negative')
    this.#backward = backward
    this.#decays = Float64Array.from({ length: historyMax }, (_, gap) => gapDecay ** gap)
    this.#lists = new Array(itemCount)
    this.#targets = Array.from({ length: itemCount }, () => new Map())
    this.#laidOut = new Array(itemCount).fill(null)
  }

  /** Counts one item of a user (or session); false for a repeat. Throws `MILL_REQUEST_INVALID` for an unknown item number. */
  observe(user: number, item: number): boolean {
    this.#check(item)
    let history = this.#histories.get(user)
    if (history === undefined) {
      history = new Set()
      this.#histories.set(user, history)
    }
    if (history.has(item)) return false
    const pairs = this.#pairsOf(item)
    let gap = history.size
    for (const other of history) {
      const weight = this.#decays[--gap]!
      if (weight < weightMin) continue
      pairs.add(other, weight)
      if (this.#backward > 0) {
        this.#pairsOf(other).add(item, this.#backward * weight)
        this.#dirty.add(other)
      }
    }
    history.add(item)
    if (history.size > this.#decays.length) history.delete(history.values().next().value!)
    this.#supports[item]!++
    this.#dirty.add(item)
    return true
  }

  /** Forgets that user's items: pairs already counted stay. For closed sessions, which bring nothing more. */
  close(user: number): void {
    this.#histories.delete(user)
  }

  /** Users (or sessions) that had the item. */
  support(item: number): number {
    return this.#supports[item] ?? 0
  }

  /** Users that had both; with decay or direction, what `other` counts for the target `item`. */
  together(item: number, other: number): number {
    return this.#pairs[item]?.get(other) ?? 0
  }

  /** The nearest items of `item` by the counts of now, best first, ties by lower item. */
  neighboursOf(item: number): TopK {
    this.#check(item)
    const found: { other: number; similarity: number }[] = []
    this.#pairs[item]?.forEach((other, together) => {
      const similarity = supportSimilarity(together, this.#supports[other]!, this.#supports[item]!, this.#similarity)
      if (similarity > 0) found.push({ other, similarity })
    })
    // Where (nearly) all are kept, sorting is cheaper than putting each in its place.
    if (found.length < 2 * this.#neighbours) found.sort((a, b) => b.similarity - a.similarity || a.other - b.other)
    const count = Math.min(this.#neighbours, found.length)
    const indices = new Int32Array(count)
    const scores = new Float64Array(count)
    let filled = 0
    for (const { other, similarity } of found) filled = insertBest(indices, scores, filled, other, similarity)
    return { indices, scores }
  }

  /** Makes the lists of all items counted since the last time. */
  refresh(): void {
    for (const item of this.#dirty) {
      const old = this.#lists[item]
      if (old) for (const other of old.indices) this.#change(other).delete(item)
      const list = this.neighboursOf(item)
      this.#lists[item] = list
      for (let n = 0; n < list.indices.length; n++) this.#change(list.indices[n]!).set(item, list.scores[n]!)
    }
    this.#dirty.clear()
  }

  /** Makes every list anew, so that each has the supports of now; from now on with so many `neighbours`, if given. */
  refreshAll(neighbours: number = this.#neighbours): void {
    this.#neighbours = Math.min(neighbours, this.#options.itemCount)
    for (let item = 0; item < this.#options.itemCount; item++) if (this.#supports[item]! > 0) this.#dirty.add(item)
    this.refresh()
  }

  /**
   * Writes Σ weight · similarity over `history` (item numbers without repeats) for every target into `scores` (itemCount
   * numbers), by the lists of the last refresh. `weights` default to 1 each. Items of the history score too: skip them after.
   */
  scores(history: ArrayLike<number>, scores: Float64Array, weights?: ArrayLike<number>): void {
    scores.fill(0)
    for (let n = 0; n < history.length; n++) {
      const weight = weights === undefined ? 1 : weights[n]!
      const { items, similarities } = this.#layOut(history[n]!)
      for (let at = 0; at < items.length; at++) scores[items[at]!]! += weight * similarities[at]!
    }
  }

  #change(item: number): Map<number, number> {
    this.#laidOut[item] = null
    return this.#targets[item]!
  }

  #layOut(item: number): Targets {
    const known = this.#laidOut[item]
    if (known) return known
    const targets = this.#targets[item]!
    const made = { items: Int32Array.from(targets.keys()), similarities: Float64Array.from(targets.values()) }
    this.#laidOut[item] = made
    return made
  }

  #pairsOf(item: number): SparseCounts {
    let pairs = this.#pairs[item]
    if (pairs === undefined) {
      pairs = new SparseCounts({ entriesMax: this.#options.companionsMax ?? 4096 })
      this.#pairs[item] = pairs
    }
    return pairs
  }

  #check(item: number): void {
    if (item >= 0 && item < this.#options.itemCount && Number.isInteger(item)) return
    throw new MillraceError('MILL_REQUEST_INVALID', `item ${item}: give whole numbers from 0 to ${this.#options.itemCount - 1}`)
  }
}
