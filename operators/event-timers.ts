import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type DueBucket, type DueEntry, type DueIndex, dueBucketSchema, dueIndexSchema } from '../schemas/reward-state.ts'

/** Event time covered by one bucket: a batch rewrites only the buckets it touches. */
const bucketMs = 1_000

export const dueBucketFamily: StateFamily<DueBucket> = { name: 'due', codec: dueBucketSchema }
/** The index in memory: bucket numbers, ascending; in the store their differences, one or two bytes each. */
export const dueIndexFamily: StateFamily<number[]> = {
  name: 'due-index',
  codec: {
    encode: (numbers) => dueIndexSchema.encode(gapsOf(numbers)),
    decode: (bytes) => numbersOf(dueIndexSchema.decode(bytes)),
  },
}

/**
 * Event-time timers kept with the state of a task, in two levels: an index of the buckets that hold something, and the
 * buckets. Entries fire in the total order (time, kind, id), whatever order they were set in. A batch reads and writes only
 * the index, the buckets it sets timers in and those that are due. One index per task: a task has one set of timers.
 */
export class EventTimers {
  readonly #transaction: Transaction

  constructor(transaction: Transaction) {
    this.#transaction = transaction
  }

  /** Brings the index, and the buckets that will be set or may fire, into memory. Call once per batch, first. */
  async load(dueTimesMs: Iterable<number>, watermarkMs: number): Promise<void> {
    await this.#transaction.load(dueIndexFamily, [''])
    const buckets = new Set<string>()
    for (const dueMs of dueTimesMs) buckets.add(String(bucketOf(dueMs)))
    for (const number of this.#index()) {
      if (number * bucketMs >= watermarkMs) break
      buckets.add(String(number))
    }
    await this.#transaction.load(dueBucketFamily, buckets)
  }

  /** Sets a timer; its time must be among those given to `load`. An entry that is there already is set once. */
  set(entry: DueEntry): void {
    const number = bucketOf(entry.dueMs)
    const key = String(number)
    const bucket = this.#transaction.get(dueBucketFamily, key)
    if (!bucket) {
      this.#transaction.put(dueBucketFamily, key, { entries: [entry] })
      const index = this.#index()
      index.splice(
        placeOf(index, number, (a, b) => a - b),
        0,
        number,
      )
      this.#transaction.put(dueIndexFamily, '', index)
      return
    }
    const at = placeOf(bucket.entries, entry, compareDue)
    if (at > 0 && compareDue(bucket.entries[at - 1]!, entry) === 0) return
    bucket.entries.splice(at, 0, entry)
    this.#transaction.put(dueBucketFamily, key, bucket)
  }

  /**
   * Takes out everything due before the watermark, in order. What is due at the watermark itself waits: a record of exactly
   * that time is not late and may still come.
   */
  takeDue(watermarkMs: number): DueEntry[] {
    const index = this.#index()
    const due: DueEntry[] = []
    let emptied = 0
    for (const number of index) {
      if (number * bucketMs >= watermarkMs) break
      const key = String(number)
      const entries = this.#transaction.get(dueBucketFamily, key)?.entries ?? []
      let fired = 0
      while (fired < entries.length && entries[fired]!.dueMs < watermarkMs) fired++
      for (let i = 0; i < fired; i++) due.push(entries[i]!)
      if (fired === entries.length) {
        this.#transaction.delete(dueBucketFamily, key)
        emptied++
      } else if (fired > 0) this.#transaction.put(dueBucketFamily, key, { entries: entries.slice(fired) })
    }
    // Only the last bucket read can be due in part, so those that are empty now are the first ones.
    if (emptied > 0) {
      if (emptied === index.length) this.#transaction.delete(dueIndexFamily, '')
      else this.#transaction.put(dueIndexFamily, '', index.slice(emptied))
    }
    return due
  }

  #index(): number[] {
    return this.#transaction.get(dueIndexFamily, '') ?? []
  }
}

/** The total order in which timers fire. */
export function compareDue(a: DueEntry, b: DueEntry): number {
  return a.dueMs - b.dueMs || a.kind - b.kind || compareText(a.id, b.id) || compareText(a.listKey, b.listKey)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function bucketOf(dueMs: number): number {
  return Math.floor(dueMs / bucketMs)
}

/** The place behind everything that is not larger. */
function placeOf<T>(sorted: readonly T[], value: T, compare: (a: T, b: T) => number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(sorted[middle]!, value) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

function gapsOf(numbers: readonly number[]): DueIndex {
  return { gaps: numbers.map((number, at) => number - (numbers[at - 1] ?? 0)) }
}

function numbersOf({ gaps }: DueIndex): number[] {
  let sum = 0
  return gaps.map((gap) => {
    sum += gap
    return sum
  })
}
