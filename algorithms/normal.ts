import { gammaTail } from './gamma.ts'

/** Chance that a standard normal variable is at most z; exact in both tails. */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN
  const tail = 0.5 * gammaTail((z * z) / 2, 0.5)
  return z > 0 ? 1 - tail : tail
}

/** Chance that |Z| is at least |z|: the two-sided p-value of a z statistic. */
export function normalTwoSided(z: number): number {
  return gammaTail((z * z) / 2, 0.5)
}

/** The z with normalCdf(z) = p: Newton on the smaller tail's logarithm, exact to about 1e-15. ±Infinity at 0 and 1. */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  const target = Math.log(p)
  let z = p > 0.02 ? 2.5 * (p - 0.5) : -Math.sqrt(-2 * target)
  for (let n = 0; n < 60; n++) {
    const cdf = normalCdf(z)
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
    const step = ((Math.log(cdf) - target) * cdf) / density
    z -= step
    if (Math.abs(step) <= 1e-15 * Math.max(1, Math.abs(z))) break
  }
  return z
}
