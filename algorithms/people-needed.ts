import type { MeanEstimate } from './difference.ts'
import { normalQuantile } from './normal.ts'

/**
 * People per arm, rounded up, with whom a two-sided test at `alpha` of the lift finds a true lift of `lift` over `control` with chance
 * `power`, where both arms vary alike: n = σ² (1 + (1 + lift)²) (z₁₋α⁄₂ + z_power)² / (lift · mean)². Its error follows from the delta
 * method, as that of `welchDifference`. Infinity where lift or mean is 0.
 */
export function peopleNeeded(
  control: Pick<MeanEstimate, 'mean' | 'variance'>,
  lift: number,
  options: { readonly alpha?: number; readonly power?: number } = {},
): number {
  const { alpha = 0.05, power = 0.8 } = options
  const difference = lift * control.mean
  const z = normalQuantile(power) - normalQuantile(alpha / 2)
  if (difference === 0) return Number.POSITIVE_INFINITY
  return Math.ceil((control.variance * (1 + (1 + lift) ** 2) * z * z) / (difference * difference))
}
