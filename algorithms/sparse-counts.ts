import { MillraceError } from '../core/errors.ts'

/** Settings of `SparseCounts`. */
export interface SparseCountsOptions {
  /** Entries held at most; a full table first forgets its lighter half. Default 4,096. */
  readonly entriesMax?: number
}

/** Counts by whole number ≥ 0 in an open hash table of typed arrays: 12 bytes an entry, at most half full. */
export class SparseCounts {
  /** Key + 1, 0 where free. */
  #keys = new Int32Array(8)
  #counts = new Float64Array(8)
  #size = 0
  readonly #entriesMax: number

  constructor(options: SparseCountsOptions = {}) {
    this.#entriesMax = options.entriesMax ?? 4096
    if (!(this.#entriesMax >= 1))
      throw new MillraceError('MILL_REQUEST_INVALID', `entriesMax is ${this.#entriesMax}: give 1 or more`)
  }

  /** Entries held, those counted down to 0 included. */
  get size(): number {
    return this.#size
  }

  /** Adds `amount` (any sign) to the count of `key`; returns the new count. */
  add(key: number, amount: number): number {
    let place = this.#placeOf(key)
    if (this.#keys[place] === 0) {
      if (this.#size >= this.#entriesMax) this.#keepHeavier()
      else if (2 * this.#size >= this.#keys.length) this.#rebuild(2 * this.#keys.length, Number.NEGATIVE_INFINITY)
      place = this.#placeOf(key)
      this.#keys[place] = key + 1
      this.#size++
    }
    this.#counts[place]! += amount
    return this.#counts[place]!
  }

  /** The count of `key`, 0 if it has none. */
  get(key: number): number {
    const place = this.#placeOf(key)
    return this.#keys[place] === 0 ? 0 : this.#counts[place]!
  }

  /** Calls `visit` for every entry, in no order that means anything (but the same for the same history of calls). */
  forEach(visit: (key: number, count: number) => void): void {
    for (let place = 0; place < this.#keys.length; place++)
      if (this.#keys[place] !== 0) visit(this.#keys[place]! - 1, this.#counts[place]!)
  }

  #placeOf(key: number): number {
    const mask = this.#keys.length - 1
    let place = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
    while (this.#keys[place] !== 0 && this.#keys[place] !== key + 1) place = (place + 1) & mask
    return place
  }

  #keepHeavier(): void {
    const sorted: number[] = []
    this.forEach((_, count) => {
      sorted.push(count)
    })
    sorted.sort((a, b) => a - b)
    const median = sorted[sorted.length >> 1]!
    this.#rebuild(this.#keys.length, median)
    // Equal counts all stay at the median: then the newcomer finds room only if everything light goes.
    if (this.#size >= this.#entriesMax) this.#rebuild(this.#keys.length, Number.POSITIVE_INFINITY)
  }

  #rebuild(capacity: number, leastCount: number): void {
    const keys = this.#keys
    const counts = this.#counts
    this.#keys = new Int32Array(capacity)
    this.#counts = new Float64Array(capacity)
    this.#size = 0
    for (let n = 0; n < keys.length; n++) {
      if (keys[n] === 0 || counts[n]! < leastCount) continue
      const place = this.#placeOf(keys[n]! - 1)
      this.#keys[place] = keys[n]!
      this.#counts[place] = counts[n]!
      this.#size++
    }
  }
}
