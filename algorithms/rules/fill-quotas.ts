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
  /** Groups by candidate number. */
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

/** States looked at in one search at most; past it a quota counts as impossible. Lists of fifty with few quotas need hundreds. */
const statesMax = 20_000
/** The same where likeness is limited: a state costs more, and what is possible at all is found in tens. */
const spreadStatesMax = 1_000
/** Sums of weights that are equal but for rounding. */
const rounding = 1e-9

/**
 * The order nearest to the given one that keeps every quota: at each place the best candidate with which the rest is still
 * possible, found by depth-first search over kinds of candidates (those in the same quotas and groups are interchangeable), with
 * dead ends remembered. Exact: if any arrangement keeps all quotas, one is found (within the states looked at). Pinned candidates
 * stay and count. Returns the whole order, or null if it is impossible. Quotas are about places there are: `first` is cut to
 * `pinned.length`.
 */
export function fillQuotas(input: QuotaInput): Int32Array | null {
  const search = new QuotaSearch(input)
  return search.from(0) ? search.result() : null
}

class QuotaSearch {
  readonly #input: QuotaInput
  readonly #firsts: Int32Array
  readonly #window: number
  /** Candidates by kind, best first, as places in `order`, and one that stands for all; how many of each are taken. */
  readonly #kinds: readonly { readonly example: number; readonly places: readonly number[] }[]
  readonly #taken: Int32Array
  /** By quota: members so far, pinned ones still to come, free places still to come within its window. */
  readonly #counts: Int32Array
  readonly #chosen: Int32Array
  readonly #dead = new Set<string>()
  readonly #spreadFirst: number
  readonly #statesMax: number
  #states = 0

  constructor(input: QuotaInput) {
    const { order, pinned, quotas, spread } = input
    this.#input = input
    this.#firsts = Int32Array.from(quotas, ({ first }) => Math.min(first, pinned.length))
    this.#spreadFirst = Math.min(spread?.first ?? 0, pinned.length)
    this.#window = this.#firsts.reduce((most, first) => Math.max(most, first), this.#spreadFirst)
    const byKind = new Map<string, number[]>()
    for (let place = 0; place < order.length; place++) {
      const kind = kindOf(order[place]!, input)
      const places = byKind.get(kind)
      if (places) places.push(place)
      else byKind.set(kind, [place])
    }
    this.#kinds = Array.from(byKind.values(), (places) => ({ example: order[places[0]!]!, places }))
    this.#statesMax = spread ? spreadStatesMax : statesMax
    this.#taken = new Int32Array(this.#kinds.length)
    this.#counts = new Int32Array(quotas.length)
    this.#chosen = new Int32Array(this.#window)
  }

