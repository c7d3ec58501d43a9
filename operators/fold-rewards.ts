import { concatMap, type OperatorFunction } from 'rxjs'
import { posteriorOf } from '../algorithms/thompson.ts'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { type ArmState, armStateSchema, type PolicyState, policyStateSchema } from '../schemas/bandit-state.ts'
import type { BanditUpdate } from '../schemas/bandit-update.ts'
import type { Reward } from '../schemas/reward.ts'

const armFamily: StateFamily<ArmState> = { name: 'arm', codec: armStateSchema }
const policyFamily: StateFamily<PolicyState> = { name: 'policy', codec: policyStateSchema }

/**
 * Adds rewards of explored slots to their arms and emits the posterior of each arm that moved. Rows below the stored number of
 * their join task were applied before and are skipped.
 *
 *     source  x----y--|     x = [reward of arm a, reward of arm b]   y = [the first again]
 *     result  ---x----y--|  x = [posterior of a, of b]               y = []
 *
 * - Order: each arm once, in order of first touch; batches keep theirs.
 * - Bound: holds the arms of one batch.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function foldRewards(): OperatorFunction<Batch<Sourced<Reward>>, Batch<Keyed<BanditUpdate>>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    const arms = new Set<string>()
    const policies = new Set<string>()
    for (const { value } of batch.records) {
      policies.add(value.policy)
      for (const { slot } of value.slots) if (slot.explored) arms.add(armKey(value.policy, slot.source))
    }
    await Promise.all([transaction.load(armFamily, arms), transaction.load(policyFamily, policies)])
    const moved = new Map<string, { policy: string; arm: string; state: ArmState }>()
    for (const { value: reward } of batch.records) {
      if (reward.sequence < transaction.upstream('rewards-join', reward.sourcePartition)) continue
      transaction.setUpstream('rewards-join', reward.sourcePartition, reward.sequence + 1)
      const policy = transaction.get(policyFamily, reward.policy) ?? { rewards: 0 }
      policy.rewards++
      transaction.put(policyFamily, reward.policy, policy)
      for (const { slot, reward: value } of reward.slots) {
        if (!slot.explored) continue
        const key = armKey(reward.policy, slot.source)
        const state = transaction.get(armFamily, key) ?? { decisions: 0, rewardMilli: 0, version: 0, eventTimeMs: 0 }
        state.decisions++
        state.rewardMilli += Math.round(1000 * Math.min(1, Math.max(0, value)))
        state.version = policy.rewards
        state.eventTimeMs = Math.max(state.eventTimeMs, reward.closedMs)
        transaction.put(armFamily, key, state)
        moved.set(key, { policy: reward.policy, arm: slot.source, state })
      }
    }
    return {
      ...batch,
      records: [...moved].map(([key, { policy, arm, state }]) => ({ key, value: updateOf(policy, arm, state) })),
    }
  })
}

function armKey(policy: string, arm: string): string {
  return `${policy}/${arm}`
}

function updateOf(policy: string, arm: string, state: ArmState): BanditUpdate {
  const successes = state.rewardMilli / 1000
  const { alpha, beta, mean, lower, upper } = posteriorOf({ successes, failures: state.decisions - successes })
  return {
    policy,
    arm,
    version: state.version,
    decisions: state.decisions,
    rewardSum: successes,
    alpha,
    beta,
    mean,
    lower,
    upper,
    eventTimeMs: state.eventTimeMs,
  }
}
