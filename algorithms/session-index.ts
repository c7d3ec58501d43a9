import { invariant } from '../core/invariant.ts'
import { NearestSessions } from './nearest-sessions.ts'
import { SessionPostings } from './session-postings.ts'
import { offerBest, sortBest } from './top-k.ts'

/** Fixed sizes of a `SessionIndex`; all memory is taken when it is made. */
export interface SessionIndexOptions {
  /** Sessions remembered; one more evicts the session whose newest event is oldest (then the smaller key). */
  readonly sessionsMax: number
  /** Item ids are whole numbers in [0, itemsMax). */
  readonly itemsMax: number
  /** Distinct items of one session; one more and the whole session stops counting (robots, shared accounts). Default 15. */
  readonly itemsPerSessionMax?: number
  /** Whether a full session makes room by forgetting what came first instead: for whole histories. Default false. */
  readonly forgetOldest?: boolean
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
  /** A session that is no neighbour: the running one, once it is in the index itself. */
  readonly exceptKey?: number | undefined
  /** Whether the newest item may come again. Default false. */
  readonly again?: boolean
}

/** Parameters of one sequential query; see `SessionIndex.recommendInSequence`. */
export interface SequenceQuery {
  /** Most recent sessions looked at. Default 500. */
  readonly m?: number
  /** Nearest of them that vote. Default 100. */
  readonly k?: number
  /** Newest items of the running session that count. Default 5, at most 30. */
  readonly lastN?: number
  /** Items wanted. Default 20. */
  readonly count?: number
  /** λ_spw: an item this many places before the newest weighs 1/e of it. Default 2. */
  readonly placesBack?: number
  /** λ_inh: an item this many places from the shared one in a neighbour gets 1/e. Default 1.2. */
  readonly placesAround?: number
  /** λ_snh: a session this much older weighs 1/e, ms. Default 60 days. */
  readonly ageMs?: number
  /** Whether a vote is multiplied with ln(N / df), which STAN as published does not. Default true. */
  readonly idf?: boolean
  /** A session that is no neighbour: the running one, once it is in the index itself. */
  readonly exceptKey?: number | undefined
  /** Whether the newest item may come again. Default false. */
  readonly again?: boolean
}

/** Parameters of one query by sets; see `SessionIndex.recommendAlike`. */
export interface AlikeQuery {
  /** Most recent sessions looked at. Default 500. */
  readonly m?: number
  /** Nearest of them that vote. Default 50. */
  readonly k?: number
  /** Items wanted. Default 20. */
  readonly count?: number
  /** A session that is no neighbour: the person's own. */
  readonly exceptKey?: number | undefined
}

/** Ranked items: `items[0..count)` with `scores`, best first, ties by lower item id; fewer than asked if no more are known. */
export interface RankedItems {
  readonly items: Int32Array
  readonly scores: Float64Array
  readonly count: number
}

/** Items of a running session that count at most. */
const lastNMax = 30
const nothing: RankedItems = { items: new Int32Array(0), scores: new Float64Array(0), count: 0 }

/**
 * VMIS-kNN (Kersbergen, Sprangers, Schelter, "Serenade", SIGMOD 2022) over an index that moves with every event.
 *
 * With L the last `lastN` items of the running session (newest last), len = |L| and pos an item's distance from the end (0 =
 * newest, a repeated item counts once, at its newest place): candidates are the m sessions with the newest event that hold an
 * item of L (ties: larger session key); similarity = Σ over shared items of (len − pos) / |distinct L|; the k most similar
 * (ties: more recent) give each of their items similarity · max(0, 1 − .1·(p + 1)) · ln(N / df), p the smallest pos they
 * share. The current item is left out unless `again`. Everything but the logarithm is summed in whole numbers, so scores do not depend on the
 * order of events or of neighbours.
 *
 * The published weight turns negative beyond position 10; ours stops at 0.
 */
export class SessionIndex {
  readonly #postings: SessionPostings
  readonly #nearest: NearestSessions
  readonly #votes: Float64Array
  readonly #touched: Int32Array
  #touchedCount = 0
  readonly #fade: Float64Array
  readonly #logs: Float64Array

  constructor(options: SessionIndexOptions) {
    const { sessionsMax, itemsMax, itemsPerSessionMax = 15, forgetOldest = false } = options
    this.#postings = new SessionPostings({ sessionsMax, itemsMax, itemsPerSessionMax, forgetOldest })
    this.#nearest = new NearestSessions(this.#postings)
    this.#votes = new Float64Array(itemsMax)
    this.#touched = new Int32Array(itemsMax)
    this.#fade = new Float64Array(itemsPerSessionMax)
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
    const { m = 500, k = 50, lastN = 2, count = 20, again = false } = query
    checkQuery(m, k, lastN, count)
    const distinct = this.#nearest.find(currentItems, { m, k, lastN, weightOf: fromTheEnd, exceptKey: query.exceptKey })
    if (distinct === 0) return nothing
    const { positions, similarities, size } = this.#nearest
    const currentItem = again ? -1 : currentItems[currentItems.length - 1]!
    this.#touchedCount = 0
    for (let n = 0; n < size; n++) {
      const weight = 9 - positions[n]!
      if (weight > 0) this.#vote(n, weight * similarities[n]!, currentItem, null)
    }
    return this.#rank(count, 10 * distinct)
  }

