import { type Clock, systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Inference, InferRequest, InferResponse, ModelState, Tensor } from '../../ports/inference.ts'
import { type Logger, silentLogger } from '../../ports/logger.ts'
import { modelInferRequestChunks } from '../../schemas/inference-codec.ts'
import { datatypeBytes, elementCount, isWireDatatype, type RawTensor } from '../../schemas/inference-datatype.ts'
import { type ModelInferResponse, noParameters } from '../../schemas/inference-messages.ts'
import { inferenceError } from '../../schemas/inference-status.ts'
import { rawToTensor, tensorToRaw } from '../../schemas/inference-tensor.ts'
import { InferenceWorker, type WorkerFailure } from './inference-worker.ts'

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
const LOAD_DEADLINE_MS = 120_000

export interface GrpcInferenceOptions {
  /** `host:port` of each worker: ours, a stock Triton, or any server of the Open Inference Protocol. */
  readonly addresses: readonly string[]
  /** Largest message either way, default 64 MiB. */
  readonly messageBytesMax?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Inference by workers behind gRPC: each request goes to the reachable worker with the fewest calls under way, once more to
 * another one if the first cannot be reached, and never past its deadline. With no worker reachable a request fails at once.
 */
export class GrpcInference implements Inference {
  readonly #workers: readonly InferenceWorker[]
  readonly #clock: Clock
  readonly #messageBytesMax: number
  #next = 0
  #closed = false

  private constructor(options: GrpcInferenceOptions) {
    const { addresses, messageBytesMax = MESSAGE_BYTES_MAX, clock = systemClock, logger = silentLogger } = options
    if (addresses.length === 0)
      throw new MillraceError('MILL_CONFIG_INVALID', 'no inference worker is named; give at least one host:port')
    this.#clock = clock
    this.#messageBytesMax = messageBytesMax
    this.#workers = addresses.map((address) => new InferenceWorker({ address, messageBytesMax, clock, logger }))
  }

