import { invariant } from '../core/invariant.ts'
import { type FtrlOptions, FtrlProximal } from './ftrl-proximal.ts'

/**
 * Ranks candidates by a linear score and learns from each choice as it is made: the chance of candidate c among those that stood
 * to choose is e^(w·x_c) / Σ e^(w·x) (conditional logit, McFadden 1974), its gradient is taken by FTRL-Proximal. What is the same for
 * all candidates of a question has no influence, so only columns that differ between candidates are worth having.
 */
export class ChoiceRanker {
  readonly #width: number
  readonly #model: FtrlProximal
  readonly #gradient: Float64Array
  #chances = new Float64Array(0)

  /** `width`: columns of a row, each best within [−1, 1]. */
  constructor(width: number, options: FtrlOptions = {}) {
    this.#width = width
    this.#model = new FtrlProximal(width, options)
    this.#gradient = new Float64Array(width)
  }

  /** One weight per column; read only. */
  get weights(): Float64Array {
    return this.#model.weights
  }

  /** Writes w·x of the first `count` rows of `rows` (count × width numbers) into `scores`; larger is better. */
  scores(rows: Float32Array, count: number, scores: Float64Array): void {
    const { weights } = this.#model
    for (let row = 0, at = 0; row < count; row++) {
      let score = 0
      for (let column = 0; column < this.#width; column++, at++) score += weights[column]! * rows[at]!
      scores[row] = score
    }
  }

  /** Learns which of `count` rows were chosen (1 in `chosen`), each equally; changes nothing if none was. */
  learn(rows: Float32Array, count: number, chosen: Uint8Array): void {
    invariant(
      rows.length >= count * this.#width && chosen.length >= count,
      'choice ranker: rows and chosen must hold `count` rows',
    )
    let taken = 0
    for (let row = 0; row < count; row++) taken += chosen[row]!
    if (taken === 0) return
    const chances = this.#chancesOf(rows, count)
    this.#gradient.fill(0)
    for (let row = 0, at = 0; row < count; row++) {
      const excess = chances[row]! - chosen[row]! / taken
      for (let column = 0; column < this.#width; column++, at++) this.#gradient[column]! += excess * rows[at]!
    }
    this.#model.step(this.#gradient)
  }

  #chancesOf(rows: Float32Array, count: number): Float64Array {
    if (this.#chances.length < count) this.#chances = new Float64Array(2 * count)
    const chances = this.#chances
    this.scores(rows, count, chances)
    let largest = Number.NEGATIVE_INFINITY
    for (let row = 0; row < count; row++) largest = Math.max(largest, chances[row]!)
    let sum = 0
    for (let row = 0; row < count; row++) {
      chances[row] = Math.exp(chances[row]! - largest)
      sum += chances[row]!
    }
    for (let row = 0; row < count; row++) chances[row]! /= sum
    return chances
  }
}
