import { type ShrunkLiftOptions, shrunkLift } from './shrunk-lift.ts'
import { SparseCounts } from './sparse-counts.ts'
import { insertBest, type TopK } from './top-k.ts'

/** Settings of `Complements`. */
export interface ComplementsOptions extends ShrunkLiftOptions {
  /** Items of one basket that are counted, the first ones. Default 100. */
  readonly basketMax?: number
  /** Companions counted for one item at most. Default 4,096. */
  readonly companionsMax?: number
}

/**
 * What is bought together (features.md F3.17): `shrunkLift` over baskets, chance being n_i · n_j / n. Items of the same group as i (its leaf category) are substitutes and left out. Each basket
 * is counted as it comes; `after` keeps direction for what is bought later.
 */
export class Complements {
  readonly #supports = new Map<number, number>()
  readonly #pairs = new Map<number, SparseCounts>()
  readonly #options: ComplementsOptions
  readonly #basketMax: number
  readonly #companionsMax: number
  #baskets = 0

  constructor(options: ComplementsOptions = {}) {
    this.#options = options
    this.#basketMax = options.basketMax ?? 100
    this.#companionsMax = options.companionsMax ?? 4096
  }

  /** Baskets counted. */
  get basketCount(): number {
    return this.#baskets
  }

  /** Counts one basket (repeats once): every item goes with every other. `after` holds items bought later by the same person. */
  observe(basket: Iterable<number>, after: Iterable<number> = []): void {
    const items = [...new Set(basket)].slice(0, this.#basketMax)
    const later = [...new Set(after)].filter((item) => !items.includes(item)).slice(0, this.#basketMax)
    this.#baskets++
    for (const item of items) {
      this.#supports.set(item, (this.#supports.get(item) ?? 0) + 1)
      let pairs = this.#pairs.get(item)
      if (pairs === undefined) {
        pairs = new SparseCounts({ entriesMax: this.#companionsMax })
        this.#pairs.set(item, pairs)
      }
      for (const other of items) if (other !== item) pairs.add(other, 1)
      for (const other of later) pairs.add(other, 1)
    }
  }

  /** Shrunk lift of `other` after `item`; 1 = as by chance, 0 below `togetherMin` pairs or for an unknown item. */
  lift(item: number, other: number): number {
    return this.#lift(item, other, this.#pairs.get(item)?.get(other) ?? 0)
  }

  /** The `count` complements of `item` with the largest lift above 1, ties by lower item; `groupOf` names an item's substitutes. */
  of(item: number, count: number, groupOf?: (item: number) => number): TopK {
    const indices = new Int32Array(count)
    const scores = new Float64Array(count)
    let filled = 0
    const group = groupOf?.(item)
    this.#pairs.get(item)?.forEach((other, together) => {
      if (groupOf !== undefined && groupOf(other) === group) return
      const lift = this.#lift(item, other, together)
      if (lift > 1) filled = insertBest(indices, scores, filled, other, lift)
    })
    return { indices: indices.subarray(0, filled), scores: scores.subarray(0, filled) }
  }

  #lift(item: number, other: number, together: number): number {
    const expected = ((this.#supports.get(item) ?? 0) * (this.#supports.get(other) ?? 0)) / this.#baskets
    return shrunkLift(together, expected, this.#options)
  }
}
