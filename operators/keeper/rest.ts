import type { Clock } from '../../ports/clock.ts'

/** Most that one piece of work is rested from, ms: it may have waited for others, which is no reason to rest. */
const restMsMax = 1_000

/** Rests between pieces of work that nobody waits for, so that they take no more than half of the time; closed, it ends at once. */
export class Rest {
  readonly #clock: Clock
  readonly #ends = new Set<() => void>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does a piece of work, then rests for as long as it took. */
  async after(work: () => Promise<unknown>): Promise<void> {
    const startMs = this.#clock.elapsedMs()
    await work()
    await this.for(Math.min(restMsMax, this.#clock.elapsedMs() - startMs))
  }

  /** Rests for so many ms, or until it is closed. */
  for(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        this.#ends.delete(end)
        resolve()
      }
      const cancel = this.#clock.after(ms, end)
      this.#ends.add(end)
    })
  }

  close(): void {
    this.#isClosed = true
    for (const end of this.#ends) end()
  }
}
