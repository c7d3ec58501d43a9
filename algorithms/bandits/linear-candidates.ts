import { LinearArm } from './linear-sums.ts'
import type { ArmSums, Choices } from './policy.ts'

/** A candidate with the regression of its arm. */
export interface LinearCandidate {
  readonly arm: LinearArm
  readonly x: Float64Array
}

/** Each candidate with its arm; an arm that several candidates share is factored once. */
export function linearCandidates({ arms, features, width }: Choices, sums: ArmSums, lambda: number): LinearCandidate[] {
  const known = new Map<string, LinearArm>()
  return arms.map((name, place) => {
    let arm = known.get(name)
    if (!arm) {
      arm = new LinearArm(sums.get(name), width, lambda)
      known.set(name, arm)
    }
    return { arm, x: features.subarray(place * width, (place + 1) * width) }
  })
}
