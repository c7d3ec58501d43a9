import type { ErrorCode } from '../core/errors.ts'

/** One record of a topic with where it lay. */
export interface Sourced<T> {
  readonly value: T
  readonly key: string
  readonly offset: number
  /** When the log took it, ms. */
  readonly loggedMs: number
}

/** A codec of state values: packed, without schema id, with its own version inside if it needs one. */
export interface StateCodec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** A named family of state keys of one task with one value type, e.g. `user`. Names are unique in a topology. */
export interface StateFamily<T> {
  readonly name: string
  readonly codec: StateCodec<T>
}

/**
 * The state of the batch's task as of the batch's start plus what the batch wrote so far, and everything the batch will do to
 * the outside. Nothing leaves before the whole batch is done; then outputs, then store commit (architecture.md section 3).
 */
export interface Transaction {
  /** Brings keys into memory in one round trip; keys already there cost nothing. Absent keys are remembered as absent. */
  load<T>(family: StateFamily<T>, keys: Iterable<string>): Promise<void>
  /** The value of a loaded key, or undefined. The object is the task's own: change it in place, then `put` it. */
  get<T>(family: StateFamily<T>, key: string): T | undefined
  put<T>(family: StateFamily<T>, key: string, value: T): void
  delete<T>(family: StateFamily<T>, key: string): void
  /** Sets aside one record that will never work; its neighbours go on. */
  deadLetter(record: Sourced<unknown>, step: string, code: ErrorCode, reason: string): void
  /** Keeps apart one record that came too late; counted. `topic` is where it lay if not in the batch's own topic. */
  late(record: Sourced<unknown>, step: string, eventTimeMs: number, topic?: string): void
  /** Moves the position of an additive upstream: the next source offset to apply from `topic`'s partition `partition`. */
  setUpstream(topic: string, partition: number, nextOffset: number): void
  /** That position, 0 if none: rows below it were applied already. */
  upstream(topic: string, partition: number): number
}

/** Who runs the batch. */
export interface TaskInfo {
  readonly topology: string
  readonly partition: number
  /** Partition count of the topology's co-partitioned inputs. */
  readonly partitions: number
  readonly epoch: number
}

/**
 * The unit of flow: records of one topic partition, in log order. An operator may drop, add or change records; it never
 * drops, splits or reorders batches. A batch without records is a tick: it moves time.
 */
export interface Batch<T> {
  readonly records: readonly T[]
  readonly task: TaskInfo
  /** The topic it came from; '' for a tick. */
  readonly topic: string
  /** First offset of the batch and the first after it. */
  readonly from: number
  readonly to: number
  /**
   * The task's event-time watermark before and after this batch: the smallest, over its timed inputs, of the largest event
   * time minus the allowed lateness; -Infinity while an input has shown nothing yet. It never goes back.
   */
  readonly watermarkBeforeMs: number
  readonly watermarkMs: number
  /** The same for this batch's own topic before the batch: what is older is late, whatever other inputs do. */
  readonly topicWatermarkBeforeMs: number
  readonly transaction: Transaction
}
