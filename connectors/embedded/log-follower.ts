import { MillraceError } from '../../core/errors.ts'
import type { Follower, FollowOptions } from '../../ports/event-log.ts'
import type { LogCursor, LogDelivery } from './log-delivery.ts'
import type { LogSlot } from './log-storage.ts'

/** A reader of whole topics, outside any group: one cursor per partition, from the oldest record on. */
export class LogFollower implements Follower {
  readonly caughtUp: Promise<void>
  readonly #options: FollowOptions
  readonly #delivery: LogDelivery
  readonly #cursors: readonly LogCursor[]
  /** Cursors that have not yet delivered what the log held at the start, with the offset to reach. */
  readonly #behind = new Map<LogCursor, number>()
  readonly #caughtUp = Promise.withResolvers<void>()
  readonly #stopped: () => void
  #isStopped = false

  /** `stopped` is called once, when it ends for whatever reason. */
  constructor(options: FollowOptions, slots: readonly LogSlot[], delivery: LogDelivery, stopped: () => void) {
    this.#options = options
    this.#delivery = delivery
    this.#stopped = stopped
    this.caughtUp = this.#caughtUp.promise
    this.caughtUp.catch(() => {}) // Who never asks for it must not be killed by it; whoever awaits it still sees the error.
    this.#cursors = slots.map((slot) => this.#cursor(slot))
    if (this.#behind.size === 0) this.#caughtUp.resolve()
    for (const cursor of this.#cursors) delivery.add(cursor)
  }

  async stop(): Promise<void> {
    this.#end(new MillraceError('MILL_LOG_UNAVAILABLE', `the reader ${this.#options.name} was stopped before it had caught up`))
  }

  #cursor(slot: LogSlot): LogCursor {
    const cursor: LogCursor = {
      slot,
      next: slot.start,
      paused: false,
      gatherMs: this.#options.gatherMs ?? 0,
      restUntilMs: Number.NEGATIVE_INFINITY,
      deliver: (batch) => {
        this.#options.batch(batch)
        if (batch.nextOffset >= (this.#behind.get(cursor) ?? 0)) this.#reached(cursor)
      },
      // A reader of all there is misses nothing by it: what is gone is in no table of anybody who starts now.
      overtaken: () => {
        cursor.next = slot.start
        if (slot.start >= (this.#behind.get(cursor) ?? Number.POSITIVE_INFINITY)) this.#reached(cursor)
      },
      failed: (error) => {
        if (this.#isStopped) return
        const reason = error instanceof Error ? error : new Error(String(error))
        this.#end(reason)
        this.#options.failed(reason)
      },
    }
    if (slot.end > slot.start) this.#behind.set(cursor, slot.end)
    return cursor
  }

  #reached(cursor: LogCursor): void {
    if (this.#behind.delete(cursor) && this.#behind.size === 0) this.#caughtUp.resolve()
  }

  #end(reason: Error): void {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const cursor of this.#cursors) this.#delivery.remove(cursor)
    this.#caughtUp.reject(reason)
    this.#stopped()
  }
}
