import { invariant } from '../core/invariant.ts'

/** What `dpp` took, in order. */
export interface DppSelection {
  readonly rows: Int32Array
  /** d² of each row when it was taken: the factor by which det(L of the chosen) grew. */
  readonly gains: Float64Array
}

/** A gain below this means: nothing new is left, L has no more rank. */
const gainMin = 1e-10

/**
 * Greedy MAP of a determinantal point process with kernel L = diag(q) · S · diag(q), by the incremental Cholesky of Chen,
 * Zhang, Zhou (NeurIPS 2018): O(count² · n), and only the chosen rows of S are asked for. Stops by itself when the gain falls
 * below 1e-10; the caller fills up by score. Ties go to the lower row.
 *
 * @param quality q of each row, ≥ 0: see `dppQuality` for one made from relevance.
 * @param similarity S(a, b): symmetric, positive semi-definite, S(a, a) asked too (1 for cosine).
 */
export function dpp(quality: Float64Array, similarity: (a: number, b: number) => number, count: number): DppSelection {
  const size = quality.length
  const wanted = Math.max(0, Math.min(count, size))
  const rows = new Int32Array(wanted)
  const gains = new Float64Array(wanted)
  const columns = new Float64Array(wanted * size)
  const gain = Float64Array.from(quality, (q, i) => q * q * similarity(i, i))
  for (let n = 0; n < wanted; n++) {
    const best = largest(gain)
    const root = Math.sqrt(gain[best]!)
    if (!(gain[best]! >= gainMin)) return { rows: rows.subarray(0, n), gains: gains.subarray(0, n) }
    rows[n] = best
    gains[n] = gain[best]!
    gain[best] = Number.NEGATIVE_INFINITY
    for (let i = 0; i < size; i++) {
      if (gain[i] === Number.NEGATIVE_INFINITY) continue
      let inner = 0
      for (let c = 0; c < n; c++) inner += columns[c * size + best]! * columns[c * size + i]!
      const entry = (quality[best]! * similarity(best, i) * quality[i]! - inner) / root
      columns[n * size + i] = entry
      gain[i]! -= entry * entry
    }
  }
  return { rows, gains }
}

/**
 * q = e^(α · relevance) with α = θ / (2 (1 − θ)): θ → 1 is relevance alone, θ = 0 diversity alone. `relevance` should be of
 * order 1 (scaled), θ in [0, 1).
 */
export function dppQuality(relevance: Float64Array | Float32Array, theta = 0.7): Float64Array {
  invariant(theta >= 0 && theta < 1, 'dpp: theta must lie in [0, 1)')
  const alpha = theta / (2 * (1 - theta))
  return Float64Array.from(relevance, (r) => Math.exp(alpha * r))
}

function largest(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
