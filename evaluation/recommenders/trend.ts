import { Leaderboard } from '../../algorithms/leaderboard.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec } from '../recommender.ts'

const hourMs = 3_600_000
/** Half-lives after which the landmark moves: weights stay far from the largest number. */
const halfLivesMax = 500

/** Items by events, each of which fades by half in every half-life: forward decay (see algorithms/decayed-sum.ts). */
class Trend implements Recommender {
  readonly #board: Leaderboard
  readonly #halfLifeMs: number
  #landmarkMs = Number.NEGATIVE_INFINITY

  constructor(itemCount: number, halfLifeMs: number) {
    this.#board = new Leaderboard(itemCount)
    this.#halfLifeMs = halfLifeMs
  }

  learn({ item, timeMs }: Observation): void {
    if (this.#landmarkMs === Number.NEGATIVE_INFINITY) this.#landmarkMs = timeMs
    const passed = (timeMs - this.#landmarkMs) / this.#halfLifeMs
    if (passed > halfLivesMax) {
      this.#board.scale(2 ** -passed)
      this.#landmarkMs = timeMs
    }
    this.#board.add(item, 2 ** Math.max(-halfLivesMax, (timeMs - this.#landmarkMs) / this.#halfLifeMs))
  }

  recommend({ excluded }: Query, n: number, out: RankedList): void {
    out.count = this.#board.top(n, excluded, out.items, out.scores)
  }
}

/** What moves now. */
export const trend: RecommenderSpec<{ halfLifeHours: number }> = {
  name: 'trend',
  summary: 'Events that fade by half in every half-life, the same for everybody.',
  defaults: { halfLifeHours: 24 },
  create: ({ itemCount }, { halfLifeHours }) => new Trend(itemCount, halfLifeHours * hourMs),
}
