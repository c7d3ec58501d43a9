import { invariant } from '../core/invariant.ts'
import { logGamma } from './log-gamma.ts'

const iterationsMax = 100_000

/** Regularised lower incomplete gamma P(a, x): the chance that a Gamma(a, 1) variable is at most x. a > 0 (DLMF 8.11.4). */
export function gammaCdf(x: number, a: number): number {
  invariant(a > 0, 'gamma distribution: the shape must be above 0')
  if (x <= 0) return 0
  return x < a + 1 ? lowerSeries(x, a) : 1 - upperFraction(x, a)
}

/** The other tail, Q(a, x) = 1 − P(a, x), exact where it is tiny. */
export function gammaTail(x: number, a: number): number {
  invariant(a > 0, 'gamma distribution: the shape must be above 0')
  if (x <= 0) return 1
  return x < a + 1 ? 1 - lowerSeries(x, a) : upperFraction(x, a)
}

/** Chance of a χ² at least this large with `degrees` of freedom. */
export function chiSquareTail(chiSquare: number, degrees: number): number {
  return gammaTail(chiSquare / 2, degrees / 2)
}

function front(x: number, a: number): number {
  return Math.exp(a * Math.log(x) - x - logGamma(a))
}

function lowerSeries(x: number, a: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < iterationsMax && term > sum * 1e-17; n++) {
    term *= x / (a + n)
    sum += term
  }
  return front(x, a) * sum
}

function upperFraction(x: number, a: number): number {
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let fraction = d
  for (let n = 1; n < iterationsMax; n++) {
    const term = -n * (n - a)
    b += 2
    d = 1 / (term * d + b)
    c = b + term / c
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return front(x, a) * fraction
}
