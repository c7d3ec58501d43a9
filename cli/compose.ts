import { readFileSync } from 'node:fs'
import { openEmbeddedDatabase } from '../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../connectors/embedded/event-log.ts'
import { EmbeddedListStore } from '../connectors/embedded/list-store.ts'
import { EmbeddedSchemaRegistry } from '../connectors/embedded/schema-registry.ts'
import { EmbeddedStateStore } from '../connectors/embedded/state-store.ts'
import { readModelItems } from '../connectors/files/model-items.ts'
import { readModelParameter } from '../connectors/files/model-parameter.ts'
import { GrpcInference } from '../connectors/grpc/inference.ts'
import { KafkaEventLog } from '../connectors/kafka/event-log.ts'
import { openRedis } from '../connectors/redis/connection.ts'
import { RedisListStore } from '../connectors/redis/list-store.ts'
import { RedisStateStore } from '../connectors/redis/state-store.ts'
import { ConfluentSchemaRegistry } from '../connectors/registry/schema-registry.ts'
import { UsearchVectorIndex } from '../connectors/usearch/vector-index.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { collectLess } from '../core/collect-less.ts'
import { createLocalInference } from '../gpu-workers/local-inference.ts'
import { ModelShelf } from '../gpu-workers/model-shelf.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Inference } from '../ports/inference.ts'
import type { ListStore } from '../ports/list-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { SequenceModel } from '../ports/sequence-model.ts'
import type { StateStore } from '../ports/state-store.ts'
import type { TextModel } from '../ports/text-model.ts'
import type { VectorIndex } from '../ports/vector-index.ts'
import { ServedSequenceModel } from '../runtime/served-sequence-model.ts'
import { ServedTextModel } from '../runtime/served-text-model.ts'
import { WireFormat } from '../schemas/wire-format.ts'
import type { Config } from './config.ts'
import { openLogger } from './logger.ts'
import { openMetrics } from './metrics.ts'

/** Our own event loop can be busy for seconds on a starved machine, and a late answer is no outage. */
const redisCommandMs = 15_000

/** A follower of a registry's cluster may not know yet what its leader gave out a moment ago. */
const registryLagMs = 5_000

/** Every port of a running process, joined with the connectors that the configuration names. */
export interface OpenPorts {
  readonly log: EventLog
  readonly state: StateStore
  readonly lists: ListStore
  readonly registry: SchemaRegistry
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  close(): Promise<void>
}

/** Opens log, stores and registry. Errors: those of the connectors, `retry` ones meaning that a service is not there. */
export async function openPorts(config: Config): Promise<OpenPorts> {
  collectLess()
  const clock = systemClock
  const logger = openLogger(config)
  const metrics = await openMetrics(config)
  const stores = config.stack === 'embedded' ? openEmbedded(config, clock) : await openDistributed(config, clock, logger)
  const close = async (): Promise<void> => {
    await stores.log.close()
    await stores.state.close()
    await stores.lists.close()
    await stores.registry.close()
    await stores.closeConnection()
    await metrics.close()
  }
  try {
    const wire = await WireFormat.open(stores.registry, { clock, patienceMs: config.stack === 'embedded' ? 0 : registryLagMs })
    return { ...stores, wire, clock, logger, metrics, close }
  } catch (error) {
    await close() // An open connection would keep the process alive that is to end now.
    throw error
  }
}

/** What of a configuration says where models are. */
type InferenceSettings = { readonly inference: Pick<Config['inference'], 'workers' | 'repository' | 'threads'> }

/** Inference workers over gRPC where the configuration names some, else in this process. */
export async function openInference(config: InferenceSettings, clock: Clock, logger: Logger): Promise<Inference> {
  if (config.inference.workers.length > 0) return GrpcInference.connect({ addresses: config.inference.workers, clock, logger })
  return createLocalInference({ repository: config.inference.repository, threads: config.inference.threads, clock, logger })
}

/** The sequence model that the configuration names, over the inference that serves it; undefined if it names none. */
export function openSequences(
  config: Config,
  inference: Inference,
  { clock, logger, metrics }: Pick<OpenPorts, 'clock' | 'logger' | 'metrics'>,
): SequenceModel | undefined {
  const { deadlineMs, repository } = config.inference
  const model = config.recommendations.sequenceModel
  if (model === '') return undefined
  const itemsOf = (version: string) => readModelItems(repository, model, version)
  return new ServedSequenceModel(inference, { model, itemsOf, deadlineMs, retryMs: 1_000 }, clock, logger, metrics)
}

/** The text model that the configuration names, over the inference that may serve it; undefined if it names none. */
export function openTexts(
  config: Config,
  inference: Inference,
  { clock, logger }: Pick<OpenPorts, 'clock' | 'logger'>,
): TextModel | undefined {
  const { deadlineMs, repository } = config.inference
  const model = config.recommendations.textModel
  if (model === '') return undefined
  const bucketsOf = (version: string) => readModelParameter(repository, model, version, 'buckets')
  return new ServedTextModel(inference, { model, bucketsOf, deadlineMs, retryMs: 10_000 }, clock, logger)
}

/** The versions of the models in the configured repository. */
export function openModelShelf(config: InferenceSettings, clock: Clock, logger: Logger): ModelShelf {
  return new ModelShelf(config.inference.repository, { provider: 'cpu', sessions: 1, intraOpThreads: 1, clock, logger })
}

/** An approximate index for vectors of `width` numbers; null, and a warning, where this platform has none: exact search is slow, not wrong. */
export function openVectorIndex(width: number, logger: Logger): VectorIndex | null {
  try {
    return new UsearchVectorIndex(width)
  } catch (error) {
    logger.warn({ error: String(error) }, 'Nearest items are searched exactly, which takes longer the more there are.')
    return null
  }
}

/** The version in package.json. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

type Stores = Pick<OpenPorts, 'log' | 'state' | 'lists' | 'registry'> & { closeConnection(): Promise<void> }

function openEmbedded(config: Config, clock: Clock): Stores {
  const database = openEmbeddedDatabase(config.embedded.path)
  return {
    log: new EmbeddedEventLog(database, { clock }),
    state: new EmbeddedStateStore(database, { clock }),
    lists: new EmbeddedListStore(database, { clock }),
    registry: new EmbeddedSchemaRegistry(database),
    closeConnection: () => Promise.resolve(database.close()),
  }
}

async function openDistributed(config: Config, clock: Clock, logger: Logger): Promise<Stores> {
  const { brokers, replicationFactor, sessionTimeoutMs } = config.kafka
  const redis = await openRedis(config.redis.url, { logger, commandTimeoutMs: redisCommandMs })
  return {
    log: new KafkaEventLog({ brokers, replicationFactor, sessionTimeoutMs, clock, logger }),
    state: new RedisStateStore(redis),
    lists: new RedisListStore(redis),
    registry: new ConfluentSchemaRegistry({ urls: [config.registry.url] }),
    closeConnection: () => Promise.resolve(redis.close()),
  }
}
