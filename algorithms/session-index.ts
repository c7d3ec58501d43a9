import { invariant } from '../core/invariant.ts'
import { NearestSessions } from './nearest-sessions.ts'
import { SessionPostings } from './session-postings.ts'
import { insertBest } from './top-k.ts'

/** Fixed sizes of a `SessionIndex`; all memory is taken when it is made. */
export interface SessionIndexOptions {
  /** Sessions remembered; one more evicts the session whose newest event is oldest (then the smaller key). */
  readonly sessionsMax: number
  /** Item ids are whole numbers in [0, itemsMax). */
  readonly itemsMax: number
  /** Distinct items of one session; one more and the whole session stops counting (robots, shared accounts). Default 15. */
  readonly itemsPerSessionMax?: number
}

/** Parameters of one query; see `SessionIndex.recommend`. */
export interface SessionQuery {
  /** Most recent sessions looked at. Default 500. */
  readonly m?: number
  /** Nearest of them that vote. Default 50. */
  readonly k?: number
  /** Newest items of the running session that count. Default 2, at most 30. */
  readonly lastN?: number
  /** Items wanted. Default 20. */
  readonly count?: number
}

/** Ranked items: `items[0..count)` with `scores`, best first, ties by lower item id; fewer than asked if no more are known. */
export interface RankedItems {
  readonly items: Int32Array
  readonly scores: Float64Array
  readonly count: number
}

const nothing: RankedItems = { items: new Int32Array(0), scores: new Float64Array(0), count: 0 }

/**
 * VMIS-kNN (Kersbergen, Sprangers, Schelter, "Serenade", SIGMOD 2022) over an index that moves with every event.
 *
 * With L the last `lastN` items of the running session (newest last), len = |L| and pos an item's distance from the end (0 =
 * newest, a repeated item counts once, at its newest place): candidates are the m sessions with the newest event that hold an
 * item of L (ties: larger session key); similarity = Σ over shared items of (len − pos) / |distinct L|; the k most similar
 * (ties: more recent) give each of their items similarity · max(0, 1 − .1·(p + 1)) · ln(N / df), p the smallest pos they
 * share. The current item is left out. Everything but the logarithm is summed in whole numbers, so scores do not depend on the
 * order of events or of neighbours.
 *
 * The published weight turns negative beyond position 10; ours stops at 0.
 */
export class SessionIndex {
  readonly #postings: SessionPostings
  readonly #nearest: NearestSessions
  readonly #votes: Float64Array
  readonly #touched: Int32Array
  readonly #logs: Float64Array

  constructor(options: SessionIndexOptions) {
    const { sessionsMax, itemsMax, itemsPerSessionMax = 15 } = options
    this.#postings = new SessionPostings({ sessionsMax, itemsMax, itemsPerSessionMax })
    this.#nearest = new NearestSessions(this.#postings)
    this.#votes = new Float64Array(itemsMax)
    this.#touched = new Int32Array(itemsMax)
    this.#logs = Float64Array.from({ length: Math.min(sessionsMax, 65_536) + 1 }, (_, n) => Math.log(n))
  }

  /** Sessions that count now. */
  get sessionCount(): number {
    return this.#postings.sessionCount
  }

  /** Number of remembered sessions that hold `item`. */
  documentFrequency(item: number): number {
    return this.#postings.sessionsOf(item)
  }

  /**
   * Takes one event: session `sessionKey` (any safe whole number, the same for all its events) touched `item` at `timeMs`.
   * Events may come in any order. Returns false for an item outside [0, itemsMax), which changes nothing.
   */
  add(sessionKey: number, item: number, timeMs: number): boolean {
    return this.#postings.add(sessionKey, item, timeMs)
  }

  /** Forgets a session (a person asked to be erased); true if it was known. */
  remove(sessionKey: number): boolean {
    return this.#postings.remove(sessionKey)
  }

  /**
   * Recommends what follows `currentItems` (newest last, repeats allowed, unknown ids ignored); nothing is excluded but the
   * newest item. Allocates nothing but the result.
   */
  recommend(currentItems: Int32Array, query: SessionQuery = {}): RankedItems {
    const { m = 500, k = 50, lastN = 2, count = 20 } = query
    invariant(m > 0 && k > 0 && count > 0 && lastN > 0 && lastN <= 30, 'session query: m, k, count, lastN > 0 and lastN <= 30')
    const first = Math.max(0, currentItems.length - lastN)
    const distinct = this.#nearest.find(currentItems, first, m, k)
    if (distinct === 0) return nothing
    const touched = this.#vote(currentItems[currentItems.length - 1]!)
    return this.#rank(touched, count, 10 * distinct)
  }

  /** Adds every neighbour's vote to its items, in whole numbers; returns how many items were touched. */
  #vote(currentItem: number): number {
    const { slots, similarities, positions, size } = this.#nearest
    const { items, sizes, itemsPerSessionMax } = this.#postings
    const votes = this.#votes
    let touched = 0
    for (let n = 0; n < size; n++) {
      const weight = 9 - positions[n]!
      if (weight <= 0) continue
      const vote = weight * similarities[n]!
      const slot = slots[n]!
      const start = slot * itemsPerSessionMax
      for (let at = start; at < start + sizes[slot]!; at++) {
        const item = items[at]!
        if (item === currentItem) continue
        if (votes[item] === 0) this.#touched[touched++] = item
        votes[item]! += vote
      }
    }
    return touched
  }

  /** The best `count` of the touched items; leaves the votes at 0 for the next query. */
  #rank(touched: number, count: number, divisor: number): RankedItems {
    const size = Math.min(count, touched)
    const items = new Int32Array(size)
    const scores = new Float64Array(size)
    const logOfAll = this.#log(this.#postings.sessionCount)
    let filled = 0
    for (let n = 0; n < touched; n++) {
      const item = this.#touched[n]!
      const score = (this.#votes[item]! * (logOfAll - this.#log(this.#postings.sessionsOf(item)))) / divisor
      this.#votes[item] = 0
      filled = insertBest(items, scores, filled, item, score)
    }
    return { items, scores, count: filled }
  }

  #log(n: number): number {
    return n < this.#logs.length ? this.#logs[n]! : Math.log(n)
  }
}
