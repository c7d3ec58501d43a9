import { type LinearArm, linearArmOf } from './linear-sums.ts'
import type { ArmSums, Choices } from './policy.ts'

/** A candidate with the regression of its arm. */
export interface LinearCandidate {
  readonly arm: LinearArm
  readonly x: Float64Array
}

/** Each candidate with its arm. */
export function linearCandidates({ arms, features, width }: Choices, sums: ArmSums, lambda: number): LinearCandidate[] {
  return arms.map((name, place) => ({
    arm: linearArmOf(sums.get(name), width, lambda),
    x: features.subarray(place * width, (place + 1) * width),
  }))
}
