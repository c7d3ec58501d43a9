import { fileURLToPath } from 'node:url'
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ModelState } from '../../ports/inference.ts'
import type { Logger } from '../../ports/logger.ts'
import { decodeModelInferResponse } from '../../schemas/inference-codec.ts'
import type { ModelInferResponse } from '../../schemas/inference-messages.ts'
import { inferenceError, inferenceStatusFrom } from '../../schemas/inference-status.ts'
import { type CallFailure, UnaryCalls } from './unary-calls.ts'

const INFER = '/inference.GRPCInferenceService/ModelInfer'
/** Also our own event loop may be busy for a second. */
const PROBE_DEADLINE_MS = 2_000
const PROBE_HEALTHY_MS = 2_000
const PROBE_BACKOFF_MS_MIN = 100
const PROBE_BACKOFF_MS_MAX = 2_000
const TIMEOUTS_BEFORE_PROBE = 3
/** Late answers to probes in a row after which a worker is left out: on a starved machine one says nothing. */
const PROBES_LATE_MAX = 2

export interface WorkerOptions {
  readonly address: string
  /** Largest message either way, bytes. */
  readonly messageBytesMax: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What a failed call says about its worker, beside the error itself. */
export interface WorkerFailure {
  readonly error: Error
  /** The worker itself was not reached: another one may be asked. */
  readonly unreachable: boolean
}

/**
 * One inference worker behind one long-lived channel, with its own health: left out as soon as it cannot be reached, probed
 * again with a capped backoff, and back by itself.
 */
export class InferenceWorker {
  readonly address: string
  /** Calls under way now. */
  inFlight = 0
  /** Batches the worker can run at the same time for one model; learned at each recovery. */
  sessions = 1
  readonly #options: WorkerOptions
  readonly #client: Client
  readonly #calls: UnaryCalls
  readonly #methods: Record<string, MethodDefinition<object, Reply>>
  #healthy = false
  #closed = false
  #probing: Promise<void> | null = null
  #timeouts = 0
  #lateProbes = 0
  /** Requests answered since the start. */
  #answers = 0
  #backoffMs = PROBE_BACKOFF_MS_MIN
  #cancelProbe: () => void = () => {}

  constructor(options: WorkerOptions) {
    this.address = options.address
    this.#options = options
    this.#methods = methodDefinitions()
    this.#client = new Client(options.address, credentials.createInsecure(), channelOptions(options.messageBytesMax))
    this.#calls = new UnaryCalls({ ...options, path: INFER })
  }

  get healthy(): boolean {
    return this.#healthy
  }

  /** Sends an encoded ModelInferRequest, piece by piece. Rejects with a `WorkerFailure`. */
  async infer(request: readonly Uint8Array[], deadlineMs: number): Promise<ModelInferResponse> {
    this.inFlight += 1
    try {
      const bytes = await this.#calls.call(request, deadlineMs)
      this.#timeouts = 0
      this.#answers += 1
      return decoded(bytes)
    } catch (error) {
      throw this.#judge(error as CallFailure)
    } finally {
      this.inFlight -= 1
    }
  }

  /** Models the worker knows. Rejects when it does not answer within two seconds. */
  async models(): Promise<readonly ModelState[]> {
    const { models } = await this.call('RepositoryIndex', {})
    return (models as Reply[]).map((entry) => ({
      model: String(entry['name']),
      version: String(entry['version']),
      ready: entry['state'] === 'READY',
      reason: String(entry['reason']),
    }))
  }

  /** Any other call of the protocol, by its name. Rejects with a MillraceError. */
  async call(name: string, request: object, deadlineMs = PROBE_DEADLINE_MS): Promise<Reply> {
    const { path, requestSerialize, responseDeserialize } = this.#methods[name]!
    const codec = { serialize: requestSerialize, deserialize: responseDeserialize }
    try {
      return await this.#unary(path, codec, request, this.#options.clock.nowMs() + deadlineMs)
    } catch (error) {
      throw errorOf(error as ServiceError, this.address)
    }
  }

