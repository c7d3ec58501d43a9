import type { RankedItems } from '../../algorithms/session-index.ts'
import type { Observation, Query, RankedList, Recommender } from '../recommender.ts'
import { takeRanked } from '../take-ranked.ts'

/** An index of sessions that takes events one by one. */
export interface LearningIndex {
  add(sessionKey: number, item: number, timeMs: number): boolean
}

/** Sessions remembered unless a setting says otherwise: what fits into a few hundred megabytes. */
export const sessionsMaxDefault = 400_000

/** Recommends what follows the running session (or, without one, the user's newest items) by an index of sessions. */
export class SessionRecommender implements Recommender {
  readonly #index: LearningIndex
  readonly #ask: (current: Int32Array, query: Readonly<Query>, count: number) => RankedItems

  constructor(index: LearningIndex, ask: (current: Int32Array, query: Readonly<Query>, count: number) => RankedItems) {
    this.#index = index
    this.#ask = ask
  }

  learn({ session, item, timeMs }: Observation): void {
    this.#index.add(session, item, timeMs)
  }

  recommend(query: Query, n: number, out: RankedList): void {
    const { sessionItems, userItems, excluded, excludedCount } = query
    const current = sessionItems.length > 0 ? sessionItems : userItems
    if (current.length === 0) out.count = 0
    else takeRanked(this.#ask(current, query, n + excludedCount), excluded, n, out)
  }
}
