import { betaCdf } from './beta.ts'
import { normalQuantile } from './normal.ts'

/** Chance that |T| is at least |t| with `degrees` > 0 of freedom: the two-sided p-value of a t statistic. */
export function studentTwoSided(t: number, degrees: number): number {
  const square = t * t
  if (square === Number.POSITIVE_INFINITY) return 0
  // I_x(ν/2, 1/2) with x = ν / (ν + t²); for small t its complement keeps the digits.
  return square < degrees
    ? 1 - betaCdf(square / (degrees + square), 0.5, degrees / 2)
    : betaCdf(degrees / (degrees + square), degrees / 2, 0.5)
}

/** The t > 0 that |T| exceeds with chance `alpha` in (0, 1): half the width of a 1 − alpha interval in standard errors. */
export function studentCritical(alpha: number, degrees: number): number {
  let low = 0
  let high = Math.max(1, -normalQuantile(alpha / 2))
  while (studentTwoSided(high, degrees) > alpha) high *= 2
  for (let n = 0; n < 200 && high - low > 1e-14 * high; n++) {
    const middle = (low + high) / 2
    if (studentTwoSided(middle, degrees) > alpha) low = middle
    else high = middle
  }
  return (low + high) / 2
}
