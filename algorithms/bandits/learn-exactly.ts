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
 * Adds an observation to a policy's sums, in place, faded by `fade`. What it adds is rounded to the grid before it fades, so without fading
 * (1) the sums are exact, whatever its weight; policies that are `ordered` learn as they are.
 */
export function learnExactly(policy: Policy, sums: Float64Array, observation: Observation, fade = 1): void {
  if (policy.ordered) {
    policy.observe(sums, { ...observation, weight: observation.weight * fade })
    return
  }
  const added = new Float64Array(sums.length)
  policy.observe(added, observation)
  for (let i = 0; i < sums.length; i++) sums[i]! += fade * onGrid(added[i]!)
}

/**
 * Takes an observation that was learned with the reward and weight `before` to those now, in place: what was added leaves, what it should
 * be comes. Exact where learning is; policies that are `ordered` correct as they can.
 */
export function correctExactly(
  policy: Policy,
  sums: Float64Array,
  observation: Observation,
  before: Pick<Observation, 'reward' | 'weight'>,
  fade = 1,
): void {
  if (policy.correct) {
    policy.correct(sums, { ...observation, weight: observation.weight * fade }, before.reward)
    return
  }
  learnExactly(policy, sums, { ...observation, ...before }, -fade)
  learnExactly(policy, sums, observation, fade)
}
