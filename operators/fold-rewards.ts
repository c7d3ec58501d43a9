import { concatMap, type OperatorFunction } from 'rxjs'
import { posteriorOf } from '../algorithms/beta-posterior.ts'
import { clickThroughRate } from '../algorithms/click-through.ts'
import type { Batch, Sourced, StateFamily, Transaction } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { type ArmState, armStateSchema, type LearnedState, type PolicyState, policyStateSchema } from '../schemas/bandit-state.ts'
import {
  type BanditUpdate,
  type Explorer,
  learnedName,
  newcomerArm,
  newcomerSource,
  nobody,
  wholePolicy,
} from '../schemas/bandit-update.ts'
import type { Reward } from '../schemas/reward.ts'
import { ExplorerSums, learnedFamily, milliOf } from './explorer-sums.ts'

export const armFamily: StateFamily<ArmState> = { name: 'arm', codec: armStateSchema }
export const policyFamily: StateFamily<PolicyState> = { name: 'policy', codec: policyStateSchema }
/** Positions of the tasks that made the rows: their running numbers, not offsets of the topic. */
const upstreamName = 'rewards-join'

/**
 * Adds rewards of explored slots to their arms (Beta–Bernoulli, features.md F7.2), showings and clicks of new items there to theirs (F6.10),
 * the showing to its policy, and the slot to the sums of the very bandit policy, version and segment that drew it (F7.5), with the
 * features of the decision. A correction takes back what the row before it added and puts its own in place, so that sums are always those
 * of the last rows. It emits what moved: the posterior of each arm, the policy's click-through as the arm `*`, and what the
 * bandit policy learned. Rows below the stored number of the task that joined them were applied before and are skipped. Rewards are
 * summed in thousandths and sums on a grid, so both are exact and the state a pure function of the rows.
 *
 *     source  x----y--|     x = [reward of arm a, reward of arm b]   y = [the first again]
 *     result  ---x----y--|  x = [posterior of a, of b, the policy]   y = []
 *
 * - Order: arms, then policies, then what bandit policies learned, each once, in order of first touch; batches keep theirs.
 * - Bound: holds the arms and policies of one batch.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on; a reward that is not a number, or of a policy nobody knows, is set aside.
 */
export function foldRewards(): OperatorFunction<Batch<Sourced<Reward>>, Batch<Keyed<BanditUpdate>>> {
  const learned = new ExplorerSums()
  return concatMap(async (batch) => {
    const { transaction } = batch
    await load(batch, learned)
    const moved = new Map<string, Explorer>()
    const arms = new Map<string, { policy: string; arm: string }>()
    const policies = new Set<string>()
    for (const record of batch.records) {
      const reward = record.value
      if (reward.sequence < transaction.upstream(upstreamName, reward.sourcePartition)) continue
      transaction.setUpstream(upstreamName, reward.sourcePartition, reward.sequence + 1)
      if (reward.slots.some(({ reward: value, before }) => !Number.isFinite(value) || !Number.isFinite(before?.reward ?? 0))) {
        transaction.deadLetter(record, 'fold', 'MILL_FEATURE_NOT_FINITE', 'a reward of the row is not a number')
        continue
      }
      // Of sums that were begun after its first row there is nothing to correct.
      if (reward.revision > 0 && !transaction.get(policyFamily, reward.policy)) continue
      const fault = learned.faultOf(transaction, reward)
      if (fault !== null) {
        transaction.deadLetter(record, 'fold', 'MILL_RECORD_INVALID', fault)
        continue
      }
      const explorer = learned.add(transaction, reward)
      if (explorer) moved.set(learnedName(reward.policy, explorer), explorer)
      const policy = addShowing(transaction, reward)
      policies.add(reward.policy)
      const moment = { version: policy.rows, closedMs: reward.closedMs }
      const ofRanker = reward.exploration?.over === 'ranker' // A ranker's list says nothing of one source.
      for (const { slot, before, ...now } of reward.slots) {
        if (!slot.explored || ofRanker) continue
        const key = armKey(reward.policy, slot.source)
        addOutcome(transaction, key, { now: now.reward, before: before?.reward ?? null, ...moment })
        arms.set(key, { policy: reward.policy, arm: slot.source })
        if (slot.source !== newcomerSource) continue
        const arm = newcomerArm(slot.itemId)
        const clicks = { now: Number(now.clicked), before: before && Number(before.clicked) }
        addOutcome(transaction, armKey(reward.policy, arm), { ...clicks, ...moment })
        arms.set(armKey(reward.policy, arm), { policy: reward.policy, arm })
      }
    }
    const records = [
      ...Array.from(arms, ([key, { policy, arm }]) => ({ key, value: armUpdate(policy, arm, transaction.get(armFamily, key)!) })),
      ...Array.from(policies, (policy) => ({
        key: armKey(policy, wholePolicy),
        value: policyUpdate(policy, transaction.get(policyFamily, policy)!),
      })),
      ...Array.from(moved, ([name, explorer]) => ({
        key: armKey(name, wholePolicy),
        value: learnedUpdate(name, explorer, transaction.get(learnedFamily, name)!),
      })),
    ]
    return { ...batch, records }
  })
}

