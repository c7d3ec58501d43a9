import { invariant } from '../core/invariant.ts'
import { dot } from './cosine.ts'
import { insertBest, type TopK } from './top-k.ts'

/**
 * Exact dense retrieval: the `k` rows of `matrix` (rows × width, row-major) with the largest inner product with `query`
 * (width numbers), ties by lower row. Rows with a non-zero byte in `skip` do not take part, nor do rows at or beyond `rows`
 * (default: all). With rows and query of length 1 this is cosine. O(rows · width); about 30 ms for 200,000 × 128.
 */
export function dotTopK(
  matrix: Float32Array,
  query: Float32Array,
  k: number,
  options: { readonly skip?: Uint8Array; readonly rows?: number } = {},
): TopK {
  const width = query.length
  invariant(width > 0 && matrix.length % width === 0, 'dotTopK: the matrix must be whole rows of the query’s width')
  const rows = Math.min(options.rows ?? Number.POSITIVE_INFINITY, matrix.length / width)
  const skip = options.skip
  invariant(skip === undefined || skip.length >= rows, 'dotTopK: skip must have a byte for every row')
  const size = Math.max(0, Math.min(k, rows))
  const indices = new Int32Array(size)
  const scores = new Float64Array(size)
  let filled = 0
  for (let row = 0; row < rows; row++) {
    if (skip !== undefined && skip[row] !== 0) continue
    filled = insertBest(indices, scores, filled, row, dot(query, matrix, width, 0, row * width))
  }
  return { indices: indices.subarray(0, filled), scores: scores.subarray(0, filled) }
}
