import type { Policy } from '../../algorithms/bandits/policy.ts'
import { betaRankProbabilities } from '../../algorithms/rank-probabilities.ts'
import { createRandom } from '../../core/random.ts'
import type { PolicyLog } from './policy-log.ts'

/** A policy that is judged by somebody else's log. */
export interface JudgedPolicy {
  readonly name: string
  /** First row that is judged: those before it were learned from. */
  readonly from: number
  /** Chance of each arm of the log to stand in a row's place; 0 for those that could not. */
  chancesOf(row: number): Float64Array
}

/** Every arm that could stand there is as likely. */
export function uniformPolicy(log: PolicyLog): JudgedPolicy {
  return {
    name: 'uniform',
    from: 0,
    chancesOf: (row) => {
      const candidates = log.candidatesOf(row)
      const chances = new Float64Array(log.arms.length)
      if (candidates === null) return chances.fill(1 / chances.length)
      for (const arm of candidates) chances[arm] = 1 / candidates.length
      return chances
    },
  }
}

/** Always one arm, where it could stand; else nobody. */
export function constantPolicy(log: PolicyLog, arm: string): JudgedPolicy {
  const number = log.numberOf(arm)
  return {
    name: `always ${arm}`,
    from: 0,
    chancesOf: (row) => {
      const chances = new Float64Array(log.arms.length)
      if (log.candidatesOf(row)?.includes(number) ?? true) chances[number] = 1
      return chances
    },
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
    chancesOf: (row) => {
      const rank = log.position[row]!
      return chances.subarray(rank * count, (rank + 1) * count)
    },
  }
}

/** A policy that learns the log's first rows and is then held fixed; each position is chosen for by itself. */
export function learnedPolicy(log: PolicyLog, policy: Policy, trainShare: number): JudgedPolicy {
  const from = Math.floor(log.rows * trainShare)
  const sums = new Map<string, Float64Array>()
  for (let row = 0; row < from; row++) {
    const key = policy.armOf(log.arms[log.arm[row]!]!)
    let arm = sums.get(key)
    if (!arm) {
      arm = new Float64Array(policy.width(log.width))
      sums.set(key, arm)
    }
    policy.observe(arm, { features: log.contextOf(row), reward: log.reward[row]!, weight: 1, seed: String(row) })
  }
  const all = Int32Array.from(log.arms, (_, arm) => arm)
  // What was learned stands still, so equal questions have equal answers.
  const known = new Map<string, Float64Array>()
  return {
    name: policy.name,
    from,
    chancesOf: (row) => {
      const candidates = log.candidatesOf(row) ?? all
      const context = log.contextOf(row)
      const key = `${candidates.join()}|${context.join()}`
      let chances = known.get(key)
      if (!chances) {
        const features = new Float64Array(candidates.length * log.width)
        for (let place = 0; place < candidates.length; place++) features.set(context, place * log.width)
        const arms = Array.from(candidates, (arm) => log.arms[arm]!)
        const { values } = policy.chances(
          { arms, features, width: log.width, decisions: from },
          sums,
          createRandom(`judged ${row}`),
        )
        chances = new Float64Array(log.arms.length)
        for (let place = 0; place < candidates.length; place++) chances[candidates[place]!] = values[place]!
        if (known.size < remembered) known.set(key, chances)
      }
      return chances
    },
  }
}

/** Questions whose answers are remembered. */
const remembered = 50_000
