import { fadingReference, fadingWeight, moveReference } from '../algorithms/bandits/fading-weight.ts'
import { learnExactly } from '../algorithms/bandits/learn-exactly.ts'
import { type PolicyVersion, readPolicyVersion } from '../algorithms/bandits/policy-version.ts'
import { observeWeighted, weightedWidth } from '../algorithms/bandits/weighted-mean.ts'
import { MillraceError } from '../core/errors.ts'
import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type LearnedState, learnedStateSchema } from '../schemas/bandit-state.ts'
import { type Explorer, learnedName } from '../schemas/bandit-update.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'

export const learnedFamily: StateFamily<LearnedState> = { name: 'learned', codec: learnedStateSchema }

/** One arm whose state moved. */
export interface MovedArm {
  readonly policy: string
  readonly arm: string
  readonly explorer: Explorer
}

/** Policies read from the log that are remembered. */
const remembered = 256

/** What bandit policies learn from the slots they chose, by the features and the chance of the decision, never by today's. */
export class LearnedArms {
  readonly #versions = new Map<string, PolicyVersion>()

  /** Keys of what a row moves, with the arm each is about; none for a row from before policies told their version, or of another's. */
  keysOf({ policy, exploration, slots }: Reward): Map<string, MovedArm> {
    const keys = new Map<string, MovedArm>()
    const known = exploration && this.#versionOf(exploration)
    if (!exploration || !known) return keys
    const explorer = { policy: exploration.policy, version: exploration.version, segment: exploration.segment }
    const name = learnedName(policy, explorer)
    for (const { slot } of slots) {
      if (!slot.explored) continue
      // What all arms share goes first: a reader that has it knows as much as the policy did when it drew.
      for (const arm of [known.policy.armOf(slot.source), slot.source])
        keys.set(`${name}/${arm}`, { policy: name, arm, explorer })
    }
    return keys
  }

  /** Why a row cannot be learned from, null if it can. Its keys must be loaded. */
  faultOf(transaction: Transaction, reward: Reward): string | null {
    const { exploration, slots } = reward
    if (!exploration || exploration.version === '') return null
    const known = this.#versionOf(exploration)
    if (!known) return `nobody knows the policy ${exploration.policy} with ${exploration.version}`
    if (!exploration.context.every(Number.isFinite)) return 'the context of its exploration is not all numbers'
    const width = known.policy.width(exploration.context.length)
    for (const [key, { arm }] of this.keysOf(reward)) {
      const sums = transaction.get(learnedFamily, key)?.sums.length ?? 0
      if (known.policy.armOf(arm) === arm && sums > 0 && sums !== width) return `${sums} sums do not fit ${width}`
    }
    const wrong = slots.find(({ slot }) => slot.explored && !(slot.propensity > 0 && slot.propensity <= 1))
    return wrong ? `the chance ${wrong.slot.propensity} of its slot ${wrong.slot.position} is not in (0, 1]` : null
  }

  /** Adds a row's explored slots; its keys are loaded and it has no fault. */
  add(transaction: Transaction, reward: Reward): void {
    const { policy, exploration, slots } = reward
    const known = exploration && this.#versionOf(exploration)
    if (!exploration || !known) return
    const name = learnedName(policy, exploration)
    for (const slot of slots) {
      if (!slot.slot.explored) continue
      const arm = slot.slot.source
      const home = known.policy.armOf(arm)
      const state = count(transaction, `${name}/${arm}`, slot, reward)
      observeInto(state.weighted, weightedWidth, (sums) => observeWeighted(sums, slot.reward, slot.slot.propensity))
      const learning = home === arm ? state : count(transaction, `${name}/${home}`, slot, reward)
      learn(learning, known, reward, slot.reward)
    }
  }

  /** Null for what this code does not know, and for records from before versions were told. */
  #versionOf({ policy, version }: Exploration): PolicyVersion | null {
    if (version === '') return null
    const key = `${policy}/${version}`
    let known = this.#versions.get(key)
    if (!known) {
      try {
        known = readPolicyVersion(policy, version)
      } catch (error) {
        if (error instanceof MillraceError) return null
        throw error
      }
      if (this.#versions.size >= remembered) this.#versions.clear()
      this.#versions.set(key, known)
    }
    return known
  }
}

/** The state under a key with one more decision in it. */
function count(transaction: Transaction, key: string, { reward }: RewardSlot, { closedMs, timeMs }: Reward): LearnedState {
  const state = transaction.get(learnedFamily, key) ?? {
    decisions: 0,
    rewardMilli: 0,
    eventTimeMs: 0,
    referenceMs: timeMs,
    sums: [],
    weighted: [],
  }
  state.decisions++
  state.rewardMilli += Math.round(1000 * Math.min(1, Math.max(0, reward)))
  state.eventTimeMs = Math.max(state.eventTimeMs, closedMs)
  transaction.put(learnedFamily, key, state)
  return state
}

function learn(state: LearnedState, { policy, halfLifeMs }: PolicyVersion, row: Reward, reward: number): void {
  const { timeMs, decisionId, exploration } = row
  const features = Float64Array.from(exploration!.context)
  const referenceMs = fadingReference(timeMs, state.referenceMs, halfLifeMs)
  observeInto(state.sums, policy.width(features.length), (sums) => {
    moveReference(sums, state.referenceMs, referenceMs, halfLifeMs)
    const weight = fadingWeight(timeMs, referenceMs, halfLifeMs)
    learnExactly(policy, sums, { features, reward, weight, seed: decisionId })
  })
  state.referenceMs = referenceMs
}

/** Lets `observe` add to numbers of the state, `width` of them, zeros at first. */
function observeInto(numbers: number[], width: number, observe: (sums: Float64Array) => void): void {
  const sums = Float64Array.from({ length: width }, (_, i) => numbers[i] ?? 0)
  observe(sums)
  for (let i = 0; i < width; i++) numbers[i] = sums[i]!
}
