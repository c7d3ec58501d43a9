import type { NewcomerTrials } from '../../algorithms/candidates/newcomer-candidates.ts'
import type { Sourced } from '../../ports/batch.ts'
import { type BanditUpdate, newcomerArm, wholePolicy } from '../../schemas/bandit-update.ts'

/** A Beta posterior of one arm. */
export interface ArmPosterior {
  readonly alpha: number
  readonly beta: number
}

/** Click-through while nothing was shown: 5 of 100. */
const unknownRate: ArmPosterior = { alpha: 5, beta: 95 }
const prior: ArmPosterior = { alpha: 1, beta: 1 }

/** `bandit-updates` as a table: the newest posterior of each arm of each policy. */
export class BanditTable {
  readonly #arms = new Map<string, ArmPosterior>()

  #version = 0

  /** Grows whenever a posterior moves. */
  get version(): number {
    return this.#version
  }

  /** The posterior of an arm; Beta(1, 1) if nothing is known. */
  get(policy: string, arm: string): ArmPosterior {
    return this.#arms.get(`${policy}/${arm}`) ?? prior
  }

  /** Showings and clicks of new items in the exploration slot of a policy, and the click-through of all its slots. */
  newcomerTrials(policy: string): NewcomerTrials {
    const table = this
    return {
      of(itemId) {
        const { alpha, beta } = table.get(policy, newcomerArm(itemId))
        return { impressions: alpha + beta - 2, clicks: alpha - 1 }
      },
      get meanRate() {
        const { alpha, beta } = table.#arms.get(`${policy}/${wholePolicy}`) ?? unknownRate
        return alpha / (alpha + beta)
      },
    }
  }

  apply(records: readonly Sourced<BanditUpdate | null>[]): void {
    this.#version++
    for (const { key, value } of records) {
      if (value === null) this.#arms.delete(key)
      else this.#arms.set(`${value.policy}/${value.arm}`, { alpha: value.alpha, beta: value.beta })
    }
  }
}
