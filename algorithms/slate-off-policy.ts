import { invariant } from '../core/invariant.ts'
import { meanEstimateOf, type OffPolicyEstimate } from './off-policy.ts'

/** Logged slates as columns of slots: rows × slots, row-major. */
export interface SlateLog {
  readonly slots: number
  /** Of each slot: chance of its item there, given the items above it, under the judged policy over that of the logging one. */
  readonly conditional: Float64Array
  /** The same of the chances to stand there whatever stands above; `independentIps` reads it. */
  readonly marginal?: Float64Array
  readonly rewards: Float64Array
  /** q̂ of each slot's item: what it and the slots below it are expected to bring; `cascadeDoublyRobust` reads it. */
  readonly predicted?: Float64Array
  /** What the judged policy is expected to bring from the slot on, given the items above it. */
  readonly expected?: Float64Array
}

/** Standard IPS of whole slates: Π of all slots' ratios times the slate's reward. Unbiased whatever moves people, and wild. */
export function slateIps(log: SlateLog): OffPolicyEstimate {
  return overRows(log, (weights, rewards) => {
    let weight = 1
    let reward = 0
    for (let slot = 0; slot < weights.length; slot++) {
      weight *= weights[slot]!
      reward += rewards[slot]!
    }
    return weight * reward
  })
}

/** Independent IPS (Li et al., KDD 2018): each slot by its own marginal ratio. Unbiased if a slot's reward depends on its item and place only. */
export function independentIps(log: SlateLog): OffPolicyEstimate {
  invariant(log.marginal, 'independent IPS needs `marginal`')
  return overRows(log, (_weights, rewards, row) => {
    let sum = 0
    for (let slot = 0; slot < rewards.length; slot++) sum += log.marginal![row * log.slots + slot]! * rewards[slot]!
    return sum
  })
}

/** Reward-interaction IPS (McInerney et al., KDD 2020): each slot by the ratios down to it. Unbiased if people read from the top (cascade). */
export function rewardInteractionIps(log: SlateLog): OffPolicyEstimate {
  return overRows(log, (weights, rewards) => {
    let weight = 1
    let sum = 0
    for (let slot = 0; slot < weights.length; slot++) {
      weight *= weights[slot]!
      sum += weight * rewards[slot]!
    }
    return sum
  })
}

/** Cascade doubly robust (Kiyohara et al., WSDM 2022): Σ w₁..ₖ(rₖ − q̂ₖ) + w₁..ₖ₋₁ E[q̂ₖ]: as RIPS with what a model can tell taken out. */
export function cascadeDoublyRobust(log: SlateLog): OffPolicyEstimate {
  const { predicted, expected, slots } = log
  invariant(predicted && expected, 'cascade doubly robust needs `predicted` and `expected`')
  return overRows(log, (weights, rewards, row) => {
    let before = 1
    let sum = 0
    for (let slot = 0; slot < weights.length; slot++) {
      const at = row * slots + slot
      const weight = before * weights[slot]!
      sum += weight * (rewards[slot]! - predicted[at]!) + before * expected[at]!
      before = weight
    }
    return sum
  })
}

function overRows(
  { slots, conditional, rewards }: SlateLog,
  ofRow: (weights: Float64Array, rewards: Float64Array, row: number) => number,
): OffPolicyEstimate {
  const rows = conditional.length / slots
  const values = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * slots, (row + 1) * slots]
    values[row] = ofRow(conditional.subarray(from, to), rewards.subarray(from, to), row)
  }
  return meanEstimateOf(values)
}
