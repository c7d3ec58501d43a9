import { MillraceError } from '../core/errors.ts'
import { choleskyInverse } from './cholesky.ts'
import type { SparseRows } from './sparse-rows.ts'
import { transposedRows } from './sparse-rows.ts'

/** Largest catalogue by default: two square matrices of 8,000 need 1 GB and about three minutes of one core. */
const itemsMaxDefault = 8000

/** Settings of `easeWeights`. */
export interface EaseOptions {
  /** λ > 0; 100 to 1,000 suit most data. */
  readonly regularisation: number
  /** Items accepted at most; memory grows with the square and time with the cube. Default 8,000. */
  readonly itemsMax?: number
}

/**
 * EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019): the item-by-item weights that best rebuild
 * each user's row from its other items. P = (XᵀX + λI)⁻¹, B_ij = −P_ij / P_jj, diagonal 0; row-major, items × items; a user
 * scores X·B (`easeScores`). `users` holds users × items. Throws `MILL_REQUEST_INVALID` for more than `itemsMax` items.
 */
export function easeWeights(users: SparseRows, options: EaseOptions): Float64Array {
  const { regularisation, itemsMax = itemsMaxDefault } = options
  const size = users.columnCount
  if (size > itemsMax)
    throw new MillraceError(
      'MILL_REQUEST_INVALID',
      `EASE over ${size} items needs ${Math.ceil((16 * size * size) / 2 ** 30)} GB and is limited to ${itemsMax}: keep the most popular items, use item-knn, or raise itemsMax`,
    )
  const weights = gramOf(users)
  for (let item = 0; item < size; item++) weights[item * size + item]! += regularisation
  choleskyInverse(weights, size)
  const scale = new Float64Array(size)
  for (let item = 0; item < size; item++) scale[item] = -1 / weights[item * size + item]!
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) weights[i * size + j]! *= scale[j]!
  for (let item = 0; item < size; item++) weights[item * size + item] = 0
  return weights
}

/**
 * Writes Σ of the rows of `weights` for the items of `history` (numbers, without repeats) into `scores`, one for each item; with
 * `strengths` each row counts that much (the paper has 1 for all).
 */
export function easeScores(
  weights: Float64Array,
  history: ArrayLike<number>,
  scores: Float64Array,
  strengths?: ArrayLike<number>,
): void {
  const size = scores.length
  scores.fill(0)
  for (let n = 0; n < history.length; n++) {
    const row = history[n]! * size
    const strength = strengths === undefined ? 1 : strengths[n]!
    for (let item = 0; item < size; item++) scores[item]! += strength * weights[row + item]!
  }
}

/** XᵀX, dense and whole. */
function gramOf(users: SparseRows): Float64Array {
  const size = users.columnCount
  const gram = new Float64Array(size * size)
  const items = transposedRows(users)
  for (let item = 0; item < size; item++)
    for (let at = items.starts[item]!; at < items.starts[item + 1]!; at++) {
      const user = items.columns[at]!
      const value = items.values[at]!
      for (let other = users.starts[user]!; other < users.starts[user + 1]!; other++)
        gram[item * size + users.columns[other]!]! += value * users.values[other]!
    }
  return gram
}
