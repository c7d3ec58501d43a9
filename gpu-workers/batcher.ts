import type { Clock } from '../core/clock.ts'
import type { RawTensor } from '../schemas/inference-datatype.ts'
import { inferenceError, inferenceStatusOf } from '../schemas/inference-status.ts'
import type { CheckedRequest } from './check-request.ts'
import { joinBatch, splitBatch } from './join-batch.ts'
import type { ModelStatistics } from './model-statistics.ts'
import type { RunResult } from './session.ts'
import type { FeedTensor } from './session-messages.ts'

const TIMER_MS_MAX = 2 ** 31 - 1

/** What runs batches: one `Session`, or a stand-in. */
export interface BatchRunner {
  readonly alive: boolean
  run(buffer: ArrayBuffer, feeds: readonly FeedTensor[], fetches: readonly string[]): Promise<RunResult>
}

export interface BatcherOptions {
  /** Rows a run may hold; 0: every request runs alone. */
  readonly maxBatchSize: number
  /** Requests that may wait; one more is answered RESOURCE_EXHAUSTED. */
  readonly queueSizeMax: number
  /** Longest time an idle runner waits for more rows, milliseconds; 0 = never. */
  readonly delayMsMax: number
  /** Row counts to pad to, ascending; empty = none. */
  readonly buckets: readonly number[]
  readonly clock: Clock
  readonly statistics: ModelStatistics
  /** A runner was found dead after a run and has been dropped. */
  runnerLost(runner: BatchRunner): void
}

/** A request in the queue: the promise of its outputs, and a way to give it up before it runs. */
export interface Submitted {
  readonly answer: Promise<readonly RawTensor[]>
  /** Drops the request if it has not started, answering CANCELLED. */
  cancel(): void
}

interface Pending {
  readonly request: CheckedRequest
  readonly priority: number
  /** Clock time after which it is dropped unrun; Infinity = never. */
  readonly deadlineMs: number
  readonly arrived: number
  started: number
  resolve(outputs: readonly RawTensor[]): void
  reject(error: Error): void
}

