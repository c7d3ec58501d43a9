import { softmax } from '../exploration.ts'
import { meansOf, meanWidth, observeMean, shrunkMean } from './mean-sums-of-arm.ts'
import { exactly, type Policy } from './policy.ts'

/** Settings of `softmaxPolicy`. */
export interface SoftmaxOptions {
  /** λ > 0: how sharply better arms are preferred, per unit of reward (10). */
  readonly lambda?: number
  readonly prior?: number
  readonly pseudo?: number
}

/** Boltzmann exploration over mean rewards: p ∝ e^(λ·mean). */
export function softmaxPolicy({ lambda = 10, prior = 0.5, pseudo = 1 }: SoftmaxOptions = {}): Policy {
  return {
    name: 'softmax',
    armOf: (arm) => arm,
    width: () => meanWidth,
    observe: observeMean,
    chances: (choices, sums) => exactly(softmax(meansOf(choices, sums, prior, pseudo), lambda)),
    expected: (sums) => shrunkMean(sums, prior, pseudo),
  }
}
