import { Worker } from 'node:worker_threads'
import { invariant } from '../core/invariant.ts'
import { inferenceError } from '../schemas/inference-status.ts'
import type {
  FeedTensor,
  FetchedTensor,
  FromSession,
  RunTimes,
  SessionInfo,
  SessionOptions,
  ToSession,
} from './session-messages.ts'

export type RunResult = RunTimes & { readonly outputs: readonly FetchedTensor[] }

interface Waiting {
  resolve(message: FromSession): void
  reject(error: Error): void
}

/** One ONNX Runtime session in a worker thread of its own; at most one run at a time. */
export class Session {
  readonly info: SessionInfo
  readonly #worker: Worker
  readonly #channel: SessionChannel
  #busy = false

  private constructor(worker: Worker, channel: SessionChannel, info: SessionInfo) {
    this.#worker = worker
    this.#channel = channel
    this.info = info
  }

  /**
   * Starts the thread at `threadUrl` (gpu-workers/session-thread.ts) and opens the model.
   * Errors: `MILL_INFERENCE_INVALID` (status INVALID_ARGUMENT) when ONNX Runtime refuses the file.
   */
  static async open(threadUrl: URL, options: SessionOptions): Promise<Session> {
    const worker = new Worker(threadUrl, { workerData: options, name: 'inference-session' })
    const channel = new SessionChannel(worker)
    const first = await channel.next()
    if (first.kind === 'ready') return new Session(worker, channel, first)
    throw inferenceError(
      'INVALID_ARGUMENT',
      first.kind === 'refused' ? first.message : 'the session thread answered something else',
    )
  }

  /** Whether the thread still lives: a crash in native code or out of memory ends it. */
  get alive(): boolean {
    return this.#channel.alive
  }

  /**
   * Runs one batch; `buffer` moves to the thread and is detached here.
   * Errors: status INTERNAL when the graph fails, UNAVAILABLE when the thread died.
   */
  async run(buffer: ArrayBuffer, feeds: readonly FeedTensor[], fetches: readonly string[]): Promise<RunResult> {
    invariant(!this.#busy, 'a session runs one batch at a time')
    this.#busy = true
    try {
      const answer = this.#channel.next()
      this.#worker.postMessage({ kind: 'run', buffer, feeds, fetches } satisfies ToSession, [buffer])
      const message = await answer
      if (message.kind === 'result') return message
      throw inferenceError(
        'INTERNAL',
        message.kind === 'run-failed' ? message.message : 'the session thread answered something else',
      )
    } finally {
      this.#busy = false
    }
  }

  /** Releases the session and lets the thread end by itself. Only when no run is in flight. */
  async close(): Promise<void> {
    invariant(!this.#busy, 'a session is closed only after its run has ended')
    if (!this.alive) return
    this.#busy = true
    const exited = this.#channel.exited
    this.#worker.postMessage({ kind: 'close' } satisfies ToSession)
    await exited
  }
}

/** Messages of one thread as answers to requests, one open at a time; a dying thread fails the open one. */
class SessionChannel {
  readonly exited: Promise<void>
  alive = true
  #waiting: Waiting | null = null

  constructor(worker: Worker) {
    let cause: unknown
    worker.on('message', (message: FromSession) => {
      if (message.kind !== 'closed') this.#settle((waiting) => waiting.resolve(message))
    })
    worker.on('error', (error) => {
      cause = error
    })
    this.exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.alive = false
        this.#settle((waiting) => waiting.reject(inferenceError('UNAVAILABLE', 'the session thread has ended', cause)))
        resolve()
      })
    })
  }

  next(): Promise<FromSession> {
    if (!this.alive) return Promise.reject(inferenceError('UNAVAILABLE', 'the session thread has ended'))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #settle(action: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting) action(waiting)
  }
}
