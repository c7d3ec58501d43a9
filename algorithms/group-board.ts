import type { TrendList } from './candidates/trend-lists.ts'
import { topK } from './top-k.ts'

const halfLifeMs = 7 * 86_400_000
/** Items counted at most; when there are twice as many the least are forgotten. */
const itemsMax = 1_000
/** Places of the list. */
const listMax = 100
/** People counted apart at most: beyond, only that they are many matters. */
const peopleMax = 128

/**
 * What a group of people touches, by decayed counts, half-life 7 days (features.md F3.15): weights grow with time instead of old ones
 * shrinking (forward decay, Cormode et al., ICDE 2009), so a touch costs one number. Bounded: about 30 KB.
 */
export class GroupBoard {
  #scores = new Map<number, number>()
  readonly #people = new Set<number>()
  /** Weights are 1 at this time; a double holds a thousand half-lives from it. */
  #referenceMs = Number.NaN
  #list: TrendList | undefined
  /** Touches since the list was made. */
  #changes = 0

  /** Counts a touch; any order of time. */
  add(person: number, row: number, timeMs: number): void {
    if (Number.isNaN(this.#referenceMs)) this.#referenceMs = timeMs
    const weight = 2 ** ((timeMs - this.#referenceMs) / halfLifeMs)
    this.#scores.set(row, (this.#scores.get(row) ?? 0) + weight)
    if (this.#people.size < peopleMax) this.#people.add(person)
    if (this.#scores.size > 2 * itemsMax) this.#forget()
    this.#changes++
  }

  /** The most touched items, best first, ties by lower row. Made anew when a twentieth of what it stands on is new. */
  list(): TrendList {
    if (this.#list !== undefined && this.#changes * 20 < this.#scores.size) return this.#list
    const rows = Int32Array.from(this.#scores.keys()).sort()
    const scores = Float64Array.from(rows, (row) => this.#scores.get(row)!)
    const { indices } = topK(scores, listMax)
    this.#list = {
      people: this.#people.size,
      popularRows: Int32Array.from(indices, (at) => rows[at]!),
      popularScores: Float64Array.from(indices, (at) => scores[at]!),
      trendRows: new Int32Array(0),
      trendScores: new Float64Array(0),
    }
    this.#changes = 0
    return this.#list
  }

  #forget(): void {
    const best = [...this.#scores].sort(([a, x], [b, y]) => y - x || a - b)
    this.#scores = new Map(best.slice(0, itemsMax))
  }
}
