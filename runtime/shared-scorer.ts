import { MillraceError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Inference, InferResponse, Tensor } from '../ports/inference.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Scored, Scorer } from '../ports/scorer.ts'

/** Requests whose memory is kept. */
const memoryMax = 8

export interface SharedScorerOptions {
  /** Rows of one request to a worker at most; a larger call is cut. */
  readonly rowsMax: number
  /** Rows waiting at most, all callers together; past it a call fails with `MILL_INFERENCE_OVERLOADED`. */
  readonly queueRowsMax: number
  /** Milliseconds a worker has for one request. */
  readonly deadlineMs: number
  /** After a model could not be used at all, calls for it fail at once for so long: a missing model must cost nothing. */
  readonly retryMs: number
}

interface Call {
  readonly model: string
  /** '' = the one that the workers' policy serves. */
  readonly version: string
  readonly features: Float32Array
  readonly rows: number
  readonly outputs: readonly string[]
  readonly extra: readonly string[]
  readonly done: (scored: Scored) => void
  readonly failed: (error: unknown) => void
}

/**
 * The one scorer of a process: while a worker is free a call goes at once, while all are busy calls for the same version of
 * a model gather and leave as one request. Each caller gets its own rows back.
 */
export class SharedScorer implements Scorer {
  readonly #inference: Inference
  readonly #options: SharedScorerOptions
  readonly #clock: Clock
  readonly #waiting: Call[] = []
  /** Versions of models that nobody serves now: until when, and why. */
  readonly #away = new Map<string, { readonly untilMs: number; readonly error: unknown }>()
  /** Rows of requests that were answered, for the next ones: as memory of their own they were most of the garbage. */
  readonly #memory: Float32Array[] = []
  /** Columns that versions of models take which were found to take fewer than they were given. */
  readonly #widths = new Map<string, number>()
  #waitingRows = 0
  #running = 0
  /** Rows and requests since the start. */
  rows = 0
  requests = 0
  failures = 0

  constructor(inference: Inference, options: SharedScorerOptions, clock: Clock, metrics: Metrics) {
    this.#inference = inference
    this.#clock = clock
    this.#options = options
    metrics.gauge('millrace_inference_rows_total', 'Rows scored.', () => [{ value: this.rows }])
    metrics.gauge('millrace_inference_requests_total', 'Requests to inference workers.', () => [{ value: this.requests }])
    metrics.gauge('millrace_inference_failures_total', 'Requests that failed and lowered a rung.', () => [
      { value: this.failures },
    ])
  }

  ready(model: string, version = ''): boolean {
    const away = this.#away.get(nameOf({ model, version }))
    return !away || this.#clock.nowMs() >= away.untilMs
  }

  async score(
    model: string,
    features: Float32Array,
    rows: number,
    outputs: readonly string[],
    version = '',
    extra: readonly string[] = [],
  ): Promise<Scored> {
    const asked = { model, version, outputs, extra }
    if (!this.ready(model, version)) throw this.#away.get(nameOf(asked))!.error
    if (rows === 0) return { outputs: [...outputs, ...extra].map(() => new Float32Array(0)), version: '' }
    const width = features.length / rows
    if (rows <= this.#options.rowsMax) return this.#enqueue({ ...asked, features, rows })
    const parts: Promise<Scored>[] = []
    for (let from = 0; from < rows; from += this.#options.rowsMax) {
      const count = Math.min(this.#options.rowsMax, rows - from)
      parts.push(this.#enqueue({ ...asked, features: features.subarray(from * width, (from + count) * width), rows: count }))
    }
    const scored = await Promise.all(parts)
    return {
      outputs: [...outputs, ...extra].map((_name, index) => joined(scored.map((part) => part.outputs[index]!))),
      version: scored[0]!.version,
    }
  }

  #enqueue(call: Omit<Call, 'done' | 'failed'>): Promise<Scored> {
    const { rows } = call
    if (this.#waitingRows + rows > this.#options.queueRowsMax) {
      this.failures++
      return Promise.reject(
        new MillraceError('MILL_INFERENCE_OVERLOADED', `${this.#waitingRows} rows already wait for inference workers`),
      )
    }
    return new Promise((done, failed) => {
      this.#waiting.push({ ...call, done, failed })
      this.#waitingRows += rows
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#running < Math.max(1, this.#inference.capacity)) {
      const calls = this.#take()
      this.#running++
      void this.#send(calls).finally(() => {
        this.#running--
        this.#dispatch()
      })
    }
  }

  /** The oldest call and what can travel with it: the same version of a model and outputs, up to the row limit. */
  #take(): Call[] {
    const first = this.#waiting[0]!
    const taken: Call[] = []
    let rows = 0
    for (let i = 0; i < this.#waiting.length; ) {
      const call = this.#waiting[i]!
      if (
        nameOf(call) === nameOf(first) &&
        call.outputs.join() === first.outputs.join() &&
        call.extra.join() === first.extra.join() &&
        rows + call.rows <= this.#options.rowsMax
      ) {
        taken.push(call)
        rows += call.rows
        this.#waiting.splice(i, 1)
      } else i++
    }
    this.#waitingRows -= rows
    return taken
  }

