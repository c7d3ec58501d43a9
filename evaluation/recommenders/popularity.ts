import { Leaderboard } from '../../algorithms/leaderboard.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec } from '../recommender.ts'

/** Items by number of events so far. */
class Popularity implements Recommender {
  readonly #board: Leaderboard

  constructor(itemCount: number) {
    this.#board = new Leaderboard(itemCount)
  }

  learn({ item }: Observation): void {
    this.#board.add(item, 1)
  }

  recommend({ excluded }: Query, n: number, out: RankedList): void {
    out.count = this.#board.top(n, excluded, out.items, out.scores)
  }
}

/** What every other algorithm must beat. */
export const popularity: RecommenderSpec = {
  name: 'popularity',
  summary: 'Most events so far, the same for everybody.',
  defaults: {},
  create: ({ itemCount }) => new Popularity(itemCount),
}
