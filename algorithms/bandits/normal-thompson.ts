import { drawBestNormal, normalBestChances } from '../normal-best-chances.ts'
import { type ArmSums, type Choices, exactly, type Policy } from './policy.ts'

/** What is known of each candidate: independent normals, deviations > 0. */
export interface NormalPosteriors {
  readonly means: Float64Array
  readonly deviations: Float64Array
}

/** How a Thompson policy chooses whose candidates are independent normals: chances by quadrature, or one draw of each. */
export function normalThompson(
  posteriorsOf: (choices: Choices, sums: ArmSums) => NormalPosteriors,
): Required<Pick<Policy, 'chances' | 'draw'>> {
  return {
    chances: (choices, sums) => {
      const { means, deviations } = posteriorsOf(choices, sums)
      return exactly(normalBestChances(means, deviations))
    },
    draw: (choices, sums, random) => {
      const { means, deviations } = posteriorsOf(choices, sums)
      return drawBestNormal(means, deviations, random)
    },
  }
}
