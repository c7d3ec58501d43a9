import { meanWidth, observeMean, shrunkMean } from './mean-sums-of-arm.ts'
import { normalThompson } from './normal-thompson.ts'
import type { ArmSums, Choices, Policy } from './policy.ts'

/** Settings of `gaussianThompsonPolicy`. */
export interface GaussianThompsonOptions {
  /** Standard deviation of one reward, > 0 (.5). */
  readonly noise?: number
  /** Prior mean of an arm (.5) and the observations it is worth, > 0 (1). */
  readonly prior?: number
  readonly pseudo?: number
}

/** Thompson sampling of means with normal rewards of known noise: m ± noise/√(n + pseudo) per arm, chances by quadrature. */
export function gaussianThompsonPolicy({ noise = 0.5, prior = 0.5, pseudo = 1 }: GaussianThompsonOptions = {}): Policy {
  const posteriorsOf = ({ arms }: Choices, sums: ArmSums) => ({
    means: Float64Array.from(arms, (arm) => shrunkMean(sums.get(arm), prior, pseudo)),
    deviations: Float64Array.from(arms, (arm) => noise / Math.sqrt((sums.get(arm)?.[0] ?? 0) + pseudo)),
  })
  return {
    name: 'gaussian-thompson',
    armOf: (arm) => arm,
    width: () => meanWidth,
    observe: observeMean,
    ...normalThompson(posteriorsOf),
    expected: (sums) => shrunkMean(sums, prior, pseudo),
  }
}
