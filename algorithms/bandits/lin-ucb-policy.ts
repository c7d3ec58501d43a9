import { linearCandidates } from './linear-candidates.ts'
import { linearWidth, observeLinear } from './linear-sums.ts'
import { type ArmSums, type Choices, only, type Policy, placeOfBest } from './policy.ts'

/** Settings of `linUcbPolicy`. */
export interface LinUcbOptions {
  /** Width of the bonus, ≥ 0 (1). */
  readonly alpha?: number
  /** Ridge, > 0 (1). */
  readonly lambda?: number
}

/** LinUCB with disjoint arms (Li, Chu, Langford, Schapire, WWW 2010, algorithm 1): argmax xᵀθ + α√(xᵀA⁻¹x). Chances are 0 and 1. */
export function linUcbPolicy({ alpha = 1, lambda = 1 }: LinUcbOptions = {}): Policy {
  return {
    name: 'lin-ucb',
    armOf: (arm) => arm,
    width: linearWidth,
    observe: observeLinear,
    chances: (choices, sums) => only(placeOfBest(linUcbScores(choices, sums, { alpha, lambda })), choices.arms.length),
    expected: () => Number.NaN,
  }
}

/** The upper bound of each candidate. */
export function linUcbScores(choices: Choices, sums: ArmSums, { alpha, lambda }: Required<LinUcbOptions>): Float64Array {
  const candidates = linearCandidates(choices, sums, lambda)
  return Float64Array.from(candidates, ({ arm, x }) => arm.mean(x) + alpha * Math.sqrt(arm.spread(x)))
}
