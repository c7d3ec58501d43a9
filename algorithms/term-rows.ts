/** Numbers at hand at the start, and the share of them that may lie idle before all are moved together. */
const numbersFirst = 1 << 12
const idleShareMax = 0.5

/**
 * The terms of each item with their frequencies, all in two arrays side by side: a list asks for those of hundreds of items, and an
 * object for each costs more to find than to read. Places of what went are used again when half of all are idle.
 */
export class TermRows {
  /** Of item i: `counts[i]` numbers from `starts[i]` on, −1 where it is not held. Valid until the next `set`. */
  starts = new Int32Array(1024).fill(-1)
  counts = new Int32Array(1024)
  terms = new Int32Array(numbersFirst)
  frequencies = new Float64Array(numbersFirst)
  /** Places given away, and how many of them nobody holds any more. */
  #end = 0
  #idle = 0
  #size = 0

  /** Items held. */
  get size(): number {
    return this.#size
  }

  has(item: number): boolean {
    return item >= 0 && item < this.starts.length && this.starts[item]! >= 0
  }

  /** Puts an item that is not held. */
  set(item: number, terms: Int32Array, frequencies: Float64Array): void {
    if (item >= this.starts.length) this.#lengthen(item + 1)
    if (this.#end + terms.length > this.terms.length) this.#makeRoom(terms.length)
    this.starts[item] = this.#end
    this.counts[item] = terms.length
    this.terms.set(terms, this.#end)
    this.frequencies.set(frequencies, this.#end)
    this.#end += terms.length
    this.#size++
  }

  /** Takes an item out that is held. */
  delete(item: number): void {
    this.#idle += this.counts[item]!
    this.starts[item] = -1
    this.counts[item] = 0
    this.#size--
  }

  /** The items held, ascending. */
  *items(): Iterable<number> {
    for (let item = 0; item < this.starts.length; item++) if (this.starts[item]! >= 0) yield item
  }

  /** An item's terms; none where it is not held. */
  termsOf(item: number): Int32Array {
    return this.has(item) ? this.terms.subarray(this.starts[item]!, this.starts[item]! + this.counts[item]!) : noTerms
  }

  #lengthen(items: number): void {
    const length = Math.max(items, 2 * this.starts.length)
    const starts = new Int32Array(length).fill(-1)
    starts.set(this.starts)
    this.starts = starts
    const counts = new Int32Array(length)
    counts.set(this.counts)
    this.counts = counts
  }

  /** Moves all rows together, into longer arrays unless half of these was idle. */
  #makeRoom(more: number): void {
    const used = this.#end - this.#idle + more
    const length =
      this.#idle >= idleShareMax * this.#end && used <= this.terms.length
        ? this.terms.length
        : 2 * Math.max(used, this.terms.length)
    const terms = new Int32Array(length)
    const frequencies = new Float64Array(length)
    let end = 0
    for (const item of this.items()) {
      const from = this.starts[item]!
      const to = from + this.counts[item]!
      terms.set(this.terms.subarray(from, to), end)
      frequencies.set(this.frequencies.subarray(from, to), end)
      this.starts[item] = end
      end += to - from
    }
    this.terms = terms
    this.frequencies = frequencies
    this.#end = end
    this.#idle = 0
  }
}

const noTerms = new Int32Array(0)
