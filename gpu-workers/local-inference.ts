import { type Clock, systemClock } from '../core/clock.ts'
import type { Inference, InferRequest, InferResponse, ModelState } from '../ports/inference.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import type { RawTensor } from '../schemas/inference-datatype.ts'
import { inferenceError } from '../schemas/inference-status.ts'
import { rawToTensor, tensorToRaw } from '../schemas/inference-tensor.ts'
import { type InferenceTotals, ModelRepository } from './model-repository.ts'

export interface LocalInferenceOptions {
  /** A Triton-layout model repository; one that does not exist is a repository without models. */
  readonly repository: string
  /** Sessions (threads) per model, default 1; 0 = what each config.pbtxt says. */
  readonly threads?: number
  /** Threads inside one run, default 1: the other cores belong to the engine. A config's own number wins. */
  readonly intraOpThreads?: number
  /** Tried for models whose config leaves it open, default 'cpu'. */
  readonly provider?: 'cuda' | 'cpu'
  readonly clock?: Clock
  readonly logger?: Logger
}

/** In-process inference with control over its models. */
export interface LocalInference extends Inference {
  /** Loads or reloads a model from its folder, without a failed request. Errors: `MILL_MODEL_INVALID`, `MILL_INFERENCE_INVALID`; the old version stays. */
  load(model: string): Promise<void>
  /** Takes a model out of service once its requests are answered. */
  unload(model: string): Promise<void>
  /** Requests, rows and batches run so far, all models together; never falls. */
  totals(): InferenceTotals
}

/**
 * Opens a model repository in this process: the worker's own queue, batcher and session threads, without a network.
 * Resolves when every model is loaded and warm; a model that does not load is logged and shows in `models()`.
 */
export async function createLocalInference(options: LocalInferenceOptions): Promise<LocalInference> {
  const clock = options.clock ?? systemClock
  const repository = new ModelRepository(options.repository, {
    threadUrl: new URL('./session-thread.ts', import.meta.url),
    provider: options.provider ?? 'cpu',
    sessions: options.threads ?? 1,
    intraOpThreads: options.intraOpThreads ?? 1,
    clock,
    logger: options.logger ?? silentLogger,
  })
  await repository.loadAll()
  return new RepositoryInference(repository, clock)
}

class RepositoryInference implements LocalInference {
  readonly #repository: ModelRepository
  readonly #clock: Clock
  #closing: Promise<void> | null = null

  constructor(repository: ModelRepository, clock: Clock) {
    this.#repository = repository
    this.#clock = clock
  }

  get capacity(): number {
    let sessions = 1
    for (const version of this.#repository.served()) sessions = Math.max(sessions, version.sessions)
    return sessions * 2
  }

  async infer(request: InferRequest): Promise<InferResponse> {
    if (this.#closing) throw inferenceError('UNAVAILABLE', 'inference is closed')
    const version = this.#repository.find(request.model, request.version)
    const deadlineMs = this.#clock.nowMs() + request.deadlineMs
    const inputs = request.inputs.map(tensorToRaw)
    const submitted = version.submit({ inputs, outputs: request.outputs }, { deadlineMs, timeoutUs: 0, priority: 0 })
    const outputs = await this.#beforeDeadline(submitted, request)
    return { model: version.model, version: version.version, outputs: outputs.map(rawToTensor) }
  }

  async models(): Promise<readonly ModelState[]> {
    const index = await this.#repository.index()
    return index.map(({ model, version, state, reason }) => ({ model, version, ready: state === 'READY', reason }))
  }

  async inputWidth(model: string, version = ''): Promise<number> {
    const { inputs } = this.#repository.find(model, version).signature
    return Math.max(0, inputs[0]?.dims.at(-1) ?? 0)
  }

  load(model: string): Promise<void> {
    return this.#repository.load(model)
  }

  unload(model: string): Promise<void> {
    return this.#repository.unload(model)
  }

  totals(): InferenceTotals {
    return this.#repository.totals()
  }

  close(): Promise<void> {
    this.#closing ??= this.#repository.close()
    return this.#closing
  }

  /** A run cannot be stopped, but its caller is told when the deadline passes. */
  #beforeDeadline(
    submitted: { readonly answer: Promise<readonly RawTensor[]>; cancel(): void },
    request: InferRequest,
  ): Promise<readonly RawTensor[]> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(Math.max(1, request.deadlineMs), () => {
        reject(inferenceError('DEADLINE_EXCEEDED', `model "${request.model}" did not answer within ${request.deadlineMs} ms`))
        submitted.cancel()
      })
      submitted.answer.then(resolve, reject).finally(cancelTimer)
    })
  }
}
