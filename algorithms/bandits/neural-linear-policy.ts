import { studentBestProbabilities } from '../best-arm.ts'
import { sampleStudent } from '../sample.ts'
import { linearCandidates } from './linear-candidates.ts'
import { countAt, crossAt, type LinearArm, linearWidth, observeLinear } from './linear-sums.ts'
import { type ArmSums, type Choices, exactly, type Policy, placeOfBest } from './policy.ts'

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
  const posteriorsOf = (choices: Choices, sums: ArmSums) =>
    linearCandidates(choices, sums, lambda).map(({ arm, x }, place) => {
      const { a, b } = noiseOf(sums.get(choices.arms[place]!), arm, { shape, scale })
      return { centre: arm.mean(x), scale: Math.sqrt((b / a) * arm.spread(x)), degrees: 2 * a }
    })
  return {
    name: 'neural-linear',
    armOf: (arm) => arm,
    width: linearWidth,
    observe: observeLinear,
    chances: (choices, sums) => {
      if (choices.arms.length === 1) return exactly(Float64Array.of(1))
      const posteriors = posteriorsOf(choices, sums)
      return exactly(
        studentBestProbabilities(
          Float64Array.from(posteriors, ({ centre }) => centre),
          Float64Array.from(posteriors, (posterior) => posterior.scale),
          Float64Array.from(posteriors, ({ degrees }) => degrees),
        ),
      )
    },
    draw: (choices, sums, random) =>
      placeOfBest(
        Float64Array.from(
          posteriorsOf(choices, sums),
          ({ centre, scale: own, degrees }) => centre + own * sampleStudent(random, degrees),
        ),
      ),
    expected: () => Number.NaN,
  }
}

/** a = shape + n/2, b = scale + ½(Σr² − μᵀΣrx): what is left of the rewards' squares once μ has told its part. */
function noiseOf(
  sums: Float64Array | undefined,
  { theta, features: d }: LinearArm,
  { shape, scale }: { readonly shape: number; readonly scale: number },
): { readonly a: number; readonly b: number } {
  if (!sums) return { a: shape, b: scale }
  const cross = crossAt(d)
  let told = 0
  for (let i = 0; i < d; i++) told += theta[i]! * sums[cross + i]!
  const at = countAt(d)
  return { a: shape + sums[at]! / 2, b: scale + Math.max(0, sums[at + 1]! - told) / 2 }
}
