import type { LikenessColumn } from '../likeness.ts'

/** So many of a group within the first places. */
export interface Quota {
  /** Places it is about, from the top. */
  readonly first: number
  readonly min: number
  readonly max: number
  /** By candidate number: 1 = it counts. */
  readonly members: Uint8Array
}

/** So much likeness at most within the first places. */
export interface Spread {
  readonly first: number
  /** Of `likeness` over all pairs of them. */
  readonly sumMax: number
  /** Groups by candidate number, counted from 0. */
  readonly columns: readonly LikenessColumn[]
}

/** What `fillQuotas` arranges. */
export interface QuotaInput {
  /** Candidates, best first, without the pinned ones: any distinct numbers. */
  readonly order: Int32Array
  /** By place of the result: the candidate pinned there, or −1; `pinned.length` = places in all, every candidate gets one. */
  readonly pinned: Int32Array
  readonly quotas: readonly Quota[]
  readonly spread?: Spread | undefined
}

/** Candidates tried in one search at most; past it a quota counts as impossible. Lists of fifty with few quotas need hundreds. */
const triesMax = 200_000
/** The same where likeness is limited: every list is arranged so, and what is possible at all is mostly found in tens. */
const spreadTriesMax = 500
/** Sums of weights that are equal but for rounding. */
const rounding = 1e-9

/**
 * The order nearest to the given one that keeps every quota: at each place the best candidate with which the rest is still
 * possible, found by depth-first search over kinds of candidates (those in the same quotas and groups are interchangeable), with
 * dead ends remembered. Exact: if any arrangement keeps all quotas, one is found (within the tries there are). Pinned candidates
 * stay and count. Returns the whole order, or null if it is impossible. Quotas are about places there are: `first` is cut to
 * `pinned.length`.
 */
export function fillQuotas(input: QuotaInput): Int32Array | null {
  const search = new QuotaSearch(input)
  return search.from(0) ? search.result() : null
}

class QuotaSearch {
  readonly #input: QuotaInput
  readonly #window: number
  #triesLeft: number
  readonly #quotas: readonly QuotaCount[]
  readonly #spread: SpreadCount | null
  /** By place in `order`: whether it is taken, and its kind, asked for only where the best did not do. */
  readonly #isTaken: Uint8Array
  readonly #kinds: Int32Array
  readonly #kindNumbers = new Map<string, number>()
  readonly #chosen: Int32Array
  readonly #dead = new Set<string>()

  constructor(input: QuotaInput) {
    const { order, pinned, quotas, spread } = input
    this.#input = input
    this.#quotas = quotas.map((quota) => new QuotaCount(quota, order, pinned))
    this.#spread = spread ? new SpreadCount(spread, order, pinned) : null
    this.#triesLeft = spread ? spreadTriesMax : triesMax
    this.#window = this.#quotas.reduce((most, { first }) => Math.max(most, first), this.#spread?.first ?? 0)
    this.#isTaken = new Uint8Array(order.length)
    this.#kinds = new Int32Array(order.length).fill(-1)
    this.#chosen = new Int32Array(this.#window)
  }

