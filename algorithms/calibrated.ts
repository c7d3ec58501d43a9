import { invariant } from '../core/invariant.ts'

/**
 * Calibrated re-ranking (Steck, RecSys 2018): takes rows one by one, each time the one with the largest
 * (1 − λ) · Σ score − λ · KL(p ‖ q̃) of the list so far, q̃ = (1 − α) q + α p, so that a list mirrors the shares of categories in
 * the person's history: 30 % romance stay 30 % and do not become 0. Greedy is within 1 − 1/e of the best list, the objective being
 * submodular. Ties go to the lower row. O(count · n · categories).
 *
 * @param scores of each row, on a scale of order 1: λ weighs them against nats.
 * @param shares `rows × history.length`, row-major: how each row divides over categories, each row summing to 1.
 * @param history p: the shares of categories in what the person touched, summing to 1.
 * @param options `count` rows wanted; `lambda` 0–1 (.5); `alpha` in (0, 1), keeps KL finite (.01).
 */
export function calibrated(
  scores: Float64Array | Float32Array,
  shares: Float64Array,
  history: Float64Array,
  options: { readonly count: number; readonly lambda?: number; readonly alpha?: number },
): Int32Array {
  const { lambda = 0.5, alpha = 0.01 } = options
  const size = scores.length
  const width = history.length
  invariant(lambda >= 0 && lambda <= 1, 'calibrated: lambda must lie in [0, 1]')
  invariant(alpha > 0 && alpha < 1, 'calibrated: alpha must lie in (0, 1)')
  invariant(shares.length === size * width, 'calibrated: shares must have one row of categories per row')
  const sums = new Float64Array(width)
  const isTaken = new Uint8Array(size)
  const chosen = new Int32Array(Math.max(0, Math.min(options.count, size)))
  const divergenceWith = (row: number, count: number): number => {
    let cross = 0
    for (let c = 0; c < width; c++) {
      const p = history[c]!
      if (p > 0) cross += p * Math.log(p / (((1 - alpha) * (sums[c]! + shares[row * width + c]!)) / count + alpha * p))
    }
    return cross
  }
  for (let n = 0; n < chosen.length; n++) {
    let best = -1
    let bestValue = Number.NEGATIVE_INFINITY
    for (let i = 0; i < size; i++) {
      if (isTaken[i] === 1) continue
      // The scores taken before are the same for all, and are left out.
      const value = (1 - lambda) * scores[i]! - lambda * divergenceWith(i, n + 1)
      if (best >= 0 && !(value > bestValue)) continue
      best = i
      bestValue = value
    }
    chosen[n] = best
    isTaken[best] = 1
    for (let c = 0; c < width; c++) sums[c]! += shares[best * width + c]!
  }
  return chosen
}
