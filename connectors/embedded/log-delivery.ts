import type { Clock } from '../../core/clock.ts'
import type { MillraceError } from '../../core/errors.ts'
import type { LogBatch } from '../../ports/event-log.ts'
import type { LogBatchLimits, LogSlot, LogStorage } from './log-storage.ts'

/** How often the file is looked at for what other processes appended. */
const pollMs = 200
/** Failed looks in a row before the readers are told: 10 s. */
const failuresMax = 50
/** Records handed out before other work of this thread gets its turn; a batch of so many does not wait for others either. */
const recordsPerTurn = 1_000

/** One reader of one partition. */
export interface LogCursor {
  readonly slot: LogSlot
  /** The next offset to deliver. */
  next: number
  paused: boolean
  /** Milliseconds that records may wait, after a small batch, to be read with others. */
  readonly gatherMs: number
  /** Nothing is delivered before, by the elapsed time of the clock. */
  restUntilMs: number
  deliver(batch: LogBatch): void
  /** What comes next was dropped by retention: either moves `next` to what is held, or the reader is dead. */
  overtaken(): void
  failed(error: unknown): void
}

/**
 * Hands batches to readers: at once after an append in this process, within `pollMs` after one in another. Each turn starts with
 * another reader than the last, and gives each at most one batch, so no partition waits for another's backlog.
 */
export class LogDelivery {
  readonly #storage: LogStorage
  readonly #clock: Clock
  readonly #limits: LogBatchLimits
  readonly #guard: <T>(doing: string, work: () => T) => T
  #cursors: LogCursor[] = []
  #first = 0
  #immediate: NodeJS.Immediate | null = null
  #cancelPoll: (() => void) | null = null
  #cancelRest: (() => void) | null = null
  #failures = 0

  constructor(options: {
    readonly storage: LogStorage
    readonly clock: Clock
    readonly limits: LogBatchLimits
    readonly guard: <T>(doing: string, work: () => T) => T
  }) {
    this.#storage = options.storage
    this.#clock = options.clock
    this.#limits = options.limits
    this.#guard = options.guard
  }

  add(cursor: LogCursor): void {
    this.#cursors.push(cursor)
    this.wake()
    this.#cancelPoll ??= this.#clock.after(pollMs, () => this.#poll())
  }

  remove(cursor: LogCursor): void {
    this.#cursors = this.#cursors.filter((other) => other !== cursor)
    if (this.#cursors.length === 0) this.stop()
  }

  /** Something was appended, resumed or moved: look at the readers soon. */
  wake(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null
      this.#turn()
    })
  }

  stop(): void {
    this.#cancelPoll?.()
    this.#cancelPoll = null
    this.#cancelRest?.()
    this.#cancelRest = null
    if (this.#immediate) clearImmediate(this.#immediate)
    this.#immediate = null
  }

  #turn(): void {
    const cursors = this.#cursors
    const nowMs = this.#clock.elapsedMs()
    let left = recordsPerTurn
    for (let count = 0; count < cursors.length && left > 0; count++) {
      const cursor = cursors[this.#first++ % cursors.length]!
      // A handler called in this very turn may have paused or removed this one.
      if (isReady(cursor) && cursor.restUntilMs <= nowMs && this.#cursors.includes(cursor)) left -= this.#deliver(cursor)
    }
    this.#first %= Math.max(1, cursors.length)
    if (this.#failures === 0) this.#wakeWhenDue(nowMs)
  }

  /** Comes back at once for what is ready, or when the first of those that gather is due. */
  #wakeWhenDue(nowMs: number): void {
    let dueMs = Number.POSITIVE_INFINITY
    for (const cursor of this.#cursors) if (isReady(cursor)) dueMs = Math.min(dueMs, cursor.restUntilMs)
    if (dueMs <= nowMs) this.wake()
    else if (Number.isFinite(dueMs)) {
      this.#cancelRest?.()
      this.#cancelRest = this.#clock.after(dueMs - nowMs, () => {
        this.#cancelRest = null
        this.wake()
      })
    }
  }

  #deliver(cursor: LogCursor): number {
    if (cursor.next < cursor.slot.start) {
      cursor.overtaken()
      return 1
    }
    let batch: LogBatch | null
    try {
      batch = this.#guard('read the log', () =>
        this.#storage.read(cursor.slot, cursor.next, Number.POSITIVE_INFINITY, this.#limits),
      )
    } catch (error) {
      this.#failed(error as MillraceError)
      return recordsPerTurn
    }
    this.#failures = 0
    if (!batch) return 0
    if (this.#skips(cursor, batch)) {
      cursor.overtaken()
      return 1
    }
    cursor.next = batch.nextOffset // Before the call: the handler may seek.
    if (cursor.gatherMs > 0 && batch.records.length < recordsPerTurn)
      cursor.restUntilMs = this.#clock.elapsedMs() + cursor.gatherMs
    try {
      cursor.deliver(batch)
    } catch (error) {
      this.remove(cursor)
      cursor.failed(error)
    }
    return Math.max(1, batch.records.length)
  }

  /** Whether another process's cleaner was here since the last look: only compaction leaves gaps. */
  #skips({ slot, next }: LogCursor, batch: LogBatch): boolean {
    if (slot.cleanup === 'compact' || (batch.records[0]?.offset ?? batch.nextOffset) === next) return false
    this.#guard('read offsets', () => this.#storage.refresh())
    return next < slot.start
  }

  #poll(): void {
    this.#cancelPoll = this.#clock.after(pollMs, () => this.#poll())
    try {
      this.#guard('look for new records', () => this.#storage.refresh())
    } catch (error) {
      this.#failed(error as MillraceError)
      return
    }
    if (this.#cursors.some(isReady)) this.wake()
    else this.#failures = 0
  }

  /** A failed look is tried again by the next poll; after too many the readers are told and dropped. */
  #failed(error: MillraceError): void {
    if (++this.#failures < failuresMax && error.reaction === 'retry') return
    const cursors = this.#cursors
    this.#cursors = []
    this.stop()
    for (const cursor of cursors) cursor.failed(error)
  }
}

function isReady(cursor: LogCursor): boolean {
  return !cursor.paused && cursor.next < cursor.slot.end
}