  /**
   * The same by STAN (Garg, Gupta, Malhotra, Vig, Shroff, SIGIR 2019) with idf: similarity = Σ over shared items of
   * e^(−pos/placesBack) / (‖·‖ · √(neighbour's items)) · e^(−age/ageMs), and a neighbour gives an item similarity ·
   * e^(−|places between it and the newest shared item|/placesAround) · ln(N / df). It knows the order of items and is the better
   * one where order says something; on the Serenade toy set MRR@20 .375 against .328. `nowMs` is the running session's time.
   */
  recommendInSequence(currentItems: Int32Array, nowMs: number, query: SequenceQuery = {}): RankedItems {
    const { m = 500, k = 100, lastN = 5, count = 20, again = false } = query
    const { placesBack = 2, placesAround = 1.2, ageMs = 60 * 24 * 3_600_000, idf = true } = query
    checkQuery(m, k, lastN, count)
    const { sizes, timesMs } = this.#postings
    let squares = 0
    const weightOf = (place: number) => {
      const weight = Math.exp(-place / placesBack)
      squares += weight * weight
      return weight
    }
    const scaleOf = (slot: number) => Math.exp((timesMs[slot]! - nowMs) / ageMs) / Math.sqrt(sizes[slot]!)
    const distinct = this.#nearest.find(currentItems, { m, k, lastN, weightOf, scaleOf, exceptKey: query.exceptKey })
    if (distinct === 0) return nothing
    const fade = this.#fade
    for (let places = 0; places < fade.length; places++) fade[places] = Math.exp(-places / placesAround)
    const currentItem = again ? -1 : currentItems[currentItems.length - 1]!
    this.#touchedCount = 0
    for (let n = 0; n < this.#nearest.size; n++) this.#vote(n, this.#nearest.similarities[n]!, currentItem, fade)
    return this.#rank(count, Math.sqrt(squares), idf)
  }

  /**
   * The same with sessions as sets, which is user-based collaborative filtering where a session is a person's history (Herlocker et al.,
   * SIGIR 1999): similarity = cosine = shared / √(|a| · |b|), and each of the k nearest gives its similarity to all its items, those of
   * `currentItems` too. The newest 30 of these count.
   */
  recommendAlike(currentItems: Int32Array, query: AlikeQuery = {}): RankedItems {
    const { m = 500, k = 50, count = 20, exceptKey } = query
    checkQuery(m, k, lastNMax, count)
    const { sizes } = this.#postings
    const scaleOf = (slot: number) => 1 / Math.sqrt(sizes[slot]!)
    const distinct = this.#nearest.find(currentItems, { m, k, lastN: lastNMax, weightOf: one, scaleOf, exceptKey })
    if (distinct === 0) return nothing
    this.#touchedCount = 0
    for (let n = 0; n < this.#nearest.size; n++) this.#vote(n, this.#nearest.similarities[n]!, -1, null)
    return this.#rank(count, Math.sqrt(distinct), false)
  }

  /** Adds neighbour `n`'s vote to each of its items, less by distance from the shared item if `fade` says so. */
  #vote(n: number, vote: number, currentItem: number, fade: Float64Array | null): void {
    const { items, sizes, itemsPerSessionMax } = this.#postings
    const votes = this.#votes
    const slot = this.#nearest.slots[n]!
    const anchor = this.#nearest.anchors[n]!
    const start = slot * itemsPerSessionMax
    const end = start + sizes[slot]!
    for (let node = start; node < end; node++) {
      const item = items[node]!
      if (item === currentItem) continue
      const given = fade === null ? vote : vote * fade[Math.abs(node - anchor)]!
      if (!(given > 0)) continue
      if (votes[item] === 0) this.#touched[this.#touchedCount++] = item
      votes[item]! += given
    }
  }

  /** The best `count` of the touched items; leaves the votes at 0 for the next query. */
  #rank(count: number, divisor: number, idf = true): RankedItems {
    const size = Math.min(count, this.#touchedCount)
    const items = new Int32Array(size)
    const scores = new Float64Array(size)
    const logOfAll = this.#log(this.#postings.sessionCount)
    let filled = 0
    for (let n = 0; n < this.#touchedCount; n++) {
      const item = this.#touched[n]!
      const rarity = idf ? logOfAll - this.#log(this.#postings.sessionsOf(item)) : 1
      const score = (this.#votes[item]! * rarity) / divisor
      this.#votes[item] = 0
      filled = offerBest(items, scores, filled, item, score)
    }
    sortBest(items, scores, filled)
    return { items, scores, count: filled }
  }

  #log(n: number): number {
    return n < this.#logs.length ? this.#logs[n]! : Math.log(n)
  }
}

/** len − pos: a whole number, so that VMIS sums are exact. */
function fromTheEnd(place: number, length: number): number {
  return length - place
}

function one(): number {
  return 1
}

function checkQuery(m: number, k: number, lastN: number, count: number): void {
  invariant(
    m > 0 && k > 0 && count > 0 && lastN > 0 && lastN <= lastNMax,
    'session query: m, k, count, lastN > 0 and lastN <= 30',
  )
}
