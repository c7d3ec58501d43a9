import type { Contestant } from './contestant.ts'
import { emptyRankedList, type Query, type RankedList } from './recommender.ts'

/**
 * The candidates of one question from several sources, each with its place and score in every source. Holds the newest question
 * only; bounded by sources × depth + what is added by hand.
 */
export class CandidatePool {
  /** Candidates in order of discovery. */
  readonly items: number[] = []
  readonly #sources: readonly Contestant[]
  readonly #lists: readonly RankedList[]
  readonly #rows = new Map<number, number>()
  /** Per candidate and source its place from 0, −1 outside. */
  #places = new Int16Array(0)

  /** Each source is asked for its best `depth` items. */
  constructor(sources: readonly Contestant[], depth: number) {
    this.#sources = sources
    this.#lists = sources.map(() => emptyRankedList(depth))
  }

  /** Asks every source; `own` are candidates whatever the sources say, unless they are excluded. */
  fill(query: Readonly<Query>, own: Iterable<number>): void {
    this.items.length = 0
    this.#rows.clear()
    for (let s = 0; s < this.#sources.length; s++) {
      const list = this.#lists[s]!
      this.#sources[s]!.recommender.recommend(query, list.items.length, list)
      for (let place = 0; place < list.count; place++) this.#add(list.items[place]!)
    }
    for (const item of own) if (query.excluded === null || query.excluded[item] === 0) this.#add(item)
    const size = this.items.length * this.#lists.length
    if (this.#places.length < size) this.#places = new Int16Array(2 * size)
    this.#places.fill(-1, 0, size)
    this.#lists.forEach(({ items, count }, s) => {
      for (let place = 0; place < count; place++) this.#places[this.#rows.get(items[place]!)! * this.#lists.length + s] = place
    })
  }

  /** Place of a candidate (its number in `items`) in a source's list, from 0; −1 if it is not there. */
  place(candidate: number, source: number): number {
    return this.#places[candidate * this.#lists.length + source]!
  }

  /** Score of the candidate as a share of the source's best, in [0, 1]; 0 if it is not there. */
  share(candidate: number, source: number): number {
    const place = this.place(candidate, source)
    if (place < 0) return 0
    const { scores } = this.#lists[source]!
    return scores[0]! > 0 ? Math.max(0, scores[place]! / scores[0]!) : 0
  }

  #add(item: number): void {
    if (this.#rows.has(item)) return
    this.#rows.set(item, this.items.length)
    this.items.push(item)
  }
}
