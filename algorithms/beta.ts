import { invariant } from '../core/invariant.ts'
import { logBeta } from './log-gamma.ts'

const iterationsMax = 10_000
const tiny = 1e-300

/**
 * Regularised incomplete beta function I_x(a, b): the chance that a Beta(a, b) variable is at most x. a, b > 0; x outside
 * [0, 1] counts as its nearer end. By the continued fraction (NIST DLMF 8.17.22) with Lentz' method.
 */
export function betaCdf(x: number, a: number, b: number, logNorm: number = logBeta(a, b)): number {
  invariant(a > 0 && b > 0, 'beta distribution: a and b must be above 0')
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast below the mean; above it, the other tail does.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaTail(1 - x, b, a, logNorm)
  return betaTail(x, a, b, logNorm)
}

/** ln of the density of Beta(a, b) at x in (0, 1). */
export function betaLogDensity(x: number, a: number, b: number, logNorm: number = logBeta(a, b)): number {
  return (a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x) - logNorm
}

/** The x with I_x(a, b) = p, for p in [0, 1]: Newton steps kept inside a shrinking bracket. */
export function betaQuantile(p: number, a: number, b: number): number {
  invariant(p >= 0 && p <= 1, 'beta quantile: p must lie in [0, 1]')
  if (p === 0 || p === 1) return p
  const logNorm = logBeta(a, b)
  let low = 0
  let high = 1
  let x = a / (a + b)
  for (let n = 0; n < 200; n++) {
    const error = betaCdf(x, a, b, logNorm) - p
    if (error === 0) return x
    if (error < 0) low = x
    else high = x
    const step = error / Math.exp(betaLogDensity(x, a, b, logNorm))
    let next = x - step
    // For tiny quantiles halve the exponent, not the number.
    if (!(next > low && next < high))
      next = low > 0 && high / low > 4 ? Math.sqrt(low * high) : low > 0 ? (low + high) / 2 : high / 16
    if (Math.abs(next - x) <= 4e-16 * x) return next
    x = next
  }
  return x
}

function betaTail(x: number, a: number, b: number, logNorm: number): number {
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logNorm) / a
  if (front === 0) return 0
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let n = 1; n < iterationsMax; n++) {
    const even = (n * (b - n) * x) / ((a + 2 * n - 1) * (a + 2 * n))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    fraction *= d * c
    const odd = (-(a + n) * (a + b + n) * x) / ((a + 2 * n) * (a + 2 * n + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return front * fraction
}

/** Keeps a denominator of Lentz' method from being 0. */
function away(value: number): number {
  return Math.abs(value) < tiny ? tiny : value
}