  /** Asks the worker whether it is ready, now; health and the time of the next probe follow from the answer. */
  probe(): Promise<void> {
    this.#cancelProbe()
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = null
    })
    return this.#probing
  }

  close(): void {
    this.#closed = true
    this.#healthy = false
    this.#cancelProbe()
    this.#client.close()
    this.#calls.close()
  }

  async #probe(): Promise<void> {
    const wasHealthy = this.#healthy
    const answersBefore = this.#answers
    let ready = false
    let reason = 'it is not ready'
    try {
      ready = (await this.call('ServerReady', {}))['ready'] === true
      this.#lateProbes = 0
      if (ready && !wasHealthy) this.sessions = await this.#countSessions()
    } catch (error) {
      reason = (error as Error).message
      const isLate = error instanceof MillraceError && error.code === 'MILL_INFERENCE_TIMEOUT'
      // Busy is not gone: while it answers requests, or has missed only one probe, it stays.
      if (isLate && this.#healthy) ready = this.#answers > answersBefore || ++this.#lateProbes < PROBES_LATE_MAX
    }
    if (this.#closed) return
    this.#healthy = ready
    this.#timeouts = 0
    if (!ready) this.#calls.renew()
    if (ready !== wasHealthy) this.#log(ready, reason)
    this.#backoffMs = ready ? PROBE_BACKOFF_MS_MIN : Math.min(PROBE_BACKOFF_MS_MAX, this.#backoffMs * 2)
    // Half of the pause is random, so that many processes do not knock together.
    const delayMs = (ready && this.#lateProbes === 0 ? PROBE_HEALTHY_MS : this.#backoffMs) * (0.5 + Math.random() / 2)
    this.#cancelProbe = this.#options.clock.after(delayMs, () => void this.probe())
  }

  /** The sessions of the model that has most: one credit runs and one waits for each. */
  async #countSessions(): Promise<number> {
    let most = 1
    for (const { model, version, ready } of await this.models()) {
      if (!ready) continue
      const { config } = await this.call('ModelConfig', { name: model, version })
      const groups = ((config as Reply | null)?.['instance_group'] as Reply[] | undefined) ?? []
      const sessions = groups.reduce((sum, group) => sum + Math.max(1, Number(group['count'])), 0)
      most = Math.max(most, sessions)
    }
    return most
  }

  #judge(error: CallFailure): WorkerFailure {
    const unreachable = error.code === status.UNAVAILABLE && !error.reached
    if (unreachable && this.#healthy) {
      this.#healthy = false
      this.#log(false, error.details)
      void this.probe()
    }
    // A worker that says itself that it was too late is there.
    if (error.code === status.DEADLINE_EXCEEDED && !error.reached) {
      this.#timeouts += 1
      if (this.#timeouts >= TIMEOUTS_BEFORE_PROBE) {
        // A connection that was cut without a word looks like this too.
        if (this.#timeouts === TIMEOUTS_BEFORE_PROBE) this.#calls.renew()
        void this.probe()
      }
    } else this.#timeouts = 0
    return { error: errorOf(error, this.address), unreachable }
  }

  #log(healthy: boolean, reason: string): void {
    const { logger } = this.#options
    if (healthy) logger.info({ worker: this.address, sessions: this.sessions }, 'the inference worker answers')
    else logger.warn({ worker: this.address, reason }, 'the inference worker is left out')
  }

  #unary<Request, Response>(
    path: string,
    codec: { serialize(request: Request): Buffer; deserialize(bytes: Buffer): Response },
    request: Request,
    deadlineMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: Response): void => (error ? reject(error) : resolve(response!))
      this.#client.makeUnaryRequest(
        path,
        codec.serialize,
        codec.deserialize,
        request,
        new Metadata(),
        { deadline: deadlineMs },
        answered,
      )
    })
  }
}

export type Reply = Readonly<Record<string, unknown>>

function methodDefinitions(): Record<string, MethodDefinition<object, Reply>> {
  const file = fileURLToPath(new URL('../../schemas/inference.proto', import.meta.url))
  const definition = loadSync(file, { keepCase: true, longs: Number, enums: String, defaults: true })
  return definition['inference.GRPCInferenceService'] as unknown as Record<string, MethodDefinition<object, Reply>>
}

function channelOptions(messageBytesMax: number): ChannelOptions {
  return {
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 2_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
  }
}

function errorOf(error: CallFailure | ServiceError, address: string): Error {
  return inferenceError(inferenceStatusFrom(error.code), `inference worker ${address}: ${error.details}`, error)
}

/** Rejects as a call of the library does whose answer cannot be read. */
function decoded(bytes: Buffer): ModelInferResponse {
  try {
    return decodeModelInferResponse(bytes)
  } catch (error) {
    throw {
      code: status.INTERNAL,
      details: `the answer is no message: ${(error as Error).message}`,
      reached: true,
    } satisfies CallFailure
  }
}
