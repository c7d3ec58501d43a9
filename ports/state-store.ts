import type { Positions } from '../core/positions.ts'

/** One topology and one partition number: the unit of work and of ownership. */
export interface TaskId {
  readonly topology: string
  readonly partition: number
}

/** What the store holds about a task's progress. */
export interface TaskProgress {
  readonly epoch: number
  readonly positions: Positions
}

/** Values of keys, and to whom and to which positions they belong. */
export interface StateReading {
  readonly progress: TaskProgress | null
  readonly values: readonly (Uint8Array | null)[]
}

/** One batch's effect on the state of one task; all or nothing. */
export interface StateCommit {
  readonly epoch: number
  /** The stored positions this batch starts from. */
  readonly from: Positions
  readonly to: Positions
  /** State keys with their new bytes; null deletes. */
  readonly writes: ReadonlyMap<string, Uint8Array | null>
  /** Seconds after which an untouched key is erased; 0 = never. Positions never expire. */
  readonly ttlS: number
}

/**
 * `fenced`: the stored epoch is another one; whether this owner is dead or the store went back, `renewTask` tells. `moved`: the stored positions are not `from` (somebody applied the
 * batch already, or the store went back): drop caches and go on from `positions`.
 */
export type CommitResult =
  | { readonly kind: 'applied' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'moved'; readonly positions: Positions }

/**
 * State of tasks with the store transaction of architecture.md section 3.
 * Errors: `MILL_STORE_UNAVAILABLE` when the store does not answer; a commit may then have been applied or not.
 */
export interface StateStore {
  /**
   * Takes ownership: an epoch that no other owner ever had, above the stored one, the store's clock in microseconds and `above`, and
   * the positions to go on from ({} if none). A store that went back gives none a second time, for its clock does not go back with it;
   * where the clock does too, a random part below 2^16 tells epochs apart.
   */
  openTask(task: TaskId, above?: number): Promise<TaskProgress>
  /**
   * The same for the owner of epoch `held`, unless a newer epoch is stored: then null. The new epoch is above `held` too. For an owner
   * whose store went back: what it writes from there on is newer than what it wrote before.
   */
  renewTask(task: TaskId, held: number, above?: number): Promise<TaskProgress | null>
  /** Progress without taking ownership; null if the task never ran. */
  progress(task: TaskId): Promise<TaskProgress | null>
  /** Values of keys, in order; null where absent or expired. One round trip. */
  read(task: TaskId, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>
  /** The same with the task's progress at that very moment (null if it never ran): what is read is the state at these positions. */
  readWithProgress(task: TaskId, keys: readonly string[]): Promise<StateReading>
  commit(task: TaskId, commit: StateCommit): Promise<CommitResult>
  /** All keys of a task with their values, in slices; order unspecified. Not a snapshot while the task runs. */
  scan(task: TaskId): AsyncIterable<readonly (readonly [key: string, value: Uint8Array])[]>
  /** Partition numbers for which a topology has progress, ascending. */
  tasks(topology: string): Promise<readonly number[]>
  /** Deletes state and positions and takes a new epoch, so that a running owner is fenced. */
  clear(task: TaskId): Promise<void>
  close(): Promise<void>
}
