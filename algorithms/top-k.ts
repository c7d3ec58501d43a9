import { invariant } from '../core/invariant.ts'

/** The best rows of a score vector, best first. */
export interface TopK {
  /** Rows, best first, ties by lower row. */
  readonly indices: Int32Array
  readonly scores: Float64Array
}

/**
 * Puts (index, score) into arrays sorted by score descending, then index ascending, that hold `filled` entries of
 * `indices.length`; the worst falls out. Returns the new number of entries. NaN never enters. O(length), without allocation.
 */
export function insertBest(
  indices: Int32Array,
  scores: Float64Array | Float32Array,
  filled: number,
  index: number,
  score: number,
): number {
  const capacity = indices.length
  if (filled === capacity) {
    if (capacity === 0) return 0
    const worst = scores[capacity - 1]!
    if (!(score > worst || (score === worst && index < indices[capacity - 1]!))) return filled
  } else if (Number.isNaN(score)) return filled
  let at = filled < capacity ? filled : capacity - 1
  while (at > 0) {
    const above = scores[at - 1]!
    if (above > score || (above === score && indices[at - 1]! < index)) break
    scores[at] = above
    indices[at] = indices[at - 1]!
    at--
  }
  scores[at] = score
  indices[at] = index
  return filled < capacity ? filled + 1 : filled
}

/**
 * The `k` largest of `scores` (any length), ties by lower index; NaN is skipped, and so is every row with a non-zero byte in
 * `skip` (same length as `scores`). Fewer than k if there are no more.
 */
export function topK(scores: Float64Array | Float32Array, k: number, skip?: Uint8Array): TopK {
  invariant(k >= 0, 'topK: k must not be negative')
  const size = Math.min(k, scores.length)
  const indices = new Int32Array(size)
  const best = new Float64Array(size)
  let filled = 0
  for (let row = 0; row < scores.length; row++) {
    if (skip !== undefined && skip[row] !== 0) continue
    filled = insertBest(indices, best, filled, row, scores[row]!)
  }
  return { indices: indices.subarray(0, filled), scores: best.subarray(0, filled) }
}
