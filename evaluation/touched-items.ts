import { type SparseRows, sparseRowsOf } from '../algorithms/sparse-rows.ts'
import type { Observation } from './recommender.ts'

/** Writes down who touched what, for algorithms that train on whole rows of users. */
export class TouchedItems {
  readonly #lists: number[][]
  readonly #itemCount: number

  constructor(userCount: number, itemCount: number) {
    this.#lists = Array.from({ length: userCount }, () => [])
    this.#itemCount = itemCount
  }

  add({ user, item }: Observation): void {
    this.#lists[user]!.push(item)
  }

  /** Users × items, 1 for what was touched however often. */
  rows(): SparseRows {
    return sparseRowsOf(this.#lists, this.#itemCount)
  }
}
