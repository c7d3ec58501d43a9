import type { Random } from '../../core/random.ts'
import { withMinimumProbability } from '../exploration.ts'
import type { ArmSums, Chances, Choices, Policy } from './policy.ts'

/** A policy's chances with each at least `epsilon` / candidates: what is drawn from, and what must be logged. */
export function flooredChances(policy: Policy, choices: Choices, sums: ArmSums, epsilon: number, random: Random): Chances {
  const { values, draws } = policy.chances(choices, sums, random)
  return { values: epsilon > 0 ? withMinimumProbability(values, epsilon) : values, draws }
}