  /** Memory of at least so many numbers. */
  #memoryOf(length: number): Float32Array {
    const memory = this.#memory.pop()
    return memory && memory.length >= length ? memory : new Float32Array(length)
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const { model, outputs, extra } = calls[0]!
    const name = nameOf(calls[0]!)
    const rows = calls.reduce((sum, call) => sum + call.rows, 0)
    try {
      const response = await this.#inferKnown(calls, rows)
      const columns = [...outputs, ...extra].map((output) => {
        const tensor = response.outputs.find((other) => other.name === output)
        if (!tensor && extra.includes(output)) return new Float32Array(0)
        return usable(tensor, { model, name: output, rows })
      })
      this.requests++
      this.rows += rows
      let from = 0
      for (const call of calls) {
        const to = from + call.rows
        call.done({
          outputs: columns.map((column) => column.subarray((from * column.length) / rows, (to * column.length) / rows)),
          version: response.version,
        })
        from = to
      }
      this.#away.delete(name)
    } catch (error) {
      this.failures++
      if (isAway(error)) this.#away.set(name, { untilMs: this.#clock.nowMs() + this.#options.retryMs, error })
      for (const call of calls) call.failed(error)
    }
  }

  /**
   * Asks with as many columns as the model is known to take. Columns are only ever appended, so a model of an older feature schema
   * reads the first ones: one that refuses the rows is asked how many, and then once more.
   */
  async #inferKnown(calls: readonly Call[], rows: number): Promise<InferResponse> {
    const { model, version, extra, features, rows: own } = calls[0]!
    const name = nameOf(calls[0]!)
    // A model refuses outputs that it does not have: who would take more is given all.
    const outputs = extra.length > 0 ? [] : calls[0]!.outputs
    const full = features.length / own
    const known = Math.min(full, this.#widths.get(name) ?? full)
    const infer = async (width: number): Promise<InferResponse> => {
      const isWhole = calls.length === 1 && width === full
      const memory = isWhole ? features : this.#memoryOf(rows * width)
      const data = memory.subarray(0, rows * width)
      if (!isWhole) gather(calls, width, data)
      const inputs = [{ name: 'features', datatype: 'FP32', shape: [rows, width], data }] as const
      const response = await this.#inference.infer({ model, version, inputs, outputs, deadlineMs: this.#options.deadlineMs })
      // What failed may still be read by somebody.
      if (!isWhole && this.#memory.length < memoryMax) this.#memory.push(memory)
      return response
    }
    try {
      return await infer(known)
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'MILL_INFERENCE_INVALID')) throw error
      const takes = await this.#inference.inputWidth(model, version).catch(() => 0)
      if (takes === 0 || takes === known || takes > full) throw error
      this.#widths.set(name, takes)
      return await infer(takes)
    }
  }
}

/** What tells versions apart; a model's name holds no colon. */
function nameOf({ model, version }: Pick<Call, 'model' | 'version'>): string {
  return version === '' ? model : `${model}:${version}`
}

/** Writes the first `width` columns of the rows of all calls into `out`, one after the other. */
function gather(calls: readonly Call[], width: number, out: Float32Array): void {
  let at = 0
  for (const { features, rows } of calls) {
    const full = features.length / rows
    if (full === width) out.set(features, at)
    else for (let row = 0; row < rows; row++) copyRow(out, at + row * width, features, row * full, width)
    at += rows * width
  }
}

/** Faster than a view per row. */
function copyRow(to: Float32Array, at: number, from: Float32Array, start: number, width: number): void {
  for (let column = 0; column < width; column++) to[at + column] = from[start + column]!
}

/** The numbers of an output, so many per row and all finite: anything else would rank people's lists by chance. */
function usable(tensor: Tensor | undefined, { model, name, rows }: { model: string; name: string; rows: number }): Float32Array {
  const unusable = (what: string) => new MillraceError('MILL_INFERENCE_INVALID', `${model} answered ${what}`)
  const data = tensor?.data
  if (!(data instanceof Float32Array)) throw unusable(`without the FP32 output ${name}`)
  if (tensor!.shape[0] !== rows || data.length === 0) throw unusable(`[${tensor!.shape}] as ${name} for ${rows} rows`)
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i])) throw unusable(`${data[i]} as ${name} of row ${Math.floor((i * rows) / data.length)}`)
  return data
}

/** Whether asking again at once is pointless: no worker, or no such model. Slowness and overload are not. */
function isAway(error: unknown): boolean {
  return (
    error instanceof MillraceError && (error.code === 'MILL_INFERENCE_UNAVAILABLE' || error.code === 'MILL_INFERENCE_INVALID')
  )
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
