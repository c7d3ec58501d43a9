import { insertBest } from '../../algorithms/top-k.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec } from '../recommender.ts'

/** Items by number of events so far, the same for everybody: what every other algorithm must beat. */
class Popularity implements Recommender {
  readonly #counts: Float64Array
  readonly #seen: Int32Array
  #seenCount = 0

  constructor(itemCount: number) {
    this.#counts = new Float64Array(itemCount)
    this.#seen = new Int32Array(itemCount)
  }

  learn({ item }: Observation): void {
    if (this.#counts[item] === 0) this.#seen[this.#seenCount++] = item
    this.#counts[item]!++
  }

  recommend({ excluded }: Query, n: number, out: RankedList): void {
    const items = out.items.subarray(0, n)
    let filled = 0
    for (let at = 0; at < this.#seenCount; at++) {
      const item = this.#seen[at]!
      if (excluded !== null && excluded[item] !== 0) continue
      filled = insertBest(items, out.scores, filled, item, this.#counts[item]!)
    }
    out.count = filled
  }
}

export const popularity: RecommenderSpec = {
  name: 'popularity',
  summary: 'Most events so far, the same for everybody.',
  defaults: {},
  create: ({ itemCount }) => new Popularity(itemCount),
}
