import { fadingReference, fadingWeight, moveReference } from '../algorithms/bandits/fading-weight.ts'
import { correctExactly, learnExactly } from '../algorithms/bandits/learn-exactly.ts'
import { areItems, type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { cascadeObservations, positionObservations } from '../algorithms/bandits/slate-observations.ts'
import { observeWeighted, weightedWidth } from '../algorithms/bandits/weighted-mean.ts'
import { MillraceError } from '../core/errors.ts'
import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type LearnedState, learnedStateSchema } from '../schemas/bandit-state.ts'
import { type Explorer, learnedName } from '../schemas/bandit-update.ts'
import { armOfSlot, rankerArm } from '../schemas/exploration.ts'
import type { LearnedArm } from '../schemas/learned-arm.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'
import { contextWidth } from './exploration-chances.ts'

export const learnedFamily: StateFamily<LearnedState> = { name: 'learned', codec: learnedStateSchema }

/** Policies read from the log that are remembered. */
const versionsMax = 256
/** Arms of one policy and segment, and numbers of all of them together: what is told in one record stays below a megabyte. */
const armsMax = 1_000
const numbersMax = 100_000

/**
 * What bandit policies learn from the slots they chose, by the features and the chance of the decision, never by today's. Of a slate it is
 * learned what its places say of each other (`cascadeObservations`, `positionObservations`). An arm too many takes the place of the one that was
 * shown longest ago, which is forgotten: items come and go, and a later showing begins anew. Corrections of decisions that may be
 * among the forgotten ones are passed over.
 */
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
    const exploration = reward.exploration!
    const { policy, version, context } = exploration
    const known = this.#versionOf(policy, version)
    if (!known) return `nobody knows the policy ${policy} with ${version}`
    if (!context.every(Number.isFinite)) return 'the context of its exploration is not all numbers'
    const features = contextWidth(exploration, known.over)
    if (!Number.isInteger(features))
      return `a context of ${context.length} numbers is not one of ${exploration.arms.length} items`
    const width = known.policy.width(features)
    if (!(width >= 1 && width <= numbersMax)) return `a context of ${features} numbers is not for ${policy} with ${version}`
    const arms = transaction.get(learnedFamily, name)?.arms ?? []
    const other = arms.find(({ sums }) => sums.length > 0 && sums.length !== width)
    if (other) return `its context of ${features} numbers takes ${width} sums, but there are ${other.sums.length}`
    const explored = exploredOf(reward)
    const stranger = areItems(known.over) && explored.find(({ slot }) => !exploration.arms.includes(slot.itemId))
    if (stranger) return `the item of its slot ${stranger.slot.position} is none that it drew from`
    if (known.over === 'ranker' && !exploration.arms.includes(rankerArm(reward)))
      return `${rankerArm(reward)} is none that it drew from`
    const wrong = explored.find(({ slot }) => !(slot.propensity > 0 && slot.propensity <= 1))
    return wrong ? `the chance ${wrong.slot.propensity} of its slot ${wrong.slot.position} is not in (0, 1]` : null
  }

  /**
   * Adds a row's explored slots, or what a correction changes in them, and says who learned from them; null if nobody. Its state is
   * loaded and it has no fault.
   */
  add(transaction: Pick<Transaction, 'get' | 'put'>, reward: Reward): Explorer | null {
    const name = this.nameOf(reward)
    if (name === null) return null
    const { policy, version, segment } = reward.exploration!
    const known = this.#versionOf(policy, version)!
    const { halfLifeMs } = known
    const { timeMs, closedMs, decisionId } = reward
    const state = transaction.get(learnedFamily, name) ?? emptyState(halfLifeMs === 0 ? 0 : timeMs)
    const observations = observationsOf(reward, known)
    if (reward.revision > 0 && (observations.length === 0 || timeMs <= state.forgottenMs)) return null
    moveTo(state, fadingReference(timeMs, state.referenceMs, halfLifeMs), halfLifeMs)
    const fade = fadingWeight(timeMs, state.referenceMs, halfLifeMs)
    for (const { arm: name, features, propensity, now, before } of observations) {
      const home = known.policy.armOf(name)
      const width = known.policy.width(features.length)
      makeRoom(state, name, width)
      const arm = counted(state, name, now, before, timeMs)
      update(arm.weighted, weightedWidth, (sums) => {
        if (before) observeWeighted(sums, before.reward, propensity, -1)
        if (now) observeWeighted(sums, now.reward, propensity)
      })
      const { sums } = home === name ? arm : counted(state, home, now, before, timeMs)
      const seen = { features, seed: decisionId }
      update(sums, width, (own) => {
        if (now && before) correctExactly(known.policy, own, { ...seen, ...now }, before, fade)
        else if (now) learnExactly(known.policy, own, { ...seen, ...now }, fade)
        else if (before) learnExactly(known.policy, own, { ...seen, ...before }, -fade)
      })
      state.rewards += Number(now !== null) - Number(before !== null)
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
  return { rewards: 0, rows: 0, eventTimeMs: 0, referenceMs, forgottenMs: 0, arms: [] }
}

function exploredOf({ slots }: Reward): RewardSlot[] {
  return slots.filter(({ slot }) => slot.explored)
}

/** How far an arm was seen, and what followed. */
interface Seen {
  readonly reward: number
  readonly weight: number
}

/** What a row says of an arm, and what the row before it said; null where it was not seen. */
interface ArmObservation {
  readonly arm: string
  readonly features: Float64Array
  readonly propensity: number
  readonly now: Seen | null
  readonly before: Seen | null
}

/** What a row says of arms that it did not say before: of a slate those that were seen, as far as they were. */
function observationsOf(reward: Reward, version: PolicyVersion): ArmObservation[] {
  const { over } = version
  if (over === 'ranker') return rankerObservation(reward)
  const { arms, context } = reward.exploration!
  const width = contextWidth(reward.exploration!, over)
  const explored = exploredOf(reward).sort((a, b) => a.slot.position - b.slot.position)
  const now = seenIn(
    explored,
    explored.map((one) => one.reward),
    version,
  )
  const before = seenIn(
    explored,
    explored.flatMap((one) => one.before?.reward ?? []),
    version,
  )
  return explored.flatMap(({ slot }, at) => {
    const arm = armOfSlot(over, slot, reward)
    const row = areItems(over) ? arms.indexOf(arm) : 0
    const features = Float64Array.from(context.slice(row * width, (row + 1) * width))
    const [is, was] = [now.get(at) ?? null, before.get(at) ?? null]
    return isSame(is, was) ? [] : [{ arm, features, propensity: slot.propensity, now: is, before: was }]
  })
}

/** Of a list whose ranker was drawn: what its best slot brought. */
function rankerObservation(reward: Reward): ArmObservation[] {
  const explored = exploredOf(reward)
  if (explored.length === 0) return []
  const best = (rewards: readonly number[]): Seen | null =>
    rewards.length > 0 ? { reward: Math.max(...rewards), weight: 1 } : null
  const now = best(explored.map((one) => one.reward))
  const before = best(explored.flatMap((one) => one.before?.reward ?? []))
  const features = Float64Array.from(reward.exploration!.context)
  const { propensity } = explored[0]!.slot
  return isSame(now, before) ? [] : [{ arm: rankerArm(reward), features, propensity, now, before }]
}

function isSame(one: Seen | null, other: Seen | null): boolean {
  return one?.reward === other?.reward && one?.weight === other?.weight
}

/** By slot, which were seen with these rewards and how far; none where nothing was said yet. */
function seenIn(explored: readonly RewardSlot[], rewards: readonly number[], { over, looked }: PolicyVersion): Map<number, Seen> {
  const seen =
    over === 'slate' && looked.length === 0
      ? cascadeObservations(rewards)
      : positionObservations(
          rewards,
          explored.map(({ slot }) => looked[Math.min(slot.position, looked.length - 1)] ?? 1),
        )
  return new Map(seen.map(({ slot, reward, weight }) => [slot, { reward, weight }]))
}

/** Forgets arms that were shown longest ago until another one fits; the arm that all share stays. */
function makeRoom(state: LearnedState, name: string, width: number): void {
  const own = state.arms.filter(({ weighted }) => weighted.length > 0)
  const most = Math.min(armsMax, Math.max(1, Math.floor(numbersMax / (width + weightedWidth))))
  if (own.length < most || own.some(({ arm }) => arm === name)) return
  const oldest = own.reduce((least, arm) => (arm.lastMs < least.lastMs ? arm : least))
  state.arms.splice(state.arms.indexOf(oldest), 1)
  state.forgottenMs = Math.max(state.forgottenMs, oldest.lastMs)
}

/** All sums as of a later time. */
function moveTo(state: LearnedState, referenceMs: number, halfLifeMs: number): void {
  if (referenceMs === state.referenceMs) return
  for (const { sums } of state.arms)
    update(sums, sums.length, (own) => moveReference(own, state.referenceMs, referenceMs, halfLifeMs))
  state.referenceMs = referenceMs
}

/** An arm of the state, with one more decision in it, or what a correction makes of one. */
function counted(state: LearnedState, name: string, now: Seen | null, before: Seen | null, timeMs: number): LearnedArm {
  let arm = state.arms.find((other) => other.arm === name)
  if (!arm) {
    arm = { arm: name, decisions: 0, rewardMilli: 0, lastMs: 0, sums: [], weighted: [] }
    // In order of name: what is summed over arms must not depend on who was heard of first.
    state.arms.push(arm)
    state.arms.sort((a, b) => (a.arm < b.arm ? -1 : 1))
  }
  arm.decisions += Number(now !== null) - Number(before !== null)
  arm.lastMs = Math.max(arm.lastMs, timeMs)
  arm.rewardMilli += (now ? milliOf(now.reward) : 0) - (before ? milliOf(before.reward) : 0)
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