  /** Opens the channels and asks each worker once; workers that do not answer yet are taken in when they do. */
  static async connect(options: GrpcInferenceOptions): Promise<GrpcInference> {
    const inference = new GrpcInference(options)
    await Promise.all(inference.#workers.map((worker) => worker.probe()))
    return inference
  }

  /** One batch running and one queued per session of each reachable worker; 1 when none is, so that callers ask and hear it. */
  get capacity(): number {
    let credits = 0
    for (const worker of this.#workers) if (worker.healthy) credits += worker.sessions * 2
    return Math.max(1, credits)
  }

  async infer(request: InferRequest): Promise<InferResponse> {
    const deadlineMs = this.#clock.nowMs() + request.deadlineMs
    const message = encode(request)
    const sizeBytes = message.reduce((sum, { length }) => sum + length, 0)
    if (sizeBytes > this.#messageBytesMax) {
      throw inferenceError(
        'INVALID_ARGUMENT',
        `the request is ${sizeBytes} bytes, more than ${this.#messageBytesMax}; send fewer rows`,
      )
    }
    const tried = new Set<InferenceWorker>()
    let last: Error | null = null
    for (let worker = this.#pick(tried); worker && tried.size < 2; worker = this.#pick(tried)) {
      tried.add(worker)
      try {
        return decode(request, await worker.infer(message, deadlineMs))
      } catch (failure) {
        if (failure instanceof Error) throw failure
        const { error, unreachable } = failure as WorkerFailure
        last = error
        if (!unreachable || this.#clock.nowMs() >= deadlineMs) break
      }
    }
    throw last ?? inferenceError('UNAVAILABLE', this.#closed ? 'inference is closed' : 'no inference worker answers')
  }

  /** Models of all reachable workers; one that several serve is ready if it is ready anywhere. */
  async models(): Promise<readonly ModelState[]> {
    const reachable = this.#workers.filter((worker) => worker.healthy)
    const answers = await Promise.all(reachable.map((worker) => worker.models().catch(() => [])))
    const states = new Map<string, ModelState>()
    for (const state of answers.flat()) {
      const key = `${state.model} ${state.version}`
      if (!states.get(key)?.ready) states.set(key, state)
    }
    return [...states.values()].sort((a, b) =>
      a.model < b.model ? -1 : a.model > b.model ? 1 : Number(a.version) - Number(b.version),
    )
  }

  /** As the first reachable worker says it. */
  async inputWidth(model: string, version = ''): Promise<number> {
    const worker = this.#pick(new Set())
    if (!worker) throw inferenceError('UNAVAILABLE', 'no inference worker answers')
    const { inputs } = await worker.call('ModelMetadata', { name: model, version })
    const [input] = inputs as { readonly shape: readonly number[] }[]
    return Math.max(0, input?.shape.at(-1) ?? 0)
  }

  /** Makes every reachable worker load or reload a model from its repository. Errors: those of the first worker that refuses. */
  async load(model: string): Promise<void> {
    await this.#everywhere('RepositoryModelLoad', model)
  }

  /** Makes every reachable worker take a model out of service. */
  async unload(model: string): Promise<void> {
    await this.#everywhere('RepositoryModelUnload', model)
  }

  close(): Promise<void> {
    this.#closed = true
    for (const worker of this.#workers) worker.close()
    return Promise.resolve()
  }

  async #everywhere(call: string, model: string): Promise<void> {
    const reachable = this.#workers.filter((worker) => worker.healthy)
    if (reachable.length === 0) throw inferenceError('UNAVAILABLE', 'no inference worker answers')
    await Promise.all(reachable.map((worker) => worker.call(call, { model_name: model }, LOAD_DEADLINE_MS)))
  }

  /** The healthy, untried worker with the fewest calls under way; equals take turns. */
  #pick(tried: ReadonlySet<InferenceWorker>): InferenceWorker | null {
    let best: InferenceWorker | null = null
    const count = this.#workers.length
    this.#next = (this.#next + 1) % count
    for (let i = 0; i < count; i++) {
      const worker = this.#workers[(this.#next + i) % count]!
      if (worker.healthy && !tried.has(worker) && (!best || worker.inFlight < best.inFlight)) best = worker
    }
    return best
  }
}

/** In pieces: tensors are sent from where they lie. */
function encode(request: InferRequest): readonly Uint8Array[] {
  const raws = request.inputs.map(tensorToRaw)
  return modelInferRequestChunks({
    modelName: request.model,
    modelVersion: request.version,
    id: '',
    parameters: noParameters,
    inputs: raws.map(({ name, datatype, shape }) => ({ name, datatype, shape, parameters: noParameters, contents: null })),
    outputs: request.outputs.map((name) => ({ name, parameters: noParameters })),
    rawContents: raws.map((raw) => raw.bytes),
  })
}

/** The answer as typed tensors, held against its own shapes and what was asked for. */
function decode(request: InferRequest, response: ModelInferResponse): InferResponse {
  const unusable = (what: string) => inferenceError('INTERNAL', `model "${request.model}" answered something unusable: ${what}`)
  const tensors = response.outputs.map((output, i): Tensor => {
    const { name, datatype, shape } = output
    const bytes = response.rawContents[i]
    if (!bytes || !isWireDatatype(datatype)) throw unusable(`output "${name}" of ${datatype} has no raw contents`)
    const raw: RawTensor = { name, datatype, shape, bytes }
    if (bytes.length !== elementCount(shape) * datatypeBytes[datatype])
      throw unusable(`output "${name}" has ${bytes.length} bytes for [${shape}]`)
    return rawToTensor(raw)
  })
  for (const name of request.outputs)
    if (!tensors.some((tensor) => tensor.name === name)) throw unusable(`output "${name}" is missing`)
  return { model: response.modelName, version: response.modelVersion, outputs: tensors }
}
