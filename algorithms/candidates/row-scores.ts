import { insertBest } from '../top-k.ts'

/** Sums scores by row over a few related lists and ranks them; reused between queries, empty in between. */
export class RowScores {
  readonly #sums = new Map<number, number>()
  /** The row whose contribution was largest, by row. */
  readonly #because = new Map<number, number>()
  readonly #largest = new Map<number, number>()

  add(row: number, score: number, because: number): void {
    this.#sums.set(row, (this.#sums.get(row) ?? 0) + score)
    if (score <= (this.#largest.get(row) ?? 0)) return
    this.#largest.set(row, score)
    this.#because.set(row, because)
  }

  /** The best rows with what each follows from; forgets everything. */
  take(countMax: number): { rows: Int32Array; scores: Float64Array; because: Int32Array; count: number } {
    const size = Math.min(countMax, this.#sums.size)
    const rows = new Int32Array(size)
    const scores = new Float64Array(size)
    let count = 0
    for (const [row, score] of this.#sums) count = insertBest(rows, scores, count, row, score)
    const because = Int32Array.from(rows, (row) => this.#because.get(row) ?? -1)
    this.#sums.clear()
    this.#because.clear()
    this.#largest.clear()
    return { rows, scores, because, count }
  }
}
