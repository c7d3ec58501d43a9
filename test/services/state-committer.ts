import { MillraceError } from '../../core/errors.ts'
import type { Positions } from '../../core/positions.ts'
import type { StateStore, TaskId } from '../../ports/state-store.ts'
import { waitUntil } from '../conformance/wait-until.ts'

/**
 * A task that counts: commit n moves its positions to n and writes n to `last` and to a key of its own. It repeats what failed, as
 * the engine does, until told to stop; what it notes lets a test compare the store with everything that was acknowledged.
 */
export class StateCommitter {
  /** The newest commit the store acknowledged, by `applied` or by telling so in `moved`. */
  acknowledged = 0
  /** Commits that failed as unavailable. */
  failures = 0
  /** Longest time one call took, in milliseconds. */
  slowestMs = 0
  readonly moved: Positions[] = []
  /** What must never happen, in words. */
  readonly faults: string[] = []
  readonly #store: StateStore
  readonly #task: TaskId
  #running = true
  #done: Promise<void> = Promise.resolve()

  constructor(store: StateStore, task: TaskId) {
    this.#store = store
    this.#task = task
  }

  async start(): Promise<void> {
    const { epoch, positions } = await this.#store.openTask(this.#task)
    this.acknowledged = positions['events'] ?? 0
    this.#done = this.#run(epoch)
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#done
  }

  /** Waits until `count` further commits are acknowledged. */
  async advance(count: number): Promise<void> {
    const goal = this.acknowledged + count
    await waitUntil(`commit ${goal} of ${this.#task.topology}.${this.#task.partition}`, () => this.acknowledged >= goal)
  }

  /** What the store lacks of what it acknowledged. */
  async lost(): Promise<string[]> {
    const lost: string[] = []
    const stored = (await this.#store.progress(this.#task))?.positions['events']
    if (stored !== this.acknowledged) lost.push(`positions are ${stored}, acknowledged was ${this.acknowledged}`)
    const numbers = Array.from({ length: this.acknowledged }, (_, index) => index + 1)
    const values = await this.#store.read(this.#task, ['last', ...numbers.map((n) => `commit-${n}`)])
    for (const [index, value] of values.entries()) {
      const expected = String(index === 0 ? this.acknowledged : index)
      if (!value || Buffer.from(value).toString() !== expected)
        lost.push(`${index === 0 ? 'last' : `commit-${index}`} is not ${expected}`)
    }
    return lost
  }

  async #run(epoch: number): Promise<void> {
    while (this.#running) {
      const next = this.acknowledged + 1
      const value = Buffer.from(String(next))
      const startMs = performance.now()
      try {
        const from: Positions = this.acknowledged === 0 ? {} : { events: this.acknowledged }
        const writes = new Map([`commit-${next}`, 'last'].map((key) => [key, value]))
        const result = await this.#store.commit(this.#task, { epoch, from, to: { events: next }, writes, ttlS: 600 })
        if (result.kind === 'applied') this.acknowledged = next
        else if (result.kind === 'moved') this.#adopt(result.positions)
        else this.faults.push('fenced without another owner')
      } catch (error) {
        if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_UNAVAILABLE') this.faults.push(String(error))
        this.failures++
        await new Promise((resolve) => setTimeout(resolve, 10)) // The back-off of whoever repeats.
      }
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs)
      if (this.faults.length > 0) return
    }
  }

  /** Only the one commit whose answer was lost may have been applied meanwhile. */
  #adopt(positions: Positions): void {
    this.moved.push(positions)
    const at = positions['events'] ?? 0
    if (at !== this.acknowledged + 1) this.faults.push(`moved to ${at} though ${this.acknowledged} was acknowledged`)
    this.acknowledged = at
  }
}
