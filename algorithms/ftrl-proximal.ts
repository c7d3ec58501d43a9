import { invariant } from '../core/invariant.ts'

/** Settings of `FtrlProximal`. */
export interface FtrlOptions {
  /** Scale of the steps, > 0. Default 0.1. */
  readonly alpha?: number
  /** Holds the first steps back, ≥ 0. Default 1. */
  readonly beta?: number
  /** λ₁ ≥ 0: weights for which less than this speaks are exactly 0. Default 0. */
  readonly l1?: number
  /** λ₂ ≥ 0: pulls weights towards 0. Default 0. */
  readonly l2?: number
}

/**
 * FTRL-Proximal with a rate per coordinate (McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013, algorithm 1):
 * an online linear model that needs one pass and two numbers per weight. After gradients g₁ … gₜ the weights are
 * argmin Σ gₛ·w + ½ Σ σₛ|w − wₛ|² + λ₁|w|₁ + ½ λ₂|w|², with σ₁ + … + σₜ = (β + √Σgₛ²) / α in each coordinate (β counted once).
 */
export class FtrlProximal {
  /** The weights to score with; read only. */
  readonly weights: Float64Array
  readonly #pulls: Float64Array
  readonly #squares: Float64Array
  readonly #options: Required<FtrlOptions>

  /** `size`: weights, all 0 at first. */
  constructor(size: number, options: FtrlOptions = {}) {
    const { alpha = 0.1, beta = 1, l1 = 0, l2 = 0 } = options
    invariant(size > 0 && alpha > 0 && beta >= 0 && l1 >= 0 && l2 >= 0, 'FTRL: size, alpha > 0 and beta, l1, l2 >= 0')
    this.#options = { alpha, beta, l1, l2 }
    this.weights = new Float64Array(size)
    this.#pulls = new Float64Array(size)
    this.#squares = new Float64Array(size)
  }

  /** Takes the gradient of one loss at the present `weights` (as long as they); what is not finite is a bug of the caller. */
  step(gradient: Float64Array): void {
    const { alpha, beta, l1, l2 } = this.#options
    for (let at = 0; at < this.weights.length; at++) {
      const slope = gradient[at]!
      if (slope === 0) continue
      const before = Math.sqrt(this.#squares[at]!)
      this.#squares[at]! += slope * slope
      const now = Math.sqrt(this.#squares[at]!)
      const pull = this.#pulls[at]! + slope - ((now - before) / alpha) * this.weights[at]!
      this.#pulls[at] = pull
      this.weights[at] = Math.abs(pull) <= l1 ? 0 : -(pull - Math.sign(pull) * l1) / ((beta + now) / alpha + l2)
    }
  }
}
