import { normalBestChances } from '../normal-best-chances.ts'
import { meanWidth, observeMean, shrunkMean } from './mean-sums-of-arm.ts'
import { exactly, type Policy } from './policy.ts'

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
  return {
    name: 'gaussian-thompson',
    armOf: (arm) => arm,
    width: () => meanWidth,
    observe: observeMean,
    chances: ({ arms }, sums) => {
      if (arms.length === 1) return exactly(Float64Array.of(1))
      const means = Float64Array.from(arms, (arm) => shrunkMean(sums.get(arm), prior, pseudo))
      const deviations = Float64Array.from(arms, (arm) => noise / Math.sqrt((sums.get(arm)?.[0] ?? 0) + pseudo))
      return exactly(normalBestChances(means, deviations))
    },
    expected: (sums) => shrunkMean(sums, prior, pseudo),
  }
}
