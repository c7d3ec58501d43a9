import { betaBestProbabilities } from '../best-arm.ts'
import { sampleBeta } from '../sample.ts'
import { type ArmSums, type Choices, exactly, type Policy, placeOfBest } from './policy.ts'

/** Settings of `betaThompsonPolicy`: the prior of every arm, > 0 (1 and 1). */
export interface BetaThompsonOptions {
  readonly alpha?: number
  readonly beta?: number
}

/**
 * Beta–Bernoulli Thompson sampling (Thompson 1933; Chapelle & Li, NIPS 2011): an arm is chosen as often as it is the best under the
 * posteriors. α += r, β += 1 − r with rewards clipped to [0, 1]; chances by quadrature, exact to 1e-9. Sums: Σr, Σ(1 − r).
 */
export function betaThompsonPolicy({ alpha = 1, beta = 1 }: BetaThompsonOptions = {}): Policy {
  const posteriorsOf = ({ arms }: Choices, sums: ArmSums) => {
    const known = arms.map((arm) => sums.get(arm))
    return {
      alphas: Float64Array.from(known, (arm) => alpha + (arm?.[0] ?? 0)),
      betas: Float64Array.from(known, (arm) => beta + (arm?.[1] ?? 0)),
    }
  }
  return {
    name: 'beta-thompson',
    armOf: (arm) => arm,
    width: () => 2,
    observe: (sums, { reward, weight }) => {
      const r = Math.min(1, Math.max(0, reward))
      sums[0]! += weight * r
      sums[1]! += weight * (1 - r)
    },
    chances: (choices, sums) => {
      if (choices.arms.length === 1) return exactly(Float64Array.of(1))
      const { alphas, betas } = posteriorsOf(choices, sums)
      return exactly(betaBestProbabilities(alphas, betas))
    },
    draw: (choices, sums, random) => {
      const { alphas, betas } = posteriorsOf(choices, sums)
      return placeOfBest(alphas.map((own, arm) => sampleBeta(random, own, betas[arm]!)))
    },
    expected: (sums) => (alpha + sums[0]!) / (alpha + beta + sums[0]! + sums[1]!),
  }
}
