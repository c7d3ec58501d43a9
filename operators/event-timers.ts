import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type DueBucket, type DueEntry, type DueIndex, dueBucketSchema, dueIndexSchema } from '../schemas/reward-state.ts'

/** Event time covered by one bucket: a batch rewrites only the buckets it touches. */
const bucketMs = 1_000
/** Buckets of one hour: with waits of days an index of all would be rewritten with every batch. */
const hourBuckets = 3_600
/** The index of hours. */
const hours = ''

export const dueBucketFamily: StateFamily<DueBucket> = { name: 'due', codec: dueBucketSchema }
/**
 * Under '' the hours that hold something, under an hour its buckets. In memory numbers, ascending; in the store their differences, one or
 * two bytes each.
 */
export const dueIndexFamily: StateFamily<number[]> = {
  name: 'due-index',
  codec: {
    encode: (numbers) => dueIndexSchema.encode(gapsOf(numbers)),
    decode: (bytes) => numbersOf(dueIndexSchema.decode(bytes)),
  },
}

/**
 * Event-time timers kept with the state of a task, in three levels: an index of the hours that hold something, one of the buckets of each
 * hour, and the buckets. Entries fire in the total order (time, kind, id), whatever order they were set in. A batch reads and writes only
 * the hours and buckets it sets timers in and those that are due. One index per task: a task has one set of timers.
 */
export class EventTimers {
  readonly #transaction: Transaction

  constructor(transaction: Transaction) {
    this.#transaction = transaction
  }

  /** Brings the indexes, and the buckets that will be set or may fire, into memory. Call once per batch, first. */
  async load(dueTimesMs: Iterable<number>, watermarkMs: number): Promise<void> {
    await this.#transaction.load(dueIndexFamily, [hours])
    const buckets = new Set(Array.from(dueTimesMs, bucketOf))
    const touched = new Set(Array.from(buckets, hourOf))
    for (const hour of this.#begun(hours, hourBuckets * bucketMs, watermarkMs)) touched.add(hour)
    await this.#transaction.load(dueIndexFamily, Array.from(touched, String))
    for (const hour of touched) for (const bucket of this.#begun(String(hour), bucketMs, watermarkMs)) buckets.add(bucket)
    await this.#transaction.load(dueBucketFamily, Array.from(buckets, String))
  }

  /** Sets a timer; its time must be among those given to `load`. An entry that is there already is set once. */
  set(entry: DueEntry): void {
    const number = bucketOf(entry.dueMs)
    const key = String(number)
    const bucket = this.#transaction.get(dueBucketFamily, key)
    if (!bucket) {
      this.#transaction.put(dueBucketFamily, key, { entries: [entry] })
      this.#enter(String(hourOf(number)), number)
      this.#enter(hours, hourOf(number))
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
    const due: DueEntry[] = []
    for (const hour of this.#begun(hours, hourBuckets * bucketMs, watermarkMs)) {
      for (const number of this.#begun(String(hour), bucketMs, watermarkMs)) {
        const key = String(number)
        const entries = this.#transaction.get(dueBucketFamily, key)?.entries ?? []
        let fired = 0
        while (fired < entries.length && entries[fired]!.dueMs < watermarkMs) fired++
        for (let i = 0; i < fired; i++) due.push(entries[i]!)
        if (fired === entries.length) {
          this.#transaction.delete(dueBucketFamily, key)
          this.#leave(String(hour), number)
        } else if (fired > 0) this.#transaction.put(dueBucketFamily, key, { entries: entries.slice(fired) })
      }
      if (this.#index(String(hour)).length === 0) this.#leave(hours, hour)
    }
    return due
  }

  /** Every timer that is set, in no order; reads the buckets of one hour at a time. */
  async *all(): AsyncGenerator<DueEntry> {
    await this.#transaction.load(dueIndexFamily, [hours])
    for (const hour of [...this.#index(hours)]) {
      await this.#transaction.load(dueIndexFamily, [String(hour)])
      const buckets = this.#index(String(hour)).map(String)
      await this.#transaction.load(dueBucketFamily, buckets)
      for (const bucket of buckets) yield* this.#transaction.get(dueBucketFamily, bucket)?.entries ?? []
    }
  }

  #index(key: string): number[] {
    return this.#transaction.get(dueIndexFamily, key) ?? []
  }

  /** Numbers of an index whose time, so many ms each, begins before the watermark; a copy. */
  #begun(key: string, eachMs: number, watermarkMs: number): number[] {
    const index = this.#index(key)
    const end = index.findIndex((number) => number * eachMs >= watermarkMs)
    return index.slice(0, end < 0 ? index.length : end)
  }

  #enter(key: string, number: number): void {
    const index = this.#index(key)
    const at = placeOf(index, number, (a, b) => a - b)
    if (at > 0 && index[at - 1] === number) return
    index.splice(at, 0, number)
    this.#transaction.put(dueIndexFamily, key, index)
  }

  #leave(key: string, number: number): void {
    const left = this.#index(key).filter((other) => other !== number)
    if (left.length === 0) this.#transaction.delete(dueIndexFamily, key)
    else this.#transaction.put(dueIndexFamily, key, left)
  }
}

/** What the indexes hold for these buckets, by their keys: for a move of state. */
export function dueIndexes(buckets: readonly number[]): Map<string, number[]> {
  const sorted = [...buckets].sort((a, b) => a - b)
  const byHour = Map.groupBy(sorted, hourOf)
  const indexes = Array.from(byHour, ([hour, own]) => [String(hour), own] as const)
  return new Map(sorted.length === 0 ? [] : [[hours, [...byHour.keys()]] as const, ...indexes])
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

function hourOf(bucket: number): number {
  return Math.floor(bucket / hourBuckets)
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
