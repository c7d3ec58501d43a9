import type { Policy } from '../../algorithms/bandits/policy.ts'
import { cascadeObservations } from '../../algorithms/bandits/slate-observations.ts'
import { betaRankProbabilities } from '../../algorithms/rank-probabilities.ts'
import { createRandom } from '../../core/random.ts'
import type { PolicyLog } from './policy-log.ts'

/** A policy that is judged by somebody else's log. */
export interface JudgedPolicy {
  readonly name: string
  /** First row that is judged: those before it were learned from. */
  readonly from: number
  /** Chance of each of some candidates of a row, by number of arm, to stand in its place; in their order. */
  chancesOf(row: number, candidates: Int32Array): Float64Array
}

/** Every arm that could stand there is as likely. */
export function uniformPolicy(): JudgedPolicy {
  return {
    name: 'uniform',
    from: 0,
    chancesOf: (_row, candidates) => new Float64Array(candidates.length).fill(1 / candidates.length),
  }
}

/** Always one arm, where it could stand; else nobody. */
export function constantPolicy(log: PolicyLog, arm: string): JudgedPolicy {
  const number = log.numberOf(arm)
  return {
    name: `always ${arm}`,
    from: 0,
    chancesOf: (_row, candidates) => Float64Array.from(candidates, (one) => (one === number ? 1 : 0)),
  }
}

/** A Thompson slate under given Beta posteriors, one per arm of the log: exact chances of each position, all arms being candidates. */
export function thompsonSlatePolicy(
  log: PolicyLog,
  posteriors: readonly { readonly alpha: number; readonly beta: number }[],
): JudgedPolicy {
  const count = log.arms.length
  const chances = betaRankProbabilities(
    Float64Array.from(posteriors, ({ alpha }) => alpha),
    Float64Array.from(posteriors, ({ beta }) => beta),
    log.positions,
  )
  return {
    name: 'beta-thompson of the prior',
    from: 0,
    chancesOf: (row, candidates) => Float64Array.from(candidates, (arm) => chances[log.position[row]! * count + arm]!),
  }
}

/** Questions whose answers are remembered. */
const remembered = 50_000

/**
 * A policy that learns the log's first rows and is then held fixed; each position is chosen for among the candidates that are left. Slates are
 * learned as read from the top, to the first click.
 */
export function learnedPolicy(log: PolicyLog, policy: Policy, trainShare: number): JudgedPolicy {
  const { from, learned } = trainingRows(log, trainShare)
  const sums = new Map<string, Float64Array>()
  for (const row of learned) {
    const key = policy.armOf(log.arms[log.arm[row]!]!)
    let arm = sums.get(key)
    if (!arm) {
      arm = new Float64Array(policy.width(log.width))
      sums.set(key, arm)
    }
    const features = log.contextOf(row, log.arm[row]!)
    policy.observe(arm, { features, reward: log.reward[row]!, weight: 1, seed: String(row) })
  }
  // What was learned stands still, so equal questions have equal answers.
  const known = new Map<string, Float64Array>()
  return {
    name: policy.name,
    from,
    chancesOf: (row, candidates) => {
      const features = new Float64Array(candidates.length * log.width)
      candidates.forEach((arm, place) => {
        features.set(log.contextOf(row, arm), place * log.width)
      })
      const key = `${candidates.join()}|${features.join()}`
      let chances = known.get(key)
      if (!chances) {
        const arms = Array.from(candidates, (arm) => log.arms[arm]!)
        const choices = { arms, features, width: log.width, decisions: from }
        chances = policy.chances(choices, sums, createRandom(`judged ${row}`)).values
        if (known.size < remembered) known.set(key, chances)
      }
      return chances
    },
  }
}

/** Rows that are learned from, and the first that is not: slates are never cut. */
function trainingRows(log: PolicyLog, share: number): { readonly from: number; readonly learned: number[] } {
  if (log.slates.length === 0) {
    const from = Math.floor(log.rows * share)
    return { from, learned: Array.from({ length: from }, (_, row) => row) }
  }
  const count = Math.floor(log.slates.length * share)
  const learned = log.slates.slice(0, count).flatMap((first) => {
    const rewards = log.reward.slice(first, first + log.slateLength(first))
    return cascadeObservations(rewards).map(({ slot }) => first + slot)
  })
  return { from: log.slates[count] ?? log.rows, learned }
}
