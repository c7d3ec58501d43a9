import { AssociationRules } from './association-rules.ts'
import type { RuleCounts } from './rule-counts.ts'
import { SequentialRules } from './sequential-rules.ts'

/** Which rules are learned, and how much is remembered. */
export interface SessionRulesOptions {
  readonly association: boolean
  readonly sequential: boolean
  /** Items are whole numbers in [0, itemsMax); others are not learned. */
  readonly itemsMax: number
  /** Running sessions remembered; one more forgets the one that was quiet longest. Default 20,000. */
  readonly sessionsMax?: number
}

/** Newest items of a session that the next one is paired with. */
const backMax = 20
/** Rules kept per item. */
const consequentsMax = 100
const sessionsMaxDefault = 20_000
const none = new Int32Array(0)

/**
 * AR and SR (association-rules.ts, sequential-rules.ts) learned from the steps of many sessions as they come in. A touch of the item that
 * was touched last says nothing new: a view, its click and its purchase are one step.
 */
export class SessionRules {
  readonly #association: AssociationRules | null
  readonly #sequential: SequentialRules | null
  readonly #itemsMax: number
  readonly #sessionsMax: number
  /** Newest items of each session, oldest first; the session that was quiet longest comes first. */
  readonly #running = new Map<number, Int32Array>()

  constructor({ association, sequential, itemsMax, sessionsMax = sessionsMaxDefault }: SessionRulesOptions) {
    this.#association = association ? new AssociationRules({ itemsMax, backMax, consequentsMax }) : null
    this.#sequential = sequential ? new SequentialRules({ itemsMax, stepsMax: backMax, consequentsMax }) : null
    this.#itemsMax = itemsMax
    this.#sessionsMax = sessionsMax
  }

  /** What was touched in one session; null if these are not learned. */
  get association(): RuleCounts | null {
    return this.#association?.rules ?? null
  }

  /** What was touched after it; null if these are not learned. */
  get sequential(): RuleCounts | null {
    return this.#sequential?.rules ?? null
  }

  /** Takes the next step of a session. */
  learn(session: number, item: number): void {
    if (item < 0 || item >= this.#itemsMax) return
    const before = this.#running.get(session) ?? none
    this.#running.delete(session)
    this.#running.set(session, before)
    if (before.at(-1) === item) return
    this.#association?.add(before, item)
    this.#sequential?.add(before, item)
    const kept = before.length < backMax ? before : before.subarray(1)
    const after = new Int32Array(kept.length + 1)
    after.set(kept)
    after[kept.length] = item
    this.#running.set(session, after)
    if (this.#running.size > this.#sessionsMax) this.#running.delete(this.#running.keys().next().value!)
  }
}
