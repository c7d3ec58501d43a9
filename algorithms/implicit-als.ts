import { createRandom } from '../core/random.ts'
import { choleskyFactor, choleskySolve } from './cholesky.ts'
import { sampleNormal } from './sample.ts'
import { type SparseRows, transposedRows } from './sparse-rows.ts'

/** Settings of `ImplicitAls`. */
export interface ImplicitAlsOptions {
  /** Length of a vector. Default 50. */
  readonly factors?: number
  /** λ > 0 on every number of every vector. Default 0.1. */
  readonly regularisation?: number
  /** Confidence of an observed cell is 1 + alpha · strength. Default 40. */
  readonly alpha?: number
  /** The same seed and rows give the same vectors. Default 1. */
  readonly seed?: string | number
}

/**
 * Matrix factorisation of implicit feedback by alternating least squares (Hu, Koren & Volinsky, "Collaborative Filtering for
 * Implicit Feedback Datasets", ICDM 2008): minimises Σ c_ui (p_ui − x_u·y_i)² + λ(Σ|x|² + Σ|y|²) over all cells, p = 1 where a
 * user touched an item, c = 1 + α·strength. One row is one Cholesky solve of `factors` unknowns, so a round costs
 * cells · factors² + rows · factors³. A new user is folded in by one such solve, without training.
 */
export class ImplicitAls {
  readonly factors: number
  readonly #regularisation: number
  readonly #alpha: number
  readonly #users: SparseRows
  readonly #items: SparseRows
  /** Users × factors. */
  readonly userVectors: Float64Array
  /** Items × factors. */
  readonly itemVectors: Float64Array
  /** YᵀY of the item vectors now, for folding in; null when they moved. */
  #itemGram: Float64Array | null = null
  readonly #system: Float64Array

  /** `users`: users × items, values are strengths > 0. */
  constructor(users: SparseRows, options: ImplicitAlsOptions = {}) {
    const { factors = 50, regularisation = 0.1, alpha = 40, seed = 1 } = options
    this.factors = factors
    this.#regularisation = regularisation
    this.#alpha = alpha
    this.#users = users
    this.#items = transposedRows(users)
    this.userVectors = new Float64Array(users.rowCount * factors)
    this.itemVectors = new Float64Array(users.columnCount * factors)
    this.#system = new Float64Array(factors * factors)
    const random = createRandom(seed)
    const spread = 1 / Math.sqrt(factors)
    for (let n = 0; n < this.itemVectors.length; n++) this.itemVectors[n] = spread * sampleNormal(random)
  }

  /** One round: every user vector, then every item vector, each the exact best given the others. */
  round(): void {
    this.#solveRows(this.#users, this.itemVectors, this.userVectors)
    this.#solveRows(this.#items, this.userVectors, this.itemVectors)
    this.#itemGram = null
  }

  /** The minimised sum over all users × items cells, for watching training; falls (never rises) with each round. */
  loss(): number {
    const { factors } = this
    const itemGram = gramOf(this.itemVectors, factors)
    const userGram = gramOf(this.userVectors, factors)
    let loss = 0
    // Σ over all cells of (x·y)² is the inner product of both Gram matrices; observed cells are then put right.
    for (let n = 0; n < itemGram.length; n++) loss += itemGram[n]! * userGram[n]!
    for (let user = 0; user < this.#users.rowCount; user++)
      for (let at = this.#users.starts[user]!; at < this.#users.starts[user + 1]!; at++) {
        const guess = inner(this.userVectors, user, this.itemVectors, this.#users.columns[at]!, factors)
        loss += (1 + this.#alpha * this.#users.values[at]!) * (1 - guess) ** 2 - guess ** 2
      }
    for (let f = 0; f < factors; f++) loss += this.#regularisation * (itemGram[f * factors + f]! + userGram[f * factors + f]!)
    return loss
  }

  /** The vector of somebody who touched `items` with `strengths` (default 1 each): what training would give to the row. */
  foldIn(items: ArrayLike<number>, strengths?: ArrayLike<number>): Float64Array {
    this.#itemGram ??= gramOf(this.itemVectors, this.factors)
    const vector = new Float64Array(this.factors)
    this.#solve(this.#itemGram, this.itemVectors, items, strengths, vector)
    return vector
  }

  /** Writes vector · item for every item into `scores`. */
  scores(vector: ArrayLike<number>, scores: Float64Array): void {
    const { factors } = this
    for (let item = 0; item < scores.length; item++) {
      let sum = 0
      for (let f = 0; f < factors; f++) sum += vector[f]! * this.itemVectors[item * factors + f]!
      scores[item] = sum
    }
  }

  #solveRows(rows: SparseRows, fixed: Float64Array, solved: Float64Array): void {
    const gram = gramOf(fixed, this.factors)
    for (let row = 0; row < rows.rowCount; row++) {
      const [from, to] = [rows.starts[row]!, rows.starts[row + 1]!]
      const vector = solved.subarray(row * this.factors, (row + 1) * this.factors)
      this.#solve(gram, fixed, rows.columns.subarray(from, to), rows.values.subarray(from, to), vector)
    }
  }

  /** (YᵀY + Σ α·s·yyᵀ + λI) x = Σ (1 + α·s) y, into `vector`. */
  #solve(
    gram: Float64Array,
    fixed: Float64Array,
    columns: ArrayLike<number>,
    strengths: ArrayLike<number> | undefined,
    vector: Float64Array,
  ): void {
    const { factors } = this
    const system = this.#system
    system.set(gram)
    vector.fill(0)
    for (let f = 0; f < factors; f++) system[f * factors + f]! += this.#regularisation
    for (let n = 0; n < columns.length; n += 2) {
      // Two items at once: the system is read and written half as often. The last of an odd number goes with one of weight 0.
      const row = columns[n]! * factors
      const paired = n + 1 < columns.length
      const other = paired ? columns[n + 1]! * factors : row
      const extra = this.#alpha * (strengths === undefined ? 1 : strengths[n]!)
      const otherExtra = paired ? this.#alpha * (strengths === undefined ? 1 : strengths[n + 1]!) : 0
      for (let a = 0; a < factors; a++) {
        const y = fixed[row + a]!
        const z = fixed[other + a]!
        const scaled = extra * y
        const otherScaled = otherExtra * z
        vector[a]! += scaled + y + otherScaled + (paired ? z : 0)
        for (let b = 0, at = a * factors; b <= a; b++, at++)
          system[at]! += scaled * fixed[row + b]! + otherScaled * fixed[other + b]!
      }
    }
    choleskyFactor(system, factors)
    choleskySolve(system, factors, vector)
  }
}

function gramOf(vectors: Float64Array, factors: number): Float64Array {
  const gram = new Float64Array(factors * factors)
  for (let row = 0; row < vectors.length; row += factors)
    for (let a = 0; a < factors; a++)
      for (let b = 0; b < factors; b++) gram[a * factors + b]! += vectors[row + a]! * vectors[row + b]!
  return gram
}

function inner(a: Float64Array, aRow: number, b: Float64Array, bRow: number, factors: number): number {
  let sum = 0
  for (let f = 0; f < factors; f++) sum += a[aRow * factors + f]! * b[bRow * factors + f]!
  return sum
}
