import { fadingReference, fadingWeight, moveReference } from '../algorithms/bandits/fading-weight.ts'
import { correctExactly, learnExactly } from '../algorithms/bandits/learn-exactly.ts'
import { type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { observeWeighted, weightedWidth } from '../algorithms/bandits/weighted-mean.ts'
import { MillraceError } from '../core/errors.ts'
import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type LearnedState, learnedStateSchema } from '../schemas/bandit-state.ts'
import { type Explorer, learnedName } from '../schemas/bandit-update.ts'
import type { LearnedArm } from '../schemas/learned-arm.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'

export const learnedFamily: StateFamily<LearnedState> = { name: 'learned', codec: learnedStateSchema }

/** Policies read from the log that are remembered. */
const versionsMax = 256
/** Arms of one policy and segment: whoever writes decisions may not grow a state without end. */
const armsMax = 1_000
/** Sums of an arm, for the same reason. */
const widthMax = 100_000

/** What bandit policies learn from the slots they chose, by the features and the chance of the decision, never by today's. */
export class ExplorerSums {
  readonly #versions = new Map<string, PolicyVersion>()

  /** The key of the state that a row moves; null for a row without exploration, and from before policies told their version. */
  nameOf({ policy, exploration }: Reward): string | null {
    return exploration && exploration.version !== '' ? learnedName(policy, exploration) : null
  }

  /** Why a row cannot be learned from, null if it can. Its state must be loaded. */
  faultOf(transaction: Pick<Transaction, 'get'>, reward: Reward): string | null {
    const name = this.nameOf(reward)
    if (name === null) return null
    const { policy, version, context } = reward.exploration!
    const known = this.#versionOf(policy, version)
    if (!known) return `nobody knows the policy ${policy} with ${version}`
    if (!context.every(Number.isFinite)) return 'the context of its exploration is not all numbers'
    const arms = transaction.get(learnedFamily, name)?.arms ?? []
    const isNew = ({ slot }: RewardSlot) => !arms.some(({ arm }) => arm === slot.source)
    if (arms.length >= armsMax && exploredOf(reward).some(isNew)) return `the policy has ${arms.length} arms already`
    const width = known.policy.width(context.length)
    if (!(width >= 1 && width <= widthMax)) return `a context of ${context.length} numbers is not for ${policy} with ${version}`
    const other = arms.find(({ sums }) => sums.length > 0 && sums.length !== width)
    if (other) return `its context of ${context.length} numbers takes ${width} sums, but there are ${other.sums.length}`
    const wrong = exploredOf(reward).find(({ slot }) => !(slot.propensity > 0 && slot.propensity <= 1))
    return wrong ? `the chance ${wrong.slot.propensity} of its slot ${wrong.slot.position} is not in (0, 1]` : null
  }

  /**
   * Adds a row's explored slots, or what a correction changes in them, and says who learned from them; null if nobody. Its state is
   * loaded and it has no fault.
   */
  add(transaction: Pick<Transaction, 'get' | 'put'>, reward: Reward): Explorer | null {
    const name = this.nameOf(reward)
    const slots = exploredOf(reward).filter(({ before, ...now }) => before?.reward !== now.reward)
    if (name === null || (slots.length === 0 && reward.revision > 0)) return null
    const { policy, version, segment, context } = reward.exploration!
    const known = this.#versionOf(policy, version)!
    const { halfLifeMs } = known
    const { timeMs, closedMs, decisionId } = reward
    const state = transaction.get(learnedFamily, name) ?? emptyState(halfLifeMs === 0 ? 0 : timeMs)
    moveTo(state, fadingReference(timeMs, state.referenceMs, halfLifeMs), halfLifeMs)
    const weight = fadingWeight(timeMs, state.referenceMs, halfLifeMs)
    const features = Float64Array.from(context)
    for (const rewarded of slots) {
      const { slot, before } = rewarded
      const arm = counted(state, slot.source, rewarded)
      update(arm.weighted, weightedWidth, (sums) => {
        if (before) observeWeighted(sums, before.reward, slot.propensity, -1)
        observeWeighted(sums, rewarded.reward, slot.propensity)
      })
      const home = known.policy.armOf(arm.arm)
      const { sums } = home === arm.arm ? arm : counted(state, home, rewarded)
      const observation = { features, reward: rewarded.reward, weight, seed: decisionId }
      update(sums, known.policy.width(features.length), (own) => {
        if (before) correctExactly(known.policy, own, observation, before.reward)
        else learnExactly(known.policy, own, observation)
      })
      if (!before) state.rewards++
    }
    state.rows++
    state.eventTimeMs = Math.max(state.eventTimeMs, closedMs)
    transaction.put(learnedFamily, name, state)
    return { policy, version, segment }
  }

  /** Null for what this code does not know. */
  #versionOf(policy: string, version: string): PolicyVersion | null {
    const key = `${policy}/${version}`
    let known = this.#versions.get(key)
    if (!known) {
      try {
        known = readPolicyVersion(policy, version)
      } catch (error) {
        if (error instanceof MillraceError) return null
        throw error
      }
      if (this.#versions.size >= versionsMax) this.#versions.clear()
      this.#versions.set(key, known)
    }
    return known
  }
}

function emptyState(referenceMs: number): LearnedState {
  return { rewards: 0, rows: 0, eventTimeMs: 0, referenceMs, arms: [] }
}

function exploredOf({ slots }: Reward): RewardSlot[] {
  return slots.filter(({ slot }) => slot.explored)
}

/** All sums as of a later time. */
function moveTo(state: LearnedState, referenceMs: number, halfLifeMs: number): void {
  if (referenceMs === state.referenceMs) return
  for (const { sums } of state.arms)
    update(sums, sums.length, (own) => moveReference(own, state.referenceMs, referenceMs, halfLifeMs))
  state.referenceMs = referenceMs
}

/** An arm of the state, with one more decision in it, or what a correction makes of one. */
function counted(state: LearnedState, name: string, { reward, before }: RewardSlot): LearnedArm {
  let arm = state.arms.find((other) => other.arm === name)
  if (!arm) {
    arm = { arm: name, decisions: 0, rewardMilli: 0, sums: [], weighted: [] }
    // In order of name: what is summed over arms must not depend on who was heard of first.
    state.arms.push(arm)
    state.arms.sort((a, b) => (a.arm < b.arm ? -1 : 1))
  }
  if (!before) arm.decisions++
  arm.rewardMilli += milliOf(reward) - (before ? milliOf(before.reward) : 0)
  return arm
}

/** A reward in thousandths, clipped to 0–1: whole numbers add up the same in any order. */
export function milliOf(reward: number): number {
  return Math.round(1000 * Math.min(1, Math.max(0, reward)))
}

/** Changes numbers of the state as an array of doubles, `width` of them, zeros at first. */
function update(numbers: number[], width: number, change: (sums: Float64Array) => void): void {
  const sums = Float64Array.from({ length: width }, (_, i) => numbers[i] ?? 0)
  change(sums)
  for (let i = 0; i < width; i++) numbers[i] = sums[i]!
}
