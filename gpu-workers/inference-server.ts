import { Server, ServerCredentials } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { type Clock, systemClock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { type Logger, silentLogger } from '../ports/logger.ts'
import { inferenceService } from './grpc-service.ts'
import { HttpSide } from './http-side.ts'
import { inferCall } from './infer-call.ts'
import { modelCalls } from './model-calls.ts'
import { ModelRepository } from './model-repository.ts'
import { StreamInferCalls } from './stream-infer-call.ts'
import { widenWindows } from './widen-windows.ts'

const SERVICE = 'inference.GRPCInferenceService'

/** The largest message either way: the receiver's default of 4 MiB is too small for tensors. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024

const LAST_ANSWERS_MS = 500

export interface InferenceServerOptions {
  /** A Triton-layout model repository. */
  readonly repository: string
  /** Default '127.0.0.1'. */
  readonly host?: string
  /** gRPC port, default 0 = a free one. */
  readonly port?: number
  /** Port of `/metrics` and `/v2/health`, 0 = a free one; null (default) = none. */
  readonly httpPort?: number | null
  /** Tried for models whose config leaves it open, default 'cpu'; 'cuda' falls back to the CPU and says so. */
  readonly provider?: 'cuda' | 'cpu'
  /** Sessions per model, default 0 = what each config.pbtxt says. */
  readonly sessions?: number
  /** Threads inside one run, default 0 = cores ÷ sessions. */
  readonly intraOpThreads?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** A running inference worker. */
export interface InferenceServer {
  /** `host:port` of the gRPC side. */
  readonly address: string
  readonly port: number
  /** Null when there is no HTTP side. */
  readonly httpPort: number | null
  /** Resolves once every model of the repository was tried; until then requests are answered UNAVAILABLE. */
  readonly loaded: Promise<void>
  /** Stops taking requests, answers every accepted one, releases the sessions, frees the ports. */
  close(): Promise<void>
}

/**
 * Starts an inference worker: gRPC, queue and batcher on this thread, one session per worker thread.
 * Resolves when it listens. Errors: `MILL_SERVICE_START` when a port cannot be taken.
 */
export async function startInferenceServer(options: InferenceServerOptions): Promise<InferenceServer> {
  const host = options.host ?? '127.0.0.1'
  const logger = options.logger ?? silentLogger
  const repository = new ModelRepository(options.repository, {
    threadUrl: new URL('./session-thread.ts', import.meta.url),
    provider: options.provider ?? 'cpu',
    sessions: options.sessions ?? 0,
    intraOpThreads: options.intraOpThreads ?? 0,
    clock: options.clock ?? systemClock,
    logger,
  })
  const server = new RunningServer(repository, logger)
  try {
    await server.listen({ host, port: options.port ?? 0, httpPort: options.httpPort ?? null })
  } catch (error) {
    await server.close()
    throw new MillraceError('MILL_SERVICE_START', `the inference worker cannot listen on ${host}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return server
}

class RunningServer implements InferenceServer {
  address = ''
  port = 0
  loaded: Promise<void> = Promise.resolve()
  readonly #repository: ModelRepository
  readonly #logger: Logger
  readonly #streams: StreamInferCalls
  readonly #health = new HealthImplementation({ '': 'NOT_SERVING', [SERVICE]: 'NOT_SERVING' })
  readonly #grpc = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  })
  #http: HttpSide | null = null
  #closing: Promise<void> | null = null

  constructor(repository: ModelRepository, logger: Logger) {
    this.#repository = repository
    this.#logger = logger
    this.#streams = new StreamInferCalls(repository)
    this.#grpc.addService(inferenceService(), {
      ...modelCalls(repository, { name: 'millrace', version: '0.1.0', ready: () => this.#ready }),
      ModelInfer: inferCall(repository),
      ModelStreamInfer: (call: Parameters<StreamInferCalls['handle']>[0]) => this.#streams.handle(call),
    })
    this.#health.addToServer(this.#grpc)
    widenWindows(this.#grpc)
  }

  get httpPort(): number | null {
    return this.#http?.port ?? null
  }

  async listen(at: { readonly host: string; readonly port: number; readonly httpPort: number | null }): Promise<void> {
    this.port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, port: number): void => (error ? reject(error) : resolve(port))
      this.#grpc.bindAsync(`${at.host}:${at.port}`, ServerCredentials.createInsecure(), bound)
    })
    this.address = `${at.host}:${this.port}`
    if (at.httpPort !== null) {
      this.#http = await HttpSide.listen(this.#repository, { host: at.host, port: at.httpPort, ready: () => this.#ready })
    }
    this.loaded = this.#repository.loadAll().then(() => {
      if (!this.#closing) this.#setHealth('SERVING')
    })
    this.loaded.catch(() => {}) // Whoever waits for `loaded` hears of it; nobody has to.
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  get #ready(): boolean {
    return this.#repository.loadedOnce && !this.#closing
  }

  async #close(): Promise<void> {
    this.#setHealth('NOT_SERVING')
    this.#streams.finish()
    // Takes no new call, and waits for the open ones; health watchers would stay for ever, so they are cut once all else is done.
    const shut = new Promise<void>((resolve) => this.#grpc.tryShutdown(() => resolve()))
    await Promise.race([shut, this.#repository.drain().then(lastAnswersLeave)])
    this.#grpc.forceShutdown()
    await this.#repository.close()
    this.#logger.info({ ...this.#repository.totals() }, 'the inference worker has drained')
    await this.#http?.close()
  }

  #setHealth(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of ['', SERVICE]) this.#health.setStatus(name, status)
  }
}

/** A moment for the last answers to leave once every session has finished. */
function lastAnswersLeave(): Promise<void> {
  return new Promise((resolve) => systemClock.after(LAST_ANSWERS_MS, resolve))
}
