import { offerBest, sortBest } from '../top-k.ts'

/** Sums scores by row over a few related lists and ranks them; reused between queries, empty in between. */
export class RowScores {
  /** Place of a row in the columns. */
  readonly #places = new Map<number, number>()
  #rows = new Int32Array(256)
  #sums = new Float64Array(256)
  /** The largest contribution of a row, and the row it came from. */
  #largest = new Float64Array(256)
  #because = new Int32Array(256)

  add(row: number, score: number, because: number): void {
    const place = this.#places.get(row) ?? this.#append(row)
    this.#sums[place]! += score
    if (score <= this.#largest[place]!) return
    this.#largest[place] = score
    this.#because[place] = because
  }

  /** The best rows with what each follows from; forgets everything. */
  take(countMax: number): { rows: Int32Array; scores: Float64Array; because: Int32Array; count: number } {
    const size = Math.min(countMax, this.#places.size)
    const rows = new Int32Array(size)
    const scores = new Float64Array(size)
    let count = 0
    for (let place = 0; place < this.#places.size; place++)
      count = offerBest(rows, scores, count, this.#rows[place]!, this.#sums[place]!)
    sortBest(rows, scores, count)
    const because = new Int32Array(size)
    for (let i = 0; i < count; i++) because[i] = this.#because[this.#places.get(rows[i]!)!]!
    this.#places.clear()
    return { rows, scores, because, count }
  }

  #append(row: number): number {
    const place = this.#places.size
    if (place === this.#rows.length) this.#grow()
    this.#places.set(row, place)
    this.#rows[place] = row
    this.#sums[place] = 0
    this.#largest[place] = 0
    this.#because[place] = -1
    return place
  }

  #grow(): void {
    const size = this.#rows.length * 2
    const [rows, sums, largest, because] = [this.#rows, this.#sums, this.#largest, this.#because]
    this.#rows = new Int32Array(size)
    this.#sums = new Float64Array(size)
    this.#largest = new Float64Array(size)
    this.#because = new Int32Array(size)
    this.#rows.set(rows)
    this.#sums.set(sums)
    this.#largest.set(largest)
    this.#because.set(because)
  }
}
