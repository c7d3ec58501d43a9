/** Limits of a task; every buffer of the engine is in here. */
export interface TaskLimits {
  /** Records folded as one batch at most. */
  readonly batchRecordsMax: number
  /** Records waiting at which a partition is paused; it resumes below half of it. */
  readonly queueRecordsMax: number
  /** Milliseconds that new records may lie in the log to be read with others: what is not needed at once costs less in larger batches. */
  readonly gatherMs: number
  /** Values of each family kept in memory. */
  readonly cacheKeysMax: number
  /** Seconds after which untouched state is erased; longer than any replay. */
  readonly stateTtlS: number
  /** Milliseconds without a record after which a topic no longer holds back event time. */
  readonly idleMs: number
  /** First and longest wait before trying again when a store or the log is unwell. */
  readonly retryMs: number
  readonly retryMsMax: number
}

export const defaultTaskLimits: TaskLimits = {
  batchRecordsMax: 4000,
  queueRecordsMax: 8_000,
  gatherMs: 0,
  cacheKeysMax: 10_000,
  stateTtlS: 180 * 86_400,
  idleMs: 5_000,
  retryMs: 100,
  retryMsMax: 5_000,
}
