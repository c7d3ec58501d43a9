import { insertBest } from '../algorithms/top-k.ts'
import type { Observation, Query, RankedList, Recommender } from './recommender.ts'

/** An algorithm that has a number for every item: what can be ranked alone or blended with others. */
export interface ScoreSource {
  /** As in `Recommender`. */
  learn(observation: Readonly<Observation>): void
  /** As in `Recommender`. */
  fit?(): void
  /** Writes a score for every item into `scores` (itemCount numbers), larger is better; false if nothing is known of the user. */
  scores(query: Readonly<Query>, scores: Float64Array): boolean
  /** As in `Recommender`. */
  predict?(user: number, item: number): number
  /** Whether 0 means that nothing speaks for an item, so that it has no place in a list. */
  readonly zeroIsNothing: boolean
}

/** Ranks a source's scores over all items learned so far. */
export class ScoredRecommender implements Recommender {
  readonly #source: ScoreSource
  readonly #known: Uint8Array
  readonly #scores: Float64Array
  readonly predict?: (user: number, item: number) => number

  /** `describedItems`: items that may be recommended before anybody touched them. */
  constructor(source: ScoreSource, itemCount: number, describedItems: Iterable<number> = []) {
    this.#source = source
    this.#known = new Uint8Array(itemCount)
    this.#scores = new Float64Array(itemCount)
    for (const item of describedItems) this.#known[item] = 1
    if (source.predict !== undefined) this.predict = (user, item) => source.predict!(user, item)
  }

  learn(observation: Observation): void {
    this.#known[observation.item] = 1
    this.#source.learn(observation)
  }

  fit(): void {
    this.#source.fit?.()
  }

  recommend(query: Query, n: number, out: RankedList): void {
    out.count = 0
    const scores = this.#scores
    if (!this.#source.scores(query, scores)) return
    const { excluded } = query
    const { zeroIsNothing } = this.#source
    const items = out.items.length === n ? out.items : out.items.subarray(0, n)
    let filled = 0
    for (let item = 0; item < scores.length; item++) {
      const score = scores[item]!
      // Most items are worse than the last on the list: the cheapest question comes first.
      if (filled === n && !(score > out.scores[n - 1]!)) continue
      if (this.#known[item] === 0 || (zeroIsNothing && score === 0) || (excluded !== null && excluded[item] !== 0)) continue
      filled = insertBest(items, out.scores, filled, item, score)
    }
    out.count = filled
  }
}
