/** So many of a group within the first places. */
export interface Quota {
  /** Places it is about, from the top. */
  readonly first: number
  readonly min: number
  readonly max: number
}

/** What `fillQuotas` arranges. */
export interface QuotaInput {
  /** Candidates, best first, without the pinned ones: any distinct numbers. */
  readonly order: Int32Array
  /** By candidate number: bit q is set if it belongs to quota q. */
  readonly masks: Int32Array
  /** By place of the result: the candidate pinned there, or −1; `pinned.length` = places in all, every candidate gets one. */
  readonly pinned: Int32Array
  /** At most 31. */
  readonly quotas: readonly Quota[]
}

/** States looked at in one search at most; past it a quota counts as impossible. Lists of fifty with few quotas need hundreds. */
const statesMax = 20_000

/**
 * The order nearest to the given one that keeps every quota: at each place the best candidate with which the rest is still
 * possible, found by depth-first search over kinds of candidates (those in the same quotas are interchangeable), with dead ends
 * remembered. Exact: if any arrangement keeps all quotas, one is found (within `statesMax`). Pinned candidates stay and count.
 * Returns the whole order, or null if it is impossible. Quotas are about places there are: `first` is cut to `pinned.length`.
 */
export function fillQuotas(input: QuotaInput): Int32Array | null {
  const search = new QuotaSearch(input)
  return search.from(0) ? search.result() : null
}

class QuotaSearch {
  readonly #input: QuotaInput
  readonly #firsts: Int32Array
  readonly #window: number
  /** Candidates by kind, best first, as places in `order`; how many of each are taken. */
  readonly #kinds: readonly { readonly mask: number; readonly places: readonly number[] }[]
  readonly #taken: Int32Array
  /** By quota: members so far, pinned ones still to come, free places still to come within its window. */
  readonly #counts: Int32Array
  readonly #chosen: Int32Array
  readonly #dead = new Set<string>()
  #states = 0

  constructor(input: QuotaInput) {
    const { order, masks, pinned, quotas } = input
    this.#input = input
    this.#firsts = Int32Array.from(quotas, ({ first }) => Math.min(first, pinned.length))
    this.#window = this.#firsts.reduce((most, first) => Math.max(most, first), 0)
    const byMask = new Map<number, number[]>()
    for (let place = 0; place < order.length; place++) {
      const mask = masks[order[place]!]!
      const places = byMask.get(mask)
      if (places) places.push(place)
      else byMask.set(mask, [place])
    }
    this.#kinds = Array.from(byMask, ([mask, places]) => ({ mask, places }))
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
      return this.#with(place, this.#input.masks[fixed]!)
    }
    const state = `${place}:${this.#taken.join()}`
    if (this.#dead.has(state) || this.#states++ > statesMax) return false
    for (const kind of this.#kindsByHead()) {
      const { mask, places } = this.#kinds[kind]!
      this.#chosen[place] = this.#input.order[places[this.#taken[kind]!]!]!
      this.#taken[kind]!++
      if (this.#with(place, mask)) return true
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

  /** Goes on with a candidate of these quotas at `place`; takes it back if that leads nowhere. */
  #with(place: number, mask: number): boolean {
    this.#count(place, mask, 1)
    if (this.from(place + 1)) return true
    this.#count(place, mask, -1)
    return false
  }

  #count(place: number, mask: number, by: number): void {
    for (let q = 0; q < this.#counts.length; q++) if (place < this.#firsts[q]! && (mask >>> q) & 1) this.#counts[q]! += by
  }

  /** Kinds with a candidate left, the one with the best first. */
  #kindsByHead(): number[] {
    const head = (kind: number) => this.#kinds[kind]!.places[this.#taken[kind]!]!
    return [...this.#kinds.keys()].filter((kind) => head(kind) !== undefined).sort((a, b) => head(a) - head(b))
  }

  /** Whether each quota by itself can still be kept from `place` on. */
  #isOpen(place: number): boolean {
    const { pinned, masks, quotas } = this.#input
    for (let q = 0; q < quotas.length; q++) {
      let free = 0
      let count = this.#counts[q]!
      for (let ahead = place; ahead < this.#firsts[q]!; ahead++) {
        if (pinned[ahead]! < 0) free++
        else if ((masks[pinned[ahead]!]! >>> q) & 1) count++
      }
      let members = 0
      let others = 0
      for (let kind = 0; kind < this.#kinds.length; kind++) {
        const left = this.#kinds[kind]!.places.length - this.#taken[kind]!
        if ((this.#kinds[kind]!.mask >>> q) & 1) members += left
        else others += left
      }
      const { min, max } = quotas[q]!
      if (count > max || count + Math.min(free, members) < min || count + free - others > max) return false
    }
    return true
  }
}
