import { studentBestProbabilities } from '../best-arm.ts'
import { linearCandidates } from './linear-candidates.ts'
import { countAt, crossAt, LinearArm, linearWidth, observeLinear } from './linear-sums.ts'
import { exactly, type Policy } from './policy.ts'

/** Settings of `neuralLinearPolicy`: the prior of an arm. */
export interface NeuralLinearOptions {
  /** Precision of the weights, > 0 (1). */
  readonly lambda?: number
  /** σ² ~ InverseGamma(shape, scale), shape ≥ 1, scale > 0 (1 and .25). */
  readonly shape?: number
  readonly scale?: number
}

/**
 * Neural-linear Thompson sampling (Riquelme, Tucker, Snoek, ICLR 2018): Bayesian linear regression with unknown noise on the last layer of
 * a network. w, σ² ~ Normal–InverseGamma, so a candidate's reward is a Student t around xᵀμ with 2a degrees and scale² (b/a)·xᵀΛ⁻¹x, and
 * chances are exact. Features are the network's: keep the sums by the model's version, another version makes other features.
 */
export function neuralLinearPolicy({ lambda = 1, shape = 1, scale = 0.25 }: NeuralLinearOptions = {}): Policy {
  return {
    name: 'neural-linear',
    armOf: (arm) => arm,
    width: linearWidth,
    observe: observeLinear,
    chances: (choices, sums) => {
      const candidates = linearCandidates(choices, sums, lambda)
      if (candidates.length === 1) return exactly(Float64Array.of(1))
      const noises = choices.arms.map((name) => noiseOf(sums.get(name), choices.width, { lambda, shape, scale }))
      return exactly(
        studentBestProbabilities(
          Float64Array.from(candidates, ({ arm, x }) => arm.mean(x)),
          Float64Array.from(candidates, ({ arm, x }, place) => Math.sqrt((noises[place]!.b / noises[place]!.a) * arm.spread(x))),
          Float64Array.from(noises, ({ a }) => 2 * a),
        ),
      )
    },
    expected: () => Number.NaN,
  }
}

/** a = shape + n/2, b = scale + ½(Σr² − μᵀΣrx): what is left of the rewards' squares once μ has told its part. */
function noiseOf(
  sums: Float64Array | undefined,
  d: number,
  { lambda, shape, scale }: Required<NeuralLinearOptions>,
): { readonly a: number; readonly b: number } {
  if (!sums) return { a: shape, b: scale }
  const { theta } = new LinearArm(sums, d, lambda)
  const cross = crossAt(d)
  let told = 0
  for (let i = 0; i < d; i++) told += theta[i]! * sums[cross + i]!
  const at = countAt(d)
  return { a: shape + sums[at]! / 2, b: scale + Math.max(0, sums[at + 1]! - told) / 2 }
}
