import { availableParallelism } from 'node:os'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { datatypeBytes, elementCount, type RawTensor } from '../schemas/inference-datatype.ts'
import { inferenceError, inferenceStatusOf } from '../schemas/inference-status.ts'
import { Batcher, type Submitted } from './batcher.ts'
import { checkRequest } from './check-request.ts'
import { joinBatch } from './join-batch.ts'
import {
  batchBuckets,
  type ConfigWarmup,
  configDatatypes,
  type ModelConfig,
  numberParameter,
  sessionCount,
} from './model-config.ts'
import { completeConfig, defaultConfig, type ModelSignature, resolveSignature } from './model-signature.ts'
import { ModelStatistics } from './model-statistics.ts'
import { Session } from './session.ts'
import type { SessionInfo, SessionOptions } from './session-messages.ts'

const REOPEN_ATTEMPTS_MAX = 5
const REOPEN_DELAY_MS = 200
const QUEUE_SIZE_MAX_DEFAULT = 256

/** How a process runs its models; the same for every model of a repository. */
export interface SessionSettings {
  /** Where gpu-workers/session-thread.ts lies; handed in so that any mode starts the same thread program. */
  readonly threadUrl: URL
  /** What KIND_AUTO means here; KIND_GPU always tries cuda, KIND_CPU never. */
  readonly provider: 'cuda' | 'cpu'
  /** Sessions per model; 0 = what each config says. */
  readonly sessions: number
  /** Threads inside one run; 0 = cores ÷ sessions. A config's `intra_op_thread_count` wins. */
  readonly intraOpThreads: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface VersionSource {
  readonly model: string
  readonly version: number
  readonly modelPath: string
  /** Null: Triton's completion of a model without config.pbtxt. */
  readonly config: ModelConfig | null
}

/** What one request asks for besides its tensors. */
export interface RequestLimits {
  /** Clock time after which the answer is worthless, milliseconds; Infinity = never. */
  readonly deadlineMs: number
  /** Queue time the request allows itself, microseconds; 0 = no wish. */
  readonly timeoutUs: number
  /** Lower first; 0 = the model's default. */
  readonly priority: number
}

/** One loaded version of a model: its sessions, its queue and its counters. */
export class ModelVersion {
  readonly model: string
  readonly version: string
  readonly config: ModelConfig
  readonly signature: ModelSignature
  readonly info: SessionInfo
  readonly statistics = new ModelStatistics()
  readonly #settings: SessionSettings
  readonly #sessionOptions: SessionOptions
  readonly #batcher: Batcher
  #sessions: Session[]
  #retired = false

