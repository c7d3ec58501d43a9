/** Repeats a step while there is work. Woken any number of times while it runs, it goes on once; it never runs twice at a time. */
export class WokenLoop {
  readonly #step: () => Promise<boolean>
  readonly #failed: (error: unknown) => void
  #running: Promise<void> | undefined
  #isWoken = false
  #isClosed = false

  /** `step` answers whether there is more to do. `failed` is told what it threw; the next `wake` starts it again. */
  constructor(step: () => Promise<boolean>, failed: (error: unknown) => void) {
    this.#step = step
    this.#failed = failed
  }

  wake(): void {
    this.#isWoken = true
    if (!this.#isClosed) this.#running ??= this.#run()
  }

  /** Resolves when there is nothing to do. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Lets the step under way end, and begins no other. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.idle()
  }

  async #run(): Promise<void> {
    try {
      await Promise.resolve() // Those that wake it in one turn are answered by one step.
      for (let more = true; (more || this.#isWoken) && !this.#isClosed; ) {
        this.#isWoken = false
        more = await this.#step()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#running = undefined
    }
  }
}
