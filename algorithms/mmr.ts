import { invariant } from '../core/invariant.ts'

/** Inputs of `mmr`. */
export interface MmrOptions {
  /** Weight of relevance, 0–1; the rest goes to difference. Default .7. */
  readonly lambda?: number
  /** Rows wanted. */
  readonly count: number
  /**
   * Brings relevance to the scale of similarity: (r − min) / (max − min), all 1 when equal. Default true: unlike scales make
   * one of the two terms meaningless. Turn off when `relevance` already lies in [0, 1].
   */
  readonly scaled?: boolean
}

/**
 * Writes into `out` how alike each of `rows[0 … count)` and `chosen` are: one call per chosen row, for a call per pair costs more
 * than most similarities.
 */
export type SimilarityTo = (chosen: number, rows: Int32Array, count: number, out: Float64Array) => void

/**
 * Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): takes rows one by one, each time the one with the largest
 * λ · relevance − (1 − λ) · (largest similarity to a row already taken; 0 for the first). Ties go to the lower row, so any
 * input order gives the same list for distinct scores. Returns rows in order, at most as many as there are. O(count · n).
 */
export function mmr(relevance: Float64Array | Float32Array, similarityTo: SimilarityTo, options: MmrOptions): Int32Array {
  const { lambda = 0.7, count, scaled = true } = options
  invariant(lambda >= 0 && lambda <= 1, 'mmr: lambda must lie in [0, 1]')
  const size = relevance.length
  const wanted = Math.max(0, Math.min(count, size))
  // Columns of the rows that are left, ascending, so that a tie goes to the lower one.
  const gain = scaled ? minMaxScaled(relevance) : Float64Array.from(relevance)
  for (let i = 0; i < size; i++) gain[i]! *= lambda
  const rows = new Int32Array(size)
  for (let i = 0; i < size; i++) rows[i] = i
  const nearest = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
  const likeness = new Float64Array(size)
  const chosen = new Int32Array(wanted)
  let bestAt = 0
  for (let at = 1; at < size; at++) if (gain[at]! > gain[bestAt]!) bestAt = at
  for (let n = 0; n < wanted; n++) {
    const best = rows[bestAt]!
    chosen[n] = best
    const left = size - n - 1
    for (const column of [rows, gain, nearest]) column.copyWithin(bestAt, bestAt + 1, left + 1)
    similarityTo(best, rows, left, likeness)
    bestAt = 0
    let bestValue = Number.NEGATIVE_INFINITY
    for (let at = 0; at < left; at++) {
      if (likeness[at]! > nearest[at]!) nearest[at] = likeness[at]!
      const value = gain[at]! - (1 - lambda) * nearest[at]!
      if (value <= bestValue) continue
      bestAt = at
      bestValue = value
    }
  }
  return chosen
}

/** (v − min) / (max − min) of every value; all 1 where they are equal, and 0 where a value is not finite. */
export function minMaxScaled(values: Float64Array | Float32Array): Float64Array {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  const scaled = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    scaled[i] = Number.isFinite(value) ? (high > low ? (value - low) / (high - low) : 1) : 0
  }
  return scaled
}

/** Jaccard similarity of two ascending id lists: shared / united. A side without ids: .5, neither alike nor unlike (F8.2). */
export function sortedJaccard(a: Int32Array, b: Int32Array): number {
  if (a.length === 0 || b.length === 0) return 0.5
  let shared = 0
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const difference = a[i]! - b[j]!
    if (difference === 0) shared++
    if (difference <= 0) i++
    if (difference >= 0) j++
  }
  return shared / (a.length + b.length - shared)
}
