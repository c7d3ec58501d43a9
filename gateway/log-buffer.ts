import { MillraceError, reactionOf } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog, OutgoingRecord } from '../ports/event-log.ts'

/** What a buffer before the log needs. */
export interface LogBufferOptions {
  readonly log: Pick<EventLog, 'send'>
  readonly clock: Clock
  /** What it holds, for messages, e.g. `decisions`. */
  readonly name: string
  /** Most records held, those under way included; 10,000 by default. */
  readonly recordsMax?: number
  /** How long the first record of a batch waits for others, ms; 0 = sent at once, others join while a send is under way. */
  readonly lingerMs?: number
  /** Milliseconds until a failed batch is sent again; absent = it fails and its callers hear so. */
  readonly retryMs?: number
  /** Called with the error of each failed send. */
  readonly onFailure?: (error: unknown, records: number) => void
}

interface Entry {
  readonly records: readonly OutgoingRecord[]
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * A bounded buffer before the log: records of many requests go out in one send, one send at a time, in order of arrival.
 * Nothing is dropped: a full buffer refuses (`MILL_BUFFER_FULL`), a failed send fails its callers or is repeated.
 */
export class LogBuffer {
  readonly #options: LogBufferOptions
  readonly #recordsMax: number
  #waiting: Entry[] = []
  #held = 0
  #sending = false
  #current: Promise<void> = Promise.resolve()
  #closing = false
  #cancelTimer: (() => void) | undefined

  constructor(options: LogBufferOptions) {
    this.#options = options
    this.#recordsMax = options.recordsMax ?? 10_000
  }

  /** Records not yet in the log. */
  get held(): number {
    return this.#held
  }

  /** Takes records (all or none) and resolves once the log has them. Throws `MILL_BUFFER_FULL` at once. */
  append(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closing)
      throw new MillraceError('MILL_BUFFER_FULL', `the gateway is shutting down and takes no ${this.#options.name}`)
    if (this.#held + records.length > this.#recordsMax) {
      throw new MillraceError(
        'MILL_BUFFER_FULL',
        `${this.#held} ${this.#options.name} wait for the log, at most ${this.#recordsMax}; send again later`,
      )
    }
    this.#held += records.length
    return new Promise<void>((done, failed) => {
      this.#waiting.push({ records, done, failed })
      this.#arm(this.#options.lingerMs ?? 0)
    })
  }

  /**
   * The same, answered after `waitMsMax` even if the log does not: with `MILL_LOG_UNAVAILABLE`, and whether the log took the records is
   * then unknown, so a caller may only use it where sending again is harmless.
   */
  async appendWithin(waitMsMax: number, records: readonly OutgoingRecord[]): Promise<void> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#options.clock.after(waitMsMax, () =>
        reject(
          new MillraceError(
            'MILL_LOG_UNAVAILABLE',
            `the log did not answer within ${waitMsMax} ms; send the ${this.#options.name} again`,
          ),
        ),
      )
    })
    try {
      await Promise.race([this.append(records), late])
    } finally {
      cancel()
    }
  }

  /** Sends what waits now without lingering. What fails is treated as ever: look at `held`. */
  async flush(): Promise<void> {
    this.#disarm()
    await this.#current
    this.#disarm()
    await this.#start()
  }

  /** Sends what is held, once more if it must, and returns how many records the log never took. */
  async close(): Promise<number> {
    this.#closing = true
    await this.flush()
    return this.#held
  }

  #arm(delayMs: number): void {
    if (this.#sending || this.#cancelTimer || this.#closing) return
    if (delayMs <= 0) {
      queueMicrotask(() => void this.#start())
      return
    }
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      void this.#start()
    })
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #start(): Promise<void> {
    if (!this.#sending && this.#waiting.length > 0) this.#current = this.#send()
    return this.#current
  }

  async #send(): Promise<void> {
    const entries = this.#waiting
    this.#waiting = []
    this.#sending = true
    const records = entries.flatMap((entry) => entry.records)
    let again = false
    try {
      await this.#options.log.send(records)
      this.#held -= records.length
      for (const entry of entries) entry.done()
    } catch (error) {
      this.#options.onFailure?.(error, records.length)
      again = this.#options.retryMs !== undefined && reactionOf(error) === 'retry'
      if (again) {
        this.#waiting = [...entries, ...this.#waiting]
      } else {
        this.#held -= records.length
        for (const entry of entries) entry.failed(error)
      }
    } finally {
      this.#sending = false
    }
    if (this.#waiting.length > 0) this.#arm(again ? this.#options.retryMs! : (this.#options.lingerMs ?? 0))
  }
}