async function load(batch: Batch<Sourced<Reward>>, learned: ExplorerSums): Promise<void> {
  const names = new Set<string>()
  const arms = new Set<string>()
  const policies = new Set<string>()
  for (const { value } of batch.records) {
    policies.add(value.policy)
    const name = learned.nameOf(value)
    if (name !== null) names.add(name)
    for (const { slot } of value.slots) {
      if (slot.explored) arms.add(armKey(value.policy, slot.source))
      if (slot.explored && slot.source === newcomerSource) arms.add(armKey(value.policy, newcomerArm(slot.itemId)))
    }
  }
  await Promise.all([
    batch.transaction.load(armFamily, arms),
    batch.transaction.load(policyFamily, policies),
    batch.transaction.load(learnedFamily, names),
  ])
}

function addShowing(transaction: Transaction, reward: Reward): PolicyState {
  const state = transaction.get(policyFamily, reward.policy) ?? {
    rewards: 0,
    rows: 0,
    slots: 0,
    clicks: 0,
    slotsSquared: 0,
    clicksSquared: 0,
    product: 0,
    eventTimeMs: 0,
  }
  const slots = reward.slots.length
  const clicks = reward.slots.filter(({ clicked }) => clicked).length
  const clicksBefore = reward.slots.filter(({ before }) => before?.clicked).length
  if (reward.revision === 0) {
    state.rewards++
    state.slots += slots
    state.slotsSquared += slots * slots
  }
  state.rows++
  state.clicks += clicks - clicksBefore
  state.clicksSquared += clicks * clicks - clicksBefore * clicksBefore
  state.product += slots * (clicks - clicksBefore)
  state.eventTimeMs = Math.max(state.eventTimeMs, reward.closedMs)
  transaction.put(policyFamily, reward.policy, state)
  return state
}

/** One outcome of an arm, and what a correction takes back; null in a first row. */
interface ArmOutcome {
  readonly now: number
  readonly before: number | null
  readonly version: number
  readonly closedMs: number
}

function addOutcome(transaction: Transaction, key: string, { now, before, version, closedMs }: ArmOutcome): void {
  const state = transaction.get(armFamily, key) ?? { decisions: 0, rewardMilli: 0, version: 0, eventTimeMs: 0 }
  if (before === null) state.decisions++
  state.rewardMilli += milliOf(now) - (before === null ? 0 : milliOf(before))
  state.version = version
  state.eventTimeMs = Math.max(state.eventTimeMs, closedMs)
  transaction.put(armFamily, key, state)
}

function armKey(policy: string, arm: string): string {
  return `${policy}/${arm}`
}

function armUpdate(policy: string, arm: string, state: ArmState): BanditUpdate {
  return { policy, arm, ...betaOf(state), version: state.version, eventTimeMs: state.eventTimeMs, ...unlearned }
}

/** What is told of a bandit policy's state. */
export function learnedUpdate(
  name: string,
  explorer: Explorer,
  { rewards, rows, eventTimeMs, referenceMs, arms }: LearnedState,
): BanditUpdate {
  // Copies: the next batch goes on with those of the state.
  const learned = arms.map((arm) => ({ ...arm, sums: [...arm.sums], weighted: [...arm.weighted] }))
  const own = learned.filter(({ weighted }) => weighted.length > 0)
  const rewardMilli = own.reduce((sum, arm) => sum + arm.rewardMilli, 0)
  const beta = betaOf({ decisions: rewards, rewardMilli })
  return { policy: name, arm: wholePolicy, ...beta, version: rows, eventTimeMs, explorer, learned, referenceMs }
}

/** Of rows that no bandit policy draws with. */
const unlearned = { explorer: nobody, learned: [], referenceMs: 0 }

function betaOf({ decisions, rewardMilli }: Pick<ArmState, 'decisions' | 'rewardMilli'>) {
  const successes = rewardMilli / 1000
  // In thousandths: decisions − 0.3 − 0.3 … would carry a rounding error into beta.
  const failures = (1000 * decisions - rewardMilli) / 1000
  return { decisions, rewardSum: successes, ...posteriorOf({ successes, failures }) }
}

function policyUpdate(policy: string, state: PolicyState): BanditUpdate {
  const { slots, clicks, rewards, rows, eventTimeMs } = state
  const { alpha, beta, ...posterior } = posteriorOf({ successes: clicks, failures: slots - clicks })
  const rate = clickThroughRate({
    count: rewards,
    clicks,
    impressions: slots,
    clicksSquared: state.clicksSquared,
    impressionsSquared: state.slotsSquared,
    product: state.product,
  })
  // Equal showings have no spread to estimate from: nothing clicked yet does not mean a rate of exactly 0.
  const spread = rate !== null && rate.upper > rate.lower
  return {
    policy,
    arm: wholePolicy,
    version: rows,
    decisions: slots,
    rewardSum: clicks,
    alpha,
    beta,
    mean: slots === 0 ? 0 : clicks / slots,
    lower: spread ? Math.max(0, rate.lower) : posterior.lower,
    upper: spread ? Math.min(1, rate.upper) : posterior.upper,
    eventTimeMs,
    ...unlearned,
  }
}
