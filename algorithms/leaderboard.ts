import { invariant } from '../core/invariant.ts'
import { insertBest } from './top-k.ts'

/**
 * The leading items of scores that only rise, always in order: a score that rises moves its item up, and one outside the board
 * enters it as soon as it passes the last. Because nobody ever falls by itself, the board is exact. Scores that all decay alike
 * keep their order, so decayed counts fit too (forward decay: weigh an event by e^(t/τ) instead of all others by less).
 */
export class Leaderboard {
  readonly #scores: Float64Array
  /** Place of each item on the board, -1 outside. */
  readonly #places: Int32Array
  readonly #board: Int32Array
  #size = 0
  /** Items with a score. */
  #known = 0

  /** Item ids are whole numbers in [0, itemsMax). `placesMax`: length of the board. */
  constructor(itemsMax: number, placesMax = 512) {
    invariant(itemsMax > 0 && placesMax > 0, 'leaderboard: itemsMax and placesMax must be at least 1')
    this.#scores = new Float64Array(itemsMax)
    this.#places = new Int32Array(itemsMax).fill(-1)
    this.#board = new Int32Array(Math.min(itemsMax, placesMax))
  }

  /** The score of an item, 0 for one nobody has added to. */
  score(item: number): number {
    return this.#scores[item]!
  }

  /** Raises an item's score by `amount` > 0. */
  add(item: number, amount: number): void {
    if (this.#scores[item] === 0) this.#known++
    this.#scores[item]! += amount
    let at = this.#places[item]!
    if (at < 0) {
      if (this.#size < this.#board.length) at = this.#size++
      else if (this.#precedes(item, this.#board[this.#size - 1]!)) {
        at = this.#size - 1
        this.#places[this.#board[at]!] = -1
      } else return
    }
    while (at > 0 && this.#precedes(item, this.#board[at - 1]!)) {
      const above = this.#board[at - 1]!
      this.#board[at] = above
      this.#places[above] = at
      at--
    }
    this.#board[at] = item
    this.#places[item] = at
  }

  /** Multiplies every score: order stays. `factor` > 0, and no score may reach 0 by it that anybody still asks for. */
  scale(factor: number): void {
    for (let item = 0; item < this.#scores.length; item++) this.#scores[item]! *= factor
  }

  /**
   * Writes the best `n` items with a score into `items` and `scores`, best first, ties by lower item, leaving out those with a
   * non-zero byte in `excluded`; returns how many. All items are looked at only where the board is too short for that.
   */
  top(n: number, excluded: Uint8Array | null, items: Int32Array, scores: Float64Array): number {
    let filled = 0
    for (let at = 0; at < this.#size && filled < n; at++) {
      const item = this.#board[at]!
      if (excluded !== null && excluded[item] !== 0) continue
      items[filled] = item
      scores[filled++] = this.#scores[item]!
    }
    if (filled === n || this.#size === this.#known) return filled
    const room = items.subarray(0, n)
    filled = 0
    for (let item = 0; item < this.#scores.length; item++) {
      if (this.#scores[item] === 0 || (excluded !== null && excluded[item] !== 0)) continue
      filled = insertBest(room, scores, filled, item, this.#scores[item]!)
    }
    return filled
  }

  #precedes(a: number, b: number): boolean {
    const difference = this.#scores[a]! - this.#scores[b]!
    return difference > 0 || (difference === 0 && a < b)
  }
}
