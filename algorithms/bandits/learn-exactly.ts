import type { Observation, Policy } from './policy.ts'

/**
 * What one observation adds is rounded to 2⁻²⁰ (about a millionth): doubles then add without error up to 2³³, so sums are the same in any
 * order and however they are cut. A decision of a hundred million with features up to 1 fits.
 */
const step = 2 ** -20

/** The nearest number that adds without error. */
export function onGrid(value: number): number {
  return Math.round(value / step) * step
}

/**
 * Adds an observation to a policy's sums, in place. Rounded to the grid before its weight, so without fading (weights of whole numbers)
 * the sums are exact; policies that are `ordered` learn as they are.
 */
export function learnExactly(policy: Policy, sums: Float64Array, observation: Observation): void {
  if (policy.ordered) {
    policy.observe(sums, observation)
    return
  }
  const added = new Float64Array(sums.length)
  policy.observe(added, { ...observation, weight: 1 })
  for (let i = 0; i < sums.length; i++) sums[i]! += observation.weight * onGrid(added[i]!)
}

/**
 * Takes an observation that was learned with the reward `before` to its reward now, in place: what was added leaves, what it should be
 * comes. Exact where learning is; policies that are `ordered` correct as they can.
 */
export function correctExactly(policy: Policy, sums: Float64Array, observation: Observation, before: number): void {
  if (policy.correct) {
    policy.correct(sums, observation, before)
    return
  }
  learnExactly(policy, sums, { ...observation, reward: before, weight: -observation.weight })
  learnExactly(policy, sums, observation)
}
