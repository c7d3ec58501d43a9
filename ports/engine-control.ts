import type { Positions } from '../core/positions.ts'

/** One task as operators see it. */
export interface TaskStatus {
  readonly partition: number
  readonly epoch: number
  readonly positions: Positions
  /** Records between the applied position and the end of the log, all inputs together. */
  readonly lag: number
  readonly watermarkMs: number | null
  /** Age of the oldest work in flight, ms; 0 when idle. */
  readonly oldestInFlightMs: number
}

export interface TopologyStatus {
  readonly name: string
  readonly state: 'starting' | 'running' | 'paused' | 'waiting' | 'draining' | 'stopped' | 'failed'
  /** Why it waits or failed, else ''. */
  readonly reason: string
  readonly records: number
  readonly batches: number
  readonly deadLetters: number
  readonly late: number
  readonly rebalances: number
  readonly fenced: number
  readonly tasks: readonly TaskStatus[]
}

/** What an operator may do with a running engine: behind the admin HTTP side and the CLI. */
export interface EngineControl {
  status(): Promise<readonly TopologyStatus[]>
  /** Stops fetching but keeps membership. Unknown names: `MILL_NOT_FOUND`. */
  pause(topology: string): Promise<void>
  resume(topology: string): Promise<void>
  /** Finishes what was fetched, commits, leaves the group. */
  drain(topology: string): Promise<void>
  /** True once every topology runs and its tables have caught up. */
  ready(): boolean
}