/**
 * Batch while busy: an idle runner takes what waits at once, and what arrives while all runners are busy forms the next batch.
 *
 * - Order: by priority (lower first), then arrival; only requests of one shape key join.
 * - Bound: `queueSizeMax` waiting requests and one batch per runner.
 * - Time: deadlines by the clock given, checked before a run and by one timer; a run that has begun is never stopped.
 * - Isolation: when a joined run fails, each of its requests runs once more alone, so a bad row fails only its own request.
 */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #idle: BatchRunner[] = []
  #queue: Pending[] = []
  #running = 0
  #closed: Error | null = null
  #cancelDeadline: (() => void) | null = null
  #deadlineMs = Number.POSITIVE_INFINITY
  #cancelDelay: (() => void) | null = null
  #drained: (() => void)[] = []

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  /** Requests waiting for a run. */
  get pending(): number {
    return this.#queue.length
  }

  addRunner(runner: BatchRunner): void {
    this.#idle.push(runner)
    this.#pump()
  }

  /** Takes a checked request. Errors (as rejections): RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, CANCELLED, INTERNAL, UNAVAILABLE. */
  submit(request: CheckedRequest, limits: { readonly deadlineMs: number; readonly priority: number }): Submitted {
    const { statistics, queueSizeMax } = this.#options
    if (this.#closed) return refused(this.#closed)
    if (this.#queue.length >= queueSizeMax) {
      statistics.failed('RESOURCE_EXHAUSTED', 0)
      return refused(inferenceError('RESOURCE_EXHAUSTED', `the inference queue is full (${queueSizeMax} requests wait)`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<readonly RawTensor[]>()
    const pending: Pending = { request, ...limits, arrived: performance.now(), started: 0, resolve, reject }
    this.#insert(pending)
    this.#armDeadline(pending.deadlineMs)
    this.#pump()
    return {
      answer: promise,
      cancel: () => {
        if (this.#remove(pending)) this.#fail(pending, inferenceError('CANCELLED', 'the caller gave up before the run'))
      },
    }
  }

  /** Resolves once nothing waits or runs; the caller sends no more. */
  drain(): Promise<void> {
    if (this.#queue.length === 0 && this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Fails what waits and refuses all that comes. */
  close(error: Error): void {
    this.#closed ??= error
    for (const pending of this.#queue.splice(0)) this.#fail(pending, error)
    this.#cancelDeadline?.()
    this.#cancelDelay?.()
    this.#checkDrained()
  }

  #pump(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      this.#dropExpired()
      if (this.#queue.length === 0 || this.#shouldWait()) return
      const runner = this.#idle.pop()!
      void this.#execute(runner, this.#take())
    }
  }

  #shouldWait(): boolean {
    const { delayMsMax, maxBatchSize, clock } = this.#options
    if (delayMsMax === 0 || this.#cancelDelay === expiredDelay) return false
    let rows = 0
    for (const pending of this.#queue) rows += pending.request.rows
    if (rows >= maxBatchSize) return false
    this.#cancelDelay ??= clock.after(delayMsMax, () => {
      this.#cancelDelay = expiredDelay
      this.#pump()
    })
    return true
  }

  /** The next batch: the head of the queue and everything of its shape that still fits, in order. */
  #take(): Pending[] {
    if (this.#cancelDelay) this.#cancelDelay()
    this.#cancelDelay = null
    const { maxBatchSize } = this.#options
    const batch = [this.#queue.shift()!]
    let rows = batch[0]!.request.rows
    const { shapeKey } = batch[0]!.request
    const rest: Pending[] = []
    for (const pending of this.#queue) {
      const joins = pending.request.shapeKey === shapeKey && rows + pending.request.rows <= maxBatchSize
      if (joins) rows += pending.request.rows
      ;(joins ? batch : rest).push(pending)
    }
    this.#queue = rest
    const started = performance.now()
    for (const pending of batch) pending.started = started
    return batch
  }

  async #execute(runner: BatchRunner, batch: Pending[]): Promise<void> {
    this.#running += 1
    try {
      await this.#run(runner, batch)
    } catch (error) {
      if (batch.length > 1 && inferenceStatusOf(error) === 'INTERNAL' && runner.alive) await this.#runAlone(runner, batch)
      else for (const pending of batch) this.#fail(pending, error as Error)
    }
    this.#running -= 1
    if (runner.alive) this.#idle.push(runner)
    else this.#options.runnerLost(runner)
    this.#pump()
    this.#checkDrained()
  }

  async #runAlone(runner: BatchRunner, batch: readonly Pending[]): Promise<void> {
    for (const pending of batch) {
      try {
        await this.#run(runner, [pending])
      } catch (error) {
        this.#fail(pending, error as Error)
      }
    }
  }

  async #run(runner: BatchRunner, batch: readonly Pending[]): Promise<void> {
    const { statistics, clock } = this.#options
    const requests = batch.map((pending) => pending.request)
    let rows = 0
    for (const request of requests) rows += request.rows
    const joined = joinBatch(requests, this.#paddedRows(rows))
    const result = await runner.run(joined.buffer, joined.feeds, joined.fetches)
    const answers = splitBatch(requests, joined, result.outputs)
    statistics.ran(rows, batch.length, result, clock.nowMs())
    const now = performance.now()
    for (let i = 0; i < batch.length; i++) {
      const pending = batch[i]!
      statistics.succeeded(now - pending.arrived, pending.started - pending.arrived)
      pending.resolve(answers[i]!)
    }
  }

  #paddedRows(rows: number): number {
    const { maxBatchSize, buckets } = this.#options
    if (maxBatchSize === 0) return 0
    for (const bucket of buckets) if (bucket >= rows) return bucket
    return rows
  }

  #insert(pending: Pending): void {
    let at = this.#queue.length
    while (at > 0 && this.#queue[at - 1]!.priority > pending.priority) at--
    this.#queue.splice(at, 0, pending)
  }

  #remove(pending: Pending): boolean {
    const at = this.#queue.indexOf(pending)
    if (at >= 0) this.#queue.splice(at, 1)
    return at >= 0
  }

  #dropExpired(): void {
    const nowMs = this.#options.clock.nowMs()
    if (nowMs < this.#deadlineMs) return
    let nextMs = Number.POSITIVE_INFINITY
    this.#queue = this.#queue.filter((pending) => {
      if (pending.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, pending.deadlineMs)
        return true
      }
      this.#fail(pending, inferenceError('DEADLINE_EXCEEDED', 'the deadline passed in the inference queue'))
      return false
    })
    this.#deadlineMs = Number.POSITIVE_INFINITY
    this.#armDeadline(nextMs)
    this.#checkDrained()
  }

  /** One timer, for the earliest deadline in the queue. */
  #armDeadline(deadlineMs: number): void {
    if (deadlineMs >= this.#deadlineMs) return
    this.#cancelDeadline?.()
    this.#deadlineMs = deadlineMs
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(1, deadlineMs - this.#options.clock.nowMs()))
    this.#cancelDeadline = this.#options.clock.after(delayMs, () => {
      this.#deadlineMs = Number.NEGATIVE_INFINITY // A timer may fire a little early: look through the queue in any case.
      this.#dropExpired()
    })
  }

  #fail(pending: Pending, error: Error): void {
    this.#options.statistics.failed(inferenceStatusOf(error), performance.now() - pending.arrived)
    pending.reject(error)
  }

  #checkDrained(): void {
    if (this.#queue.length > 0 || this.#running > 0) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}

/** Marks that the delay has passed: the next pump runs whatever there is. */
function expiredDelay(): void {}

function refused(error: Error): Submitted {
  return { answer: Promise.reject(error), cancel() {} }
}
