import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ListStore, ListVersion } from '../ports/list-store.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Logger } from '../ports/logger.ts'
import type { StateStore } from '../ports/state-store.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import type { StepMetrics } from './running-graph.ts'

/** What a task works with. */
export interface TaskPorts {
  readonly log: Pick<EventLog, 'send'>
  readonly state: StateStore
  readonly lists: Pick<ListStore, 'swap' | 'get'>
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: StepMetrics
  /** Where the task's partition of a topic ends now. Errors: those of `EventLog.offsets`. */
  endOf(topic: string): Promise<number>
  /** Partition count of an output topic. */
  partitionsOf(topic: string): number
}

/** What a task tells its engine. */
export interface TaskEvents {
  pause(topic: string): void
  resume(topic: string): void
  seek(topic: string, offset: number): void
  /** A batch is done: for counters and live views. */
  done(summary: BatchSummary): void
  waiting(reason: string): void
  /** The task cannot go on: fenced, or our own promise is broken. */
  failed(error: unknown): void
}

export interface BatchSummary {
  readonly topic: string
  readonly records: number
  readonly outputs: number
  readonly deadLetters: number
  readonly late: number
  readonly lists: readonly ListWrite[]
  /** Their values as they were offered to the store. */
  readonly texts: readonly string[]
  /** Which of `lists` were newer than what was stored. */
  readonly swapped: readonly boolean[]
  /** The version that `lists` were offered with. */
  readonly version: ListVersion
}

/** What became of the lists of a batch. */
export type OfferedLists = Pick<BatchSummary, 'texts' | 'swapped'>
