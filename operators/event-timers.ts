import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type DueBucket, type DueEntry, dueBucketSchema, type JoinProgress, joinProgressSchema } from '../schemas/reward-state.ts'

/** Event time covered by one bucket: a batch rewrites only the buckets it touches. */
const bucketMs = 1_000

export const bucketFamily: StateFamily<DueBucket> = { name: 'due', codec: dueBucketSchema }
export const progressFamily: StateFamily<JoinProgress> = { name: 'progress', codec: joinProgressSchema }

/**
 * Event-time timers kept with the state of a task, in two levels: an index of buckets that hold something, and the buckets.
 * Entries fire in the total order (time, kind, id), whatever order they were set in.
 */
export class EventTimers {
  readonly #transaction: Transaction

  constructor(transaction: Transaction) {
    this.#transaction = transaction
  }

  /** Brings the index and the buckets that will be set or fire into memory. Call once per batch, first. */
  async load(dueTimesMs: Iterable<number>, watermarkMs: number): Promise<void> {
    await this.#transaction.load(progressFamily, [''])
    const buckets = new Set<string>()
    for (const dueMs of dueTimesMs) buckets.add(String(bucketOf(dueMs)))
    for (const bucket of this.progress().buckets) if (bucket * bucketMs <= watermarkMs) buckets.add(String(bucket))
    await this.#transaction.load(bucketFamily, buckets)
  }

  /** The index and the running number; change in place, then `keepProgress`. */
  progress(): JoinProgress {
    return this.#transaction.get(progressFamily, '') ?? { buckets: [], sequence: 0 }
  }

  keepProgress(progress: JoinProgress): void {
    this.#transaction.put(progressFamily, '', progress)
  }

  /** Sets a timer; its time must be among those given to `load`. */
  set(entry: DueEntry): void {
    const number = bucketOf(entry.dueMs)
    const key = String(number)
    const bucket = this.#transaction.get(bucketFamily, key)
    if (bucket) insertSorted(bucket.entries, entry)
    this.#transaction.put(bucketFamily, key, bucket ?? { entries: [entry] })
    if (bucket) return
    const progress = this.progress()
    let at = progress.buckets.length
    while (at > 0 && progress.buckets[at - 1]! > number) at--
    if (progress.buckets[at - 1] !== number) progress.buckets.splice(at, 0, number)
    this.keepProgress(progress)
  }

  /** Takes out everything due up to and including the watermark, in order. */
  takeDue(watermarkMs: number): DueEntry[] {
    const progress = this.progress()
    const due: DueEntry[] = []
    const [first] = progress.buckets
    if (first === undefined || first * bucketMs > watermarkMs) return due
    const left: number[] = []
    for (const number of progress.buckets) {
      if (number * bucketMs > watermarkMs) {
        left.push(number)
        continue
      }
      const key = String(number)
      const bucket = this.#transaction.get(bucketFamily, key)
      const entries = bucket?.entries ?? []
      const fired = entries.filter((entry) => entry.dueMs <= watermarkMs)
      due.push(...fired)
      if (fired.length === entries.length) this.#transaction.delete(bucketFamily, key)
      else {
        left.push(number)
        if (fired.length > 0) this.#transaction.put(bucketFamily, key, { entries: entries.slice(fired.length) })
      }
    }
    if (left.length !== progress.buckets.length) this.keepProgress({ ...progress, buckets: left })
    return due
  }
}

function bucketOf(dueMs: number): number {
  return Math.floor(dueMs / bucketMs)
}

function insertSorted(entries: DueEntry[], entry: DueEntry): void {
  let at = entries.length
  while (at > 0 && compareDue(entries[at - 1]!, entry) > 0) at--
  entries.splice(at, 0, entry)
}

/** The total order in which timers fire. */
export function compareDue(a: DueEntry, b: DueEntry): number {
  return a.dueMs - b.dueMs || a.kind - b.kind || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
