import { invariant } from '../core/invariant.ts'
import { insertBest } from './top-k.ts'

/**
 * Weights of rules "antecedent → consequent" that only grow, bounded per antecedent: when an antecedent has `consequentsMax`, a
 * newcomer takes the place of the lightest (of equals: of the largest id) and starts with its own weight alone. Below that bound
 * it is exact.
 */
export class RuleCounts {
  readonly #items: (Int32Array | undefined)[]
  readonly #weights: (Float64Array | undefined)[]
  readonly #sizes: Int32Array
  readonly #consequentsMax: number

  /** Item ids are whole numbers in [0, itemsMax). */
  constructor(itemsMax: number, consequentsMax = 400) {
    invariant(itemsMax > 0 && consequentsMax > 0, 'rule counts: itemsMax and consequentsMax must be at least 1')
    this.#items = new Array<Int32Array | undefined>(itemsMax)
    this.#weights = new Array<Float64Array | undefined>(itemsMax)
    this.#sizes = new Int32Array(itemsMax)
    this.#consequentsMax = consequentsMax
  }

  /** Makes a rule heavier by `weight` > 0. */
  add(antecedent: number, consequent: number, weight: number): void {
    const size = this.#sizes[antecedent]!
    const items = this.#items[antecedent]
    if (items !== undefined) {
      const at = items.indexOf(consequent)
      if (at >= 0 && at < size) {
        this.#weights[antecedent]![at]! += weight
        return
      }
    }
    const at = size < this.#consequentsMax ? this.#append(antecedent) : this.#lightest(antecedent)
    this.#items[antecedent]![at] = consequent
    this.#weights[antecedent]![at] = weight
  }

  /** The weight of a rule, 0 if there is none. */
  weight(antecedent: number, consequent: number): number {
    const at = this.#items[antecedent]?.indexOf(consequent) ?? -1
    return at < 0 || at >= this.#sizes[antecedent]! ? 0 : this.#weights[antecedent]![at]!
  }

  /**
   * Writes the heaviest consequents of `antecedent` into `items` and `scores` (as many as fit into `items`), heaviest first, ties
   * by lower item, leaving out those with a non-zero byte in `excluded`; returns how many.
   */
  top(antecedent: number, excluded: Uint8Array | null, items: Int32Array, scores: Float64Array): number {
    const known = this.#items[antecedent]
    if (known === undefined) return 0
    const weights = this.#weights[antecedent]!
    let filled = 0
    for (let n = 0; n < this.#sizes[antecedent]!; n++) {
      if (excluded !== null && excluded[known[n]!] !== 0) continue
      filled = insertBest(items, scores, filled, known[n]!, weights[n]!)
    }
    return filled
  }

  #append(antecedent: number): number {
    const size = this.#sizes[antecedent]!
    const items = this.#items[antecedent]
    if (items === undefined || size === items.length) {
      const room = Math.min(this.#consequentsMax, Math.max(4, size * 2))
      // -1 is no item: what lies beyond the size is never found.
      const wider = new Int32Array(room).fill(-1)
      const weights = new Float64Array(room)
      if (items !== undefined) {
        wider.set(items)
        weights.set(this.#weights[antecedent]!)
      }
      this.#items[antecedent] = wider
      this.#weights[antecedent] = weights
    }
    this.#sizes[antecedent]!++
    return size
  }

  #lightest(antecedent: number): number {
    const items = this.#items[antecedent]!
    const weights = this.#weights[antecedent]!
    let worst = 0
    for (let n = 1; n < this.#consequentsMax; n++) {
      if (weights[n]! < weights[worst]! || (weights[n] === weights[worst] && items[n]! > items[worst]!)) worst = n
    }
    return worst
  }
}
