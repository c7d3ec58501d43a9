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
 * The same for many entries, where moving all below the place of a new one costs most: a heap with the worst at its root. `sortBest` puts
 * them in order at the end. O(log length).
 */
export function offerBest(
  indices: Int32Array,
  scores: Float64Array | Float32Array,
  filled: number,
  index: number,
  score: number,
): number {
  if (filled === indices.length) {
    if (filled > 0 && isWorse(scores[0]!, indices[0]!, score, index)) siftDown(indices, scores, filled, index, score)
    return filled
  }
  if (Number.isNaN(score)) return filled
  let at = filled
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isWorse(score, index, scores[parent]!, indices[parent]!)) break
    scores[at] = scores[parent]!
    indices[at] = indices[parent]!
    at = parent
  }
  scores[at] = score
  indices[at] = index
  return filled + 1
}

/** Sorts what `offerBest` filled: best first, ties by lower index. */
export function sortBest(indices: Int32Array, scores: Float64Array | Float32Array, filled: number): void {
  for (let last = filled - 1; last > 0; last--) {
    const index = indices[last]!
    const score = scores[last]!
    indices[last] = indices[0]!
    scores[last] = scores[0]!
    siftDown(indices, scores, last, index, score)
  }
}

function isWorse(score: number, index: number, otherScore: number, otherIndex: number): boolean {
  return score < otherScore || (score === otherScore && index > otherIndex)
}

/** Puts an entry in place of the root of a heap of `size` entries. */
function siftDown(indices: Int32Array, scores: Float64Array | Float32Array, size: number, index: number, score: number): void {
  let at = 0
  for (let child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && isWorse(scores[child + 1]!, indices[child + 1]!, scores[child]!, indices[child]!)) child++
    if (!isWorse(scores[child]!, indices[child]!, score, index)) break
    scores[at] = scores[child]!
    indices[at] = indices[child]!
    at = child
  }
  scores[at] = score
  indices[at] = index
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
    filled = offerBest(indices, best, filled, row, scores[row]!)
  }
  sortBest(indices, best, filled)
  return { indices: indices.subarray(0, filled), scores: best.subarray(0, filled) }
}
