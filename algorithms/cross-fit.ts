import { invariant } from '../core/invariant.ts'

/** Rows of a log by the cell whose mean reward predicts them. */
export interface CellRows {
  /** Of each row: its cell, 0 ≤ cell < `cells`. */
  readonly cell: Int32Array
  readonly cells: number
  readonly rewards: Float64Array
  /** Of each row: its fold, 0 ≤ fold < `folds`. Rows that must not learn from each other (one person) share one. */
  readonly fold: Int32Array
  readonly folds: number
}

/**
 * A reward model that never saw the row it predicts (cross-fitting, Chernozhukov et al. 2018): the mean reward of each cell in the other
 * folds, shrunk towards the mean of all with `pseudo` rows. folds × cells, row-major; row n is predicted by its own fold's row.
 */
export function crossFit({ cell, cells, rewards, fold, folds }: CellRows, pseudo = 10): Float64Array {
  invariant(folds >= 2, 'cross-fitting needs at least two folds')
  const sums = new Float64Array(folds * cells)
  const counts = new Float64Array(folds * cells)
  for (let n = 0; n < rewards.length; n++) {
    sums[fold[n]! * cells + cell[n]!]! += rewards[n]!
    counts[fold[n]! * cells + cell[n]!]! += 1
  }
  const total = (of: Float64Array, at: number): number => {
    let sum = 0
    for (let other = 0; other < folds; other++) sum += of[other * cells + at]!
    return sum
  }
  const model = new Float64Array(folds * cells)
  const cellSums = Float64Array.from({ length: cells }, (_, at) => total(sums, at))
  const cellCounts = Float64Array.from({ length: cells }, (_, at) => total(counts, at))
  for (let held = 0; held < folds; held++) {
    let sum = 0
    let count = 0
    for (let at = 0; at < cells; at++) {
      sum += cellSums[at]! - sums[held * cells + at]!
      count += cellCounts[at]! - counts[held * cells + at]!
    }
    const mean = count > 0 ? sum / count : 0
    for (let at = 0; at < cells; at++)
      model[held * cells + at] =
        (cellSums[at]! - sums[held * cells + at]! + pseudo * mean) / (cellCounts[at]! - counts[held * cells + at]! + pseudo)
  }
  return model
}
