import { squareCb, squareCbGamma } from '../exploration.ts'
import { linearCandidates } from './linear-candidates.ts'
import { linearWidth, observeLinear } from './linear-sums.ts'
import { exactly, type Policy } from './policy.ts'

/** Settings of `squareCbPolicy`. */
export interface SquareCbOptions {
  /** γ = scale · t^exponent (10 and .5): larger explores less. */
  readonly scale?: number
  readonly exponent?: number
  /** Ridge of the regression under it, > 0 (1). */
  readonly lambda?: number
}

/** SquareCB (Foster & Rakhlin, ICML 2020) over a ridge regression per arm: p = 1/(K + γ(f_max − f)), the best takes the rest. */
export function squareCbPolicy({ scale = 10, exponent = 0.5, lambda = 1 }: SquareCbOptions = {}): Policy {
  return {
    name: 'square-cb',
    armOf: (arm) => arm,
    width: linearWidth,
    observe: observeLinear,
    chances: (choices, sums) => {
      const predicted = Float64Array.from(linearCandidates(choices, sums, lambda), ({ arm, x }) => arm.mean(x))
      return exactly(squareCb(predicted, squareCbGamma(choices.decisions, scale, exponent)))
    },
    expected: () => Number.NaN,
  }
}
