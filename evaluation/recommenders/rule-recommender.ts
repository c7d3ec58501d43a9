import type { RuleCounts } from '../../algorithms/rule-counts.ts'
import type { Observation, Query, RankedList, Recommender } from '../recommender.ts'

/** Rules that learn from the events of a session so far. */
export interface RuleLearner {
  readonly rules: RuleCounts
  add(before: Int32Array, item: number): void
}

/** Newest items of a session that rules can look back on. */
const backMax = 50

/**
 * Recommends what follows the newest item of the session, from the `kept` heaviest rules of it (20 in the literature). The
 * running sessions' newest items are kept here, since learning needs them.
 */
export class RuleRecommender implements Recommender {
  readonly #learner: RuleLearner
  readonly #kept: number
  readonly #recent: (Int32Array | undefined)[]
  readonly #lengths: Int32Array

  constructor(learner: RuleLearner, options: { kept: number; sessionCount: number }) {
    this.#learner = learner
    this.#kept = options.kept
    this.#recent = new Array<Int32Array | undefined>(options.sessionCount)
    this.#lengths = new Int32Array(options.sessionCount)
  }

  learn({ session, item }: Observation): void {
    const recent = this.#room(session)
    let length = this.#lengths[session]!
    this.#learner.add(recent.subarray(0, length), item)
    if (length === backMax) {
      recent.copyWithin(0, 1)
      length--
    }
    recent[length] = item
    this.#lengths[session] = length + 1
  }

  recommend({ sessionItems, userItems, excluded }: Query, n: number, out: RankedList): void {
    const newest = sessionItems.at(-1) ?? userItems.at(-1)
    const size = Math.min(n, this.#kept)
    out.count = newest === undefined ? 0 : this.#learner.rules.top(newest, excluded, out.items.subarray(0, size), out.scores)
  }

  #room(session: number): Int32Array {
    const recent = this.#recent[session]
    const length = this.#lengths[session]!
    if (recent !== undefined && length < recent.length) return recent
    if (recent !== undefined && length === backMax) return recent
    const wider = new Int32Array(recent === undefined ? 4 : Math.min(backMax, recent.length * 2))
    if (recent !== undefined) wider.set(recent)
    this.#recent[session] = wider
    return wider
  }
}