  /** Fills the places from `place` on; false if it cannot be done. */
  from(place: number): boolean {
    if (!this.#isOpen(place)) return false
    if (place === this.#window) return true
    const fixed = this.#input.pinned[place]!
    if (fixed >= 0) {
      this.#chosen[place] = fixed
      return this.#with(place, fixed)
    }
    const state = `${place}:${this.#taken.join()}`
    if (this.#dead.has(state) || this.#states++ > this.#statesMax) return false
    for (const kind of this.#kindsByHead()) {
      const candidate = this.#input.order[this.#kinds[kind]!.places[this.#taken[kind]!]!]!
      this.#chosen[place] = candidate
      this.#taken[kind]!++
      if (this.#with(place, candidate)) return true
      this.#taken[kind]!--
    }
    this.#dead.add(state)
    return false
  }

  /** The window as found, then who is left, in order, around the pinned. */
  result(): Int32Array {
    const { order, pinned } = this.#input
    const result = Int32Array.from(pinned)
    result.set(this.#chosen)
    const isTaken = new Set(this.#chosen)
    let next = 0
    for (let place = this.#window; place < result.length; place++) {
      if (result[place]! >= 0) continue
      while (isTaken.has(order[next]!)) next++
      result[place] = order[next++]!
    }
    return result
  }

  /** Goes on with a candidate at `place`; takes it back if that leads nowhere. */
  #with(place: number, candidate: number): boolean {
    this.#count(place, candidate, 1)
    if (this.from(place + 1)) return true
    this.#count(place, candidate, -1)
    return false
  }

  #count(place: number, candidate: number, by: number): void {
    this.#input.quotas.forEach(({ members }, q) => {
      if (place < this.#firsts[q]! && members[candidate] === 1) this.#counts[q]! += by
    })
  }

  /** Kinds with a candidate left, the one with the best first. */
  #kindsByHead(): number[] {
    const head = (kind: number) => this.#kinds[kind]!.places[this.#taken[kind]!]!
    return [...this.#kinds.keys()].filter((kind) => head(kind) !== undefined).sort((a, b) => head(a) - head(b))
  }

  /** Whether each quota by itself, and the spread, can still be kept from `place` on. */
  #isOpen(place: number): boolean {
    const { pinned, quotas } = this.#input
    for (let q = 0; q < quotas.length; q++) {
      const { min, max, members: isMember } = quotas[q]!
      let free = 0
      let count = this.#counts[q]!
      for (let ahead = place; ahead < this.#firsts[q]!; ahead++) {
        if (pinned[ahead]! < 0) free++
        else if (isMember[pinned[ahead]!] === 1) count++
      }
      let members = 0
      let others = 0
      for (let kind = 0; kind < this.#kinds.length; kind++) {
        const left = this.#kinds[kind]!.places.length - this.#taken[kind]!
        if (isMember[this.#kinds[kind]!.example] === 1) members += left
        else others += left
      }
      if (count > max || count + Math.min(free, members) < min || count + free - others > max) return false
    }
    return this.#isSpread(place)
  }

  /** Whether likeness can still stay within its sum: attribute by attribute, what is left is spread as evenly as it goes. */
  #isSpread(place: number): boolean {
    const { pinned, spread } = this.#input
    if (!spread || place > this.#spreadFirst) return true
    const fixed = [...this.#chosen.subarray(0, place), ...pinned.subarray(place, this.#spreadFirst).filter((pin) => pin >= 0)]
    const free = this.#spreadFirst - fixed.length
    let sum = 0
    for (const { groups, weight } of spread.columns) {
      const counts = new Map<number, GroupCount>()
      const countOf = (group: number) => {
        if (!counts.has(group)) counts.set(group, { there: 0, left: 0 })
        return counts.get(group)!
      }
      for (const candidate of fixed) {
        const group = groups[candidate]!
        if (group >= 0) sum += weight * countOf(group).there++
      }
      this.#kinds.forEach(({ example, places }, kind) => {
        countOf(groups[example]!).left += places.length - this.#taken[kind]!
      })
      sum += weight * leastLikeness(counts, free)
    }
    return sum <= spread.sumMax + rounding
  }
}

/** What a group has among the places, and what it could still give. */
interface GroupCount {
  there: number
  left: number
}

/** Pairs of one group that `free` more candidates make at least; those of group −1 make none. */
function leastLikeness(groups: ReadonlyMap<number, GroupCount>, free: number): number {
  let pairs = 0
  for (let n = groups.get(-1)?.left ?? 0; n < free; n++) {
    let cheapest: GroupCount | undefined
    for (const [group, counts] of groups)
      if (group >= 0 && counts.left > 0 && (!cheapest || counts.there < cheapest.there)) cheapest = counts
    if (!cheapest) break
    pairs += cheapest.there++
    cheapest.left--
  }
  return pairs
}

/** Candidates of one kind are in the same quotas and, where likeness counts, in the same groups. */
function kindOf(candidate: number, { quotas, spread }: QuotaInput): string {
  let kind = ''
  for (const { members } of quotas) kind += members[candidate] === 1 ? '1' : '0'
  for (const { groups } of spread?.columns ?? []) kind += ` ${groups[candidate]}`
  return kind
}
