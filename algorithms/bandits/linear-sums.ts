import { invariant } from '../../core/invariant.ts'
import { choleskyFactor, choleskySolve } from '../cholesky.ts'
import type { Observation } from './policy.ts'
import { SumsMemo } from './sums-memo.ts'

/**
 * Layout of a linear arm of d features: Σwxxᵀ as its lower triangle by rows, Σwrx, Σw, Σwr². Raw sums without λI: they merge by
 * addition, and the prior is added once, when they are read.
 */
export function linearWidth(features: number): number {
  return (features * (features + 1)) / 2 + features + 2
}

/** Where Σwrx begins. */
export function crossAt(features: number): number {
  return (features * (features + 1)) / 2
}

/** Where Σw stands; Σwr² follows. */
export function countAt(features: number): number {
  return crossAt(features) + features
}

/** Adds one observation to a linear arm, in place. */
export function observeLinear(sums: Float64Array, { features: x, reward, weight }: Observation): void {
  const d = x.length
  invariant(sums.length === linearWidth(d), `linear arm: ${sums.length} sums do not fit ${d} features`)
  let at = 0
  for (let i = 0; i < d; i++) {
    const scaled = weight * x[i]!
    for (let j = 0; j <= i; j++) sums[at++]! += scaled * x[j]!
  }
  for (let i = 0; i < d; i++) sums[at++]! += weight * reward * x[i]!
  sums[at]! += weight
  sums[at + 1]! += weight * reward * reward
}

/** Ridge regression of one arm as its sums tell: A = λI + Σwxxᵀ by Cholesky (the same on every machine), θ = A⁻¹Σwrx. */
export class LinearArm {
  readonly features: number
  readonly theta: Float64Array
  /** L of A = L·Lᵀ, d × d, lower triangle. */
  readonly factor: Float64Array
  readonly #scratch: Float64Array

  /** Undefined sums are those of an arm that nobody has seen. `lambda` > 0. */
  constructor(sums: Float64Array | undefined, features: number, lambda: number) {
    this.features = features
    this.factor = precisionOf(sums, features, lambda)
    choleskyFactor(this.factor, features)
    this.theta = new Float64Array(features)
    if (sums) this.theta.set(sums.subarray(crossAt(features), countAt(features)))
    choleskySolve(this.factor, features, this.theta)
    this.#scratch = new Float64Array(features)
  }

  /** xᵀθ. */
  mean(x: Float64Array): number {
    let sum = 0
    for (let i = 0; i < this.features; i++) sum += x[i]! * this.theta[i]!
    return sum
  }

  /** xᵀA⁻¹x = |L⁻¹x|². */
  spread(x: Float64Array): number {
    const z = this.#scratch
    let sum = 0
    for (let i = 0; i < this.features; i++) {
      let value = x[i]!
      for (let k = 0; k < i; k++) value -= this.factor[i * this.features + k]! * z[k]!
      z[i] = value / this.factor[i * this.features + i]!
      sum += z[i]! * z[i]!
    }
    return sum
  }
}

const factored = new SumsMemo<LinearArm>()

/** The regression of an arm as its sums are now, factored anew only if they have changed. Undefined: nobody has seen it. */
export function linearArmOf(sums: Float64Array | undefined, features: number, lambda: number): LinearArm {
  const make = () => new LinearArm(sums, features, lambda)
  return sums ? factored.of(sums, lambda, make) : make()
}

/** λI + Σwxxᵀ, d × d, row-major; only its lower triangle is filled, which is all that a Cholesky reads. */
function precisionOf(sums: Float64Array | undefined, features: number, lambda: number): Float64Array {
  const matrix = new Float64Array(features * features)
  if (sums) for (let i = 0, at = 0; i < features; i++) for (let j = 0; j <= i; j++, at++) matrix[i * features + j] = sums[at]!
  for (let i = 0; i < features; i++) matrix[i * features + i]! += lambda
  return matrix
}