  private constructor(
    source: VersionSource,
    config: ModelConfig,
    settings: SessionSettings,
    options: SessionOptions,
    sessions: Session[],
  ) {
    this.model = source.model
    this.version = String(source.version)
    this.info = sessions[0]!.info
    this.signature = resolveSignature(config, this.info, source.version)
    this.config = completeConfig(config, this.signature, this.info)
    this.#settings = settings
    this.#sessionOptions = options
    this.#sessions = sessions
    const batching = config.dynamic_batching
    this.#batcher = new Batcher({
      maxBatchSize: config.max_batch_size,
      queueSizeMax: batching?.default_queue_policy?.max_queue_size || QUEUE_SIZE_MAX_DEFAULT,
      delayMsMax: (batching?.max_queue_delay_microseconds ?? 0) >= 1000 ? batching!.max_queue_delay_microseconds! / 1000 : 0,
      buckets: batchBuckets(config),
      clock: settings.clock,
      statistics: this.statistics,
      runnerLost: (runner) => void this.#reopen(runner as Session),
    })
  }

  /** Opens every session, holds the config against the file and warms up. Errors: `MILL_MODEL_INVALID`, `MILL_INFERENCE_INVALID`. */
  static async open(source: VersionSource, settings: SessionSettings): Promise<ModelVersion> {
    const count = settings.sessions || (source.config ? sessionCount(source.config) : 1)
    const options = sessionOptions(source, settings, count)
    const opened = await Promise.allSettled(Array.from({ length: count }, () => Session.open(settings.threadUrl, options)))
    const sessions = opened.filter((result) => result.status === 'fulfilled').map((result) => result.value)
    try {
      const refused = opened.find((result) => result.status === 'rejected')
      if (refused) throw named(source, refused.reason)
      const config = source.config ?? defaultConfig(source.model, sessions[0]!.info)
      const version = new ModelVersion(source, config, settings, options, sessions)
      for (const session of sessions) {
        await version.#warmUp(session)
        version.#batcher.addRunner(session)
      }
      return version
    } catch (error) {
      await Promise.all(sessions.map((session) => session.close()))
      throw error
    }
  }

  /** Living sessions: batches that can run at the same time. */
  get sessions(): number {
    return this.#sessions.length
  }

  get pending(): number {
    return this.#batcher.pending
  }

  /** Checks a request and queues it. Errors: INVALID_ARGUMENT at once; the others as the answer's rejection. */
  submit(
    request: { readonly inputs: readonly RawTensor[]; readonly outputs: readonly string[] },
    limits: RequestLimits,
  ): Submitted {
    const checked = checkRequest(this.model, this.signature, request)
    return this.#batcher.submit(checked, { deadlineMs: this.#deadlineMs(limits), priority: this.#priority(limits.priority) })
  }

  /** Resolves once no request waits or runs. */
  drain(): Promise<void> {
    return this.#batcher.drain()
  }

  /** Answers everything accepted, then releases the sessions. New requests must go elsewhere before this is called. */
  async retire(): Promise<void> {
    this.#retired = true
    await this.#batcher.drain()
    this.#batcher.close(inferenceError('UNAVAILABLE', `model "${this.model}" version ${this.version} is unloaded`))
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()))
  }

  #deadlineMs(limits: RequestLimits): number {
    const policy = this.config.dynamic_batching?.default_queue_policy
    const ownUs = policy?.timeout_action === 'DELAY' ? 0 : (policy?.default_timeout_microseconds ?? 0)
    const wish = limits.timeoutUs || Number.POSITIVE_INFINITY
    const timeoutUs = ownUs > 0 && !(policy?.allow_timeout_override && limits.timeoutUs > 0) ? Math.min(ownUs, wish) : wish
    return Math.min(limits.deadlineMs, this.#settings.clock.nowMs() + timeoutUs / 1000)
  }

  #priority(wanted: number): number {
    const levels = this.config.dynamic_batching?.priority_levels ?? 0
    if (levels === 0) return 0
    return Math.min(levels, wanted || this.config.dynamic_batching?.default_priority_level || levels)
  }

  /** Runs the configured warm-up, or one row of zeros, so that the first request finds everything allocated. */
  async #warmUp(session: Session): Promise<void> {
    const configured = this.config.model_warmup ?? []
    for (const warmup of configured) {
      for (let i = 0; i < (warmup.count || 1); i++) await this.#runOnce(session, this.#warmupInputs(warmup))
    }
    if (configured.length > 0) return
    try {
      await this.#runOnce(session, this.#warmupInputs({ inputs: {} }))
    } catch (error) {
      this.#settings.logger.warn(
        { model: this.model, version: this.version, error: String(error) },
        'a row of zeros does not run; no warm-up',
      )
    }
  }

  #warmupInputs(warmup: ConfigWarmup): RawTensor[] {
    const rows = this.signature.maxBatchSize > 0 ? [Math.max(1, warmup.batch_size ?? 1)] : []
    return this.signature.inputs.map((input) => {
      const given = warmup.inputs[input.name]
      const shape = [...rows, ...(given?.dims ?? input.dims).map((size) => Math.max(1, size))]
      const datatype = given ? configDatatypes[given.data_type] : input.datatype
      return { name: input.name, datatype, shape, bytes: new Uint8Array(elementCount(shape) * datatypeBytes[datatype]) }
    })
  }

  async #runOnce(session: Session, inputs: readonly RawTensor[]): Promise<void> {
    const checked = checkRequest(this.model, this.signature, { inputs, outputs: [] })
    const joined = joinBatch([checked], this.signature.maxBatchSize > 0 ? checked.rows : 0)
    await session.run(joined.buffer, joined.feeds, joined.fetches)
  }

  /** Replaces a session whose thread died; gives up after a few attempts, and with no session left refuses all requests. */
  async #reopen(lost: Session): Promise<void> {
    const { logger, clock, threadUrl } = this.#settings
    this.#sessions = this.#sessions.filter((session) => session !== lost)
    for (let attempt = 1; attempt <= REOPEN_ATTEMPTS_MAX && !this.#retired; attempt++) {
      logger.error({ model: this.model, version: this.version, attempt }, 'an inference session died; opening another')
      await new Promise<void>((resolve) => clock.after(REOPEN_DELAY_MS * attempt, resolve))
      try {
        const session = await Session.open(threadUrl, this.#sessionOptions)
        if (this.#retired) return await session.close()
        this.#sessions.push(session)
        this.#batcher.addRunner(session)
        return
      } catch (error) {
        logger.error({ model: this.model, version: this.version, error: String(error) }, 'the session did not open')
      }
    }
    if (this.#sessions.length === 0)
      this.#batcher.close(inferenceError('UNAVAILABLE', `model "${this.model}" has lost all its sessions`))
  }
}

/** ONNX Runtime does not always say which file it speaks of. */
function named({ model, version }: VersionSource, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error)
  return inferenceError(inferenceStatusOf(error), `model "${model}" version ${version}: ${message}`, error)
}

function sessionOptions(source: VersionSource, settings: SessionSettings, sessions: number): SessionOptions {
  const { config } = source
  const group = config?.instance_group?.[0]
  const wanted = group?.kind === 'KIND_GPU' ? 'cuda' : group?.kind === 'KIND_CPU' ? 'cpu' : settings.provider
  const intraOpDefault = settings.intraOpThreads || Math.max(1, Math.floor(availableParallelism() / sessions))
  const level = config?.optimization?.graph?.level ?? 0
  return {
    modelPath: source.modelPath,
    provider: wanted,
    deviceId: group?.gpus?.[0] ?? 0,
    intraOpThreads: config ? numberParameter(config, 'intra_op_thread_count', intraOpDefault) : intraOpDefault,
    interOpThreads: config ? numberParameter(config, 'inter_op_thread_count', 1) : 1,
    parallelExecution: config ? numberParameter(config, 'execution_mode', 0) === 1 : false,
    graphOptimization: level === -1 ? 'basic' : level === 1 ? 'extended' : level === 2 ? 'disabled' : 'all',
  }
}
