import { invariant } from '../core/invariant.ts'
import { NearestSessions } from './nearest-sessions.ts'
import type { RankedItems } from './session-index.ts'
import { SessionPostings } from './session-postings.ts'
import { insertBest } from './top-k.ts'

/** Fixed sizes of a `VectorSessionIndex`; all memory is taken when it is made. */
export interface VectorSessionIndexOptions {
  /** Sessions remembered; one more evicts the session whose newest event is oldest. */
  readonly sessionsMax: number
  /** Item ids are whole numbers in [0, itemsMax). */
  readonly itemsMax: number
  /** Distinct items of one session; one more and the whole session stops counting. Default 50. */
  readonly itemsPerSessionMax?: number
}

/** Parameters of one query; see `VectorSessionIndex.recommend`. */
export interface VectorSessionQuery {
  /** Most recent sessions looked at. Default 1000. */
  readonly m?: number
  /** Nearest of them that vote. Default 100. */
  readonly k?: number
  /** Newest items of the running session that count, at most 30. Default 30. */
  readonly lastN?: number
  /** Items wanted. Default 20. */
  readonly count?: number
  /** How much rarity counts: a vote is multiplied with 1 + idf · ln(sessions / events of the item). Default 5; 0 = not at all. */
  readonly idf?: number
  /** A session that is no neighbour: the running one itself. */
  readonly exceptKey?: number | undefined
}

/**
 * VSKNN, vector multiplication session kNN (Ludewig, Jannach, UMUAI 2018), over an index that moves with every event.
 *
 * Of the running session each distinct item weighs (pos / len)² of its last occurrence, pos counted from 1, len with repeats.
 * Candidates are the m sessions with the newest event that share an item (ties: larger key); similarity = Σ over shared items of
 * their weight / distinct items of the running session; the k most similar (ties: more recent) give each of their items
 * similarity · (1 + idf · ln(sessions / events of the item)) / step, step = how far back the latest shared item lies (newest = 1).
 * Scores are divided by the largest. Nothing is left out, not even the newest item.
 */
export class VectorSessionIndex {
  readonly #postings: SessionPostings
  readonly #nearest: NearestSessions
  readonly #events: Int32Array
  readonly #votes: Float64Array
  readonly #touched: Int32Array

  constructor({ sessionsMax, itemsMax, itemsPerSessionMax = 50 }: VectorSessionIndexOptions) {
    this.#postings = new SessionPostings({ sessionsMax, itemsMax, itemsPerSessionMax })
    this.#nearest = new NearestSessions(this.#postings)
    this.#events = new Int32Array(itemsMax)
    this.#votes = new Float64Array(itemsMax)
    this.#touched = new Int32Array(itemsMax)
  }

  /** Takes one event, in any order; false for an item outside [0, itemsMax), which changes nothing. */
  add(sessionKey: number, item: number, timeMs: number): boolean {
    if (!this.#postings.add(sessionKey, item, timeMs)) return false
    this.#events[item]!++
    return true
  }

  /** Recommends what follows `currentItems` (newest last, repeats allowed, unknown ids ignored). */
  recommend(currentItems: Int32Array, query: VectorSessionQuery = {}): RankedItems {
    const { m = 1000, k = 100, lastN = 30, count = 20, idf = 5, exceptKey } = query
    invariant(m > 0 && k > 0 && count > 0 && lastN > 0 && lastN <= 30, 'session query: m, k, count, lastN > 0 and lastN <= 30')
    const length = currentItems.length
    const weightOf = (place: number) => ((length - place) / length) ** 2
    const distinct = this.#nearest.find(currentItems, { m, k, lastN, weightOf, exceptKey })
    const touched = this.#vote()
    const size = Math.min(count, touched)
    const items = new Int32Array(size)
    const scores = new Float64Array(size)
    let filled = 0
    for (let n = 0; n < touched; n++) {
      const item = this.#touched[n]!
      const rarity = idf === 0 ? 1 : 1 + idf * Math.log(this.#postings.sessionCount / this.#events[item]!)
      filled = insertBest(items, scores, filled, item, (this.#votes[item]! * rarity) / distinct)
      this.#votes[item] = 0
    }
    const most = scores[0]!
    if (most > 0) for (let n = 0; n < filled; n++) scores[n]! /= most
    return { items, scores, count: filled }
  }

  /** Adds each neighbour's vote to each of its items; returns how many items were touched. */
  #vote(): number {
    const { slots, similarities, positions, size } = this.#nearest
    const { items, sizes, itemsPerSessionMax } = this.#postings
    let touched = 0
    for (let n = 0; n < size; n++) {
      const vote = similarities[n]! / (positions[n]! + 1)
      const start = slots[n]! * itemsPerSessionMax
      for (let node = start; node < start + sizes[slots[n]!]!; node++) {
        const item = items[node]!
        if (this.#votes[item] === 0) this.#touched[touched++] = item
        this.#votes[item]! += vote
      }
    }
    return touched
  }
}
