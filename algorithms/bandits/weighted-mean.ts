import { onGrid } from './learn-exactly.ts'

/** Layout of an arm's propensity-weighted outcomes, w = 1 / propensity: Σw, Σwr, Σw², Σw²r, Σw²r². They merge by addition. */
export const weightedWidth = 5

/** Adds an outcome of an arm, in place, or takes it back; `propensity` in (0, 1]. Exact in any order. */
export function observeWeighted(sums: Float64Array, reward: number, propensity: number, sign: 1 | -1 = 1): void {
  const weight = 1 / propensity
  const squared = weight * weight
  sums[0]! += sign * onGrid(weight)
  sums[1]! += sign * onGrid(weight * reward)
  sums[2]! += sign * onGrid(squared)
  sums[3]! += sign * onGrid(squared * reward)
  sums[4]! += sign * onGrid(squared * reward * reward)
}

/** What an arm would bring if everybody were shown it. */
export interface WeightedMean {
  /** Σwr / Σw: self-normalised, so it does not depend on how often the arm was drawn; NaN without outcomes. */
  readonly mean: number
  /** Ends of the 95 % interval by the delta method, Σw²(r − mean)² / (Σw)². */
  readonly lower: number
  readonly upper: number
  /** (Σw)² / Σw²: as many evenly drawn decisions it is worth. */
  readonly effectiveSize: number
}

const z = 1.959963984540054

/** The estimate that the sums of `observeWeighted` carry (Swaminathan & Joachims, NIPS 2015). */
export function weightedMean(sums: ArrayLike<number>): WeightedMean {
  const [w, wr, ww, wwr, wwrr] = [sums[0] ?? 0, sums[1] ?? 0, sums[2] ?? 0, sums[3] ?? 0, sums[4] ?? 0]
  const mean = w > 0 ? wr / w : Number.NaN
  const variance = w > 0 ? Math.max(0, wwrr - 2 * mean * wwr + mean * mean * ww) / (w * w) : Number.NaN
  const half = z * Math.sqrt(variance)
  return { mean, lower: mean - half, upper: mean + half, effectiveSize: ww > 0 ? (w * w) / ww : 0 }
}
