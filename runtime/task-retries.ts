import type { Clock } from '../core/clock.ts'
import { reactionOf } from '../core/errors.ts'

export interface TaskRetriesOptions {
  readonly clock: Clock
  /** First and longest wait, milliseconds; each wait is twice the one before. */
  readonly retryMs: number
  readonly retryMsMax: number
  /** Called before each wait. */
  onRetry(error: unknown, waitMs: number): void
}

/** Repeats what a task tries while the world is unwell (`retry` errors), with growing waits, until the task is closed. */
export class TaskRetries {
  readonly #options: TaskRetriesOptions
  /** Ends the waits of what is being tried again. */
  readonly #wakes = new Set<() => void>()
  #closed = false

  constructor(options: TaskRetriesOptions) {
    this.#options = options
  }

  /** The result of the first attempt that succeeds; `first` is one that is under way. Any error but `retry` passes on, closed all do. */
  async run<R>(attempt: () => Promise<R>, first?: Promise<R>): Promise<R> {
    const { retryMs, retryMsMax, onRetry } = this.#options
    let waitMs = retryMs
    let running = first ?? attempt()
    for (;;) {
      try {
        return await running
      } catch (error) {
        if (this.#closed || reactionOf(error) !== 'retry') throw error
        onRetry(error, waitMs)
        await this.#wait(waitMs)
        if (this.#closed) throw error
        waitMs = Math.min(waitMs * 2, retryMsMax)
        running = attempt()
      }
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Ends all waits: what was being tried fails with its last error. */
  close(): void {
    this.#closed = true
    for (const wake of [...this.#wakes]) wake()
  }

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(waitMs, () => wake())
      const wake = () => {
        this.#wakes.delete(wake)
        cancel()
        resolve()
      }
      this.#wakes.add(wake)
    })
  }
}