  /** Fills the places from `place` on; false if it cannot be done. */
  from(place: number): boolean {
    if (!this.#isOpen(place)) return false
    if (place === this.#window) return true
    const fixed = this.#input.pinned[place]!
    if (fixed >= 0) {
      this.#chosen[place] = fixed
      return this.from(place + 1)
    }
    if (this.#dead.size > 0 && this.#dead.has(this.#state(place))) return false
    const { order } = this.#input
    let failed: Set<number> | undefined
    for (let at = 0; at < order.length; at++) {
      // Where the best of a kind did not do, none does.
      if (this.#isTaken[at] === 1 || failed?.has(this.#kindOf(at))) continue
      if (this.#triesLeft-- <= 0) return false
      this.#chosen[place] = order[at]!
      this.#take(at, place, 1)
      if (this.from(place + 1)) return true
      this.#take(at, place, -1)
      failed ??= new Set()
      failed.add(this.#kindOf(at))
    }
    this.#dead.add(this.#state(place))
    return false
  }

  /** The window as found, then who is left, in order, around the pinned. */
  result(): Int32Array {
    const { order, pinned } = this.#input
    const result = Int32Array.from(pinned)
    result.set(this.#chosen)
    let next = 0
    for (let place = this.#window; place < result.length; place++) {
      if (result[place]! >= 0) continue
      while (this.#isTaken[next] === 1) next++
      result[place] = order[next++]!
    }
    return result
  }

  /** Gives a candidate a place, or (`by` −1) takes it back. */
  #take(at: number, place: number, by: 1 | -1): void {
    const candidate = this.#input.order[at]!
    this.#isTaken[at] = by > 0 ? 1 : 0
    for (const quota of this.#quotas) quota.take(candidate, place, by)
    this.#spread?.take(candidate, place, by)
  }

  /** What was taken by kind: all that decides what is still possible. */
  #state(place: number): string {
    const taken: number[] = []
    for (let at = 0; at < this.#isTaken.length; at++) if (this.#isTaken[at] === 1) taken.push(this.#kindOf(at))
    return `${place}:${taken.sort().join()}`
  }

  #kindOf(at: number): number {
    if (this.#kinds[at]! >= 0) return this.#kinds[at]!
    const candidate = this.#input.order[at]!
    let name = ''
    for (const { members } of this.#input.quotas) name += members[candidate]!
    for (const { groups } of this.#input.spread?.columns ?? []) name += ` ${groups[candidate]!}`
    const kind = this.#kindNumbers.get(name) ?? this.#kindNumbers.size
    this.#kindNumbers.set(name, kind)
    this.#kinds[at] = kind
    return kind
  }

  /** Whether each quota by itself, and the spread, can still be kept from `place` on. */
  #isOpen(place: number): boolean {
    for (const quota of this.#quotas) if (!quota.isOpen(place)) return false
    return this.#spread?.isOpen(place) ?? true
  }
}

/** How far one quota is filled; pinned candidates count from the start. */
class QuotaCount {
  readonly first: number
  readonly #quota: Quota
  /** By place: free ones from it on within `first`. */
  readonly #free: Int32Array
  #count = 0
  /** Candidates that are not taken: members, and all others. */
  #members = 0
  #others: number

  constructor(quota: Quota, order: Int32Array, pinned: Int32Array) {
    this.#quota = quota
    this.first = Math.min(quota.first, pinned.length)
    this.#free = freeFrom(pinned, this.first)
    for (const pin of pinned.subarray(0, this.first)) if (pin >= 0) this.#count += quota.members[pin]!
    for (let at = 0; at < order.length; at++) this.#members += quota.members[order[at]!]!
    this.#others = order.length - this.#members
  }

  take(candidate: number, place: number, by: 1 | -1): void {
    const isMember = this.#quota.members[candidate] === 1
    if (isMember) this.#members -= by
    else this.#others -= by
    if (isMember && place < this.first) this.#count += by
  }

  isOpen(place: number): boolean {
    const { min, max } = this.#quota
    const free = this.#free[Math.min(place, this.first)]!
    return this.#count <= max && this.#count + Math.min(free, this.#members) >= min && this.#count + free - this.#others <= max
  }
}

/** How alike the first places are; pinned candidates count from the start. */
class SpreadCount {
  readonly first: number
  readonly #sumMax: number
  readonly #columns: readonly ColumnCount[]
  readonly #free: Int32Array

  constructor(spread: Spread, order: Int32Array, pinned: Int32Array) {
    this.first = Math.min(spread.first, pinned.length)
    this.#sumMax = spread.sumMax
    this.#free = freeFrom(pinned, this.first)
    this.#columns = spread.columns.map((column) => new ColumnCount(column, order, pinned.subarray(0, this.first)))
  }

  take(candidate: number, place: number, by: 1 | -1): void {
    for (const column of this.#columns) column.take(candidate, place < this.first, by)
  }

  /** Whether likeness can still stay within its sum, attribute by attribute; it can if there is nothing left to place. */
  isOpen(place: number): boolean {
    if (place > this.first) return true
    const free = this.#free[place]!
    let sum = 0
    for (const column of this.#columns) sum += column.weight * column.leastPairs(free)
    return sum <= this.#sumMax + rounding
  }
}

/** Pairs of one group among the places, by one attribute. */
class ColumnCount {
  readonly weight: number
  readonly #groups: Int32Array
  /** By group: how many have a place, and how many are left. */
  readonly #there: Int32Array
  readonly #left: Int32Array
  #leftOfNone = 0
  #pairs = 0

  constructor({ groups, weight }: LikenessColumn, order: Int32Array, pins: Int32Array) {
    this.weight = weight
    this.#groups = groups
    let count = 0
    for (let candidate = 0; candidate < groups.length; candidate++) count = Math.max(count, groups[candidate]! + 1)
    this.#there = new Int32Array(count)
    this.#left = new Int32Array(count)
    for (let at = 0; at < order.length; at++) {
      const group = groups[order[at]!]!
      if (group < 0) this.#leftOfNone++
      else this.#left[group]!++
    }
    for (const pin of pins) if (pin >= 0 && groups[pin]! >= 0) this.#pairs += this.#there[groups[pin]!]!++
  }

  take(candidate: number, isCounted: boolean, by: 1 | -1): void {
    const group = this.#groups[candidate]!
    if (group < 0) this.#leftOfNone -= by
    else {
      this.#left[group]! -= by
      if (!isCounted) return
      this.#pairs += by > 0 ? this.#there[group]! : 1 - this.#there[group]!
      this.#there[group]! += by
    }
  }

  /** With `free` more candidates, spread over groups as evenly as what is left of them allows; those of no group make none. */
  leastPairs(free: number): number {
    if (free <= this.#leftOfNone) return this.#pairs
    const there = this.#there.slice()
    const left = this.#left.slice()
    let pairs = this.#pairs
    for (let n = this.#leftOfNone; n < free; n++) {
      let group = -1
      for (let other = 0; other < there.length; other++)
        if (left[other]! > 0 && (group < 0 || there[other]! < there[group]!)) group = other
      if (group < 0) break
      pairs += there[group]!++
      left[group]!--
    }
    return pairs
  }
}

/** By place up to `first`: free places from it on before `first`. */
function freeFrom(pinned: Int32Array, first: number): Int32Array {
  const free = new Int32Array(first + 1)
  for (let place = first - 1; place >= 0; place--) free[place] = free[place + 1]! + (pinned[place]! < 0 ? 1 : 0)
  return free
}
