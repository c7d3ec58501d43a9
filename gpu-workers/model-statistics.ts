import type { InferenceStatus } from '../schemas/inference-status.ts'
import type { RunTimes } from './session-messages.ts'

export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER'

/** How often something happened and how long it took altogether, nanoseconds. */
export interface Duration {
  count: number
  ns: number
}

const duration = (): Duration => ({ count: 0, ns: 0 })

/** Counters of one model version, as `ModelStatistics` and the metrics endpoint report them. */
export class ModelStatistics {
  /** Milliseconds since 1970; 0 = never. */
  lastInferenceMs = 0
  /** Rows that ran. */
  rows = 0
  /** Runs: a batch counts once. */
  batches = 0
  readonly success = duration()
  readonly failure = duration()
  readonly queue = duration()
  readonly input = duration()
  readonly infer = duration()
  readonly output = duration()
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 }
  /** By rows of the batch. */
  readonly bySize = new Map<number, { input: Duration; infer: Duration; output: Duration }>()

  /** One run of `requests` requests with `rows` rows together, padding not counted. */
  ran(rows: number, requests: number, times: RunTimes, nowMs: number): void {
    this.lastInferenceMs = nowMs
    this.rows += rows
    this.batches += 1
    let size = this.bySize.get(rows)
    if (!size) {
      size = { input: duration(), infer: duration(), output: duration() }
      this.bySize.set(rows, size)
    }
    add(this.input, requests, times.inputNs * requests)
    add(this.infer, requests, times.inferNs * requests)
    add(this.output, requests, times.outputNs * requests)
    add(size.input, 1, times.inputNs)
    add(size.infer, 1, times.inferNs)
    add(size.output, 1, times.outputNs)
  }

  /** One request was answered `totalMs` after it arrived, of which it waited `queueMs` for its run. */
  succeeded(totalMs: number, queueMs: number): void {
    add(this.success, 1, Math.round(totalMs * 1e6))
    add(this.queue, 1, Math.round(queueMs * 1e6))
  }

  failed(status: InferenceStatus, totalMs: number): void {
    add(this.failure, 1, Math.round(totalMs * 1e6))
    this.failures[reasonOf(status)] += 1
  }
}

function add(to: Duration, count: number, ns: number): void {
  to.count += count
  to.ns += ns
}

function reasonOf(status: InferenceStatus): FailureReason {
  if (status === 'RESOURCE_EXHAUSTED' || status === 'DEADLINE_EXCEEDED') return 'REJECTED'
  if (status === 'CANCELLED') return 'CANCELED'
  return status === 'INTERNAL' ? 'BACKEND' : 'OTHER'
}
