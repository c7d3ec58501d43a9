import type { Clock } from './clock.ts'
import { reactionOf } from './errors.ts'

export interface RetryingOptions {
  /** First wait, ms; it doubles up to `waitMsMax`. */
  readonly waitMs: number
  readonly waitMsMax: number
  /** Gives up, with the last error, once so much time has passed. */
  readonly giveUpMs: number
  readonly onRetry?: (error: unknown, waitMs: number) => void
}

/** Repeats `attempt` while it fails with a `retry` reaction, with growing waits; any other error passes on at once. */
export async function retrying<T>(clock: Clock, attempt: () => Promise<T>, options: RetryingOptions): Promise<T> {
  const endMs = clock.elapsedMs() + options.giveUpMs
  for (let waitMs = options.waitMs; ; waitMs = Math.min(2 * waitMs, options.waitMsMax)) {
    try {
      return await attempt()
    } catch (error) {
      if (reactionOf(error) !== 'retry' || clock.elapsedMs() + waitMs > endMs) throw error
      options.onRetry?.(error, waitMs)
      await new Promise<void>((resolve) => clock.after(waitMs, resolve))
    }
  }
}
