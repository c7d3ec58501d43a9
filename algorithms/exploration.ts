import { invariant } from '../core/invariant.ts'

/** ε-greedy: ε / K everywhere, the best takes the rest. `arms` = K ≥ 1, `epsilon` in [0, 1]. */
export function epsilonGreedy(arms: number, best: number, epsilon: number): Float64Array {
  invariant(best >= 0 && best < arms, 'epsilon-greedy: the best arm must be one of the arms')
  invariant(epsilon >= 0 && epsilon <= 1, 'epsilon-greedy: epsilon must lie in [0, 1]')
  const chances = new Float64Array(arms).fill(epsilon / arms)
  chances[best]! += 1 - epsilon
  return chances
}

/** Softmax: p ∝ e^(λ (s − max)); higher scores are better for λ > 0. */
export function softmax(scores: Float64Array, lambda: number): Float64Array {
  let best = Number.NEGATIVE_INFINITY
  for (const score of scores) best = Math.max(best, lambda * score)
  const chances = scores.map((score) => Math.exp(lambda * score - best))
  const sum = chances.reduce((a, b) => a + b, 0)
  return chances.map((chance) => chance / sum)
}

/** Votes of a bag of learners as shares: one entry per learner, the arm it would choose. */
export function voteShares(votes: readonly number[], arms: number): Float64Array {
  const chances = new Float64Array(arms)
  for (const arm of votes) chances[arm]! += 1
  return chances.map((count) => count / votes.length)
}

/**
 * SquareCB (Foster & Rakhlin, ICML 2020): p = 1 / (K + γ (f_max − f)) and the best arm takes the rest; the first of equals is
 * the best. `rewards` are predicted rewards, higher better; γ = 0 is uniform.
 */
export function squareCb(rewards: Float64Array, gamma: number): Float64Array {
  const arms = rewards.length
  let best = 0
  for (let arm = 1; arm < arms; arm++) if (rewards[arm]! > rewards[best]!) best = arm
  const chances = rewards.map((reward) => 1 / (arms + gamma * (rewards[best]! - reward)))
  let others = 0
  for (let arm = 0; arm < arms; arm++) if (arm !== best) others += chances[arm]!
  chances[best] = 1 - others
  return chances
}

/** γ of SquareCB after `decisions` decisions: scale · t^exponent (10 √t); 0, uniform, at the start. */
export function squareCbGamma(decisions: number, scale = 10, exponent = 0.5): number {
  return decisions <= 0 ? 0 : scale * decisions ** exponent
}

/**
 * Raises every chance to at least ε / K by projection onto {p ≥ ε / K, Σp = 1}: the nearest such distribution. Clipping and
 * dividing by the sum would put small chances below the floor again. With `nonzeroOnly` arms of chance 0 stay at 0 and K
 * counts the others. ε above .999 is uniform.
 */
export function withMinimumProbability(chances: Float64Array, epsilon: number, nonzeroOnly = false): Float64Array {
  invariant(epsilon >= 0 && epsilon <= 1, 'minimum probability: epsilon must lie in [0, 1]')
  const arms: number[] = []
  for (let arm = 0; arm < chances.length; arm++) if (!nonzeroOnly || chances[arm]! > 0) arms.push(arm)
  const count = arms.length
  const floor = epsilon / count
  const result = new Float64Array(chances.length)
  if (epsilon > 0.999) {
    for (const arm of arms) result[arm] = 1 / count
    return result
  }
  const sorted = Float64Array.from(arms, (arm) => chances[arm]!)
    .sort()
    .reverse()
  let prefix = 0
  let tau = 0
  for (let n = 0; n < count; n++) {
    prefix += sorted[n]!
    const candidate = ((count - n - 1) * floor + prefix - 1) / (n + 1)
    if (sorted[n]! > candidate + floor) tau = candidate
  }
  for (const arm of arms) result[arm] = Math.max(chances[arm]! - tau, floor)
  return result
}

/** The arm that `uniform` in [0, 1) falls on when the chances lie side by side; arms of chance 0 are never drawn. */
export function drawArm(chances: Float64Array, uniform: number): number {
  let rest = uniform
  let last = -1
  for (let arm = 0; arm < chances.length; arm++) {
    const chance = chances[arm]!
    if (!(chance > 0)) continue
    last = arm
    rest -= chance
    if (rest < 0) return arm
  }
  return last
}
