import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { EmbeddedListStore } from '../../connectors/embedded/list-store.ts'
import { EmbeddedSchemaRegistry } from '../../connectors/embedded/schema-registry.ts'
import { systemClock } from '../../core/clock.ts'
import { createGateway } from '../../gateway/create-gateway.ts'
import { DecisionLog } from '../../gateway/decision-log.ts'
import { EventCollector } from '../../gateway/event-collector.ts'
import { PreferenceCollector } from '../../gateway/preference-collector.ts'
import { RecommendationService } from '../../gateway/recommendation-service.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EventLog } from '../../ports/event-log.ts'
import { silentLogger } from '../../ports/logger.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import type { Item } from '../../schemas/item.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import type { RecommendedItem } from '../../schemas/recommendation.ts'
import { encodeServed, type ServedList } from '../../schemas/served-list.ts'
import type { TopicName, TopicValue } from '../../schemas/topics.ts'
import type { UserFeatures } from '../../schemas/user-features.ts'
import { WireFormat } from '../../schemas/wire-format.ts'

const partitions = 2

export interface GatewayFixtureOptions {
  readonly experiments?: readonly Experiment[]
  readonly apiKeys?: readonly string[]
  readonly clock?: Clock
  /** Stands between the gateway and the real log, e.g. to take it away. */
  readonly around?: (log: EventLog) => Pick<EventLog, 'send'>
  readonly eventsMax?: number
  readonly decisionsMax?: number
  readonly waitMsMax?: number
}

/** A gateway over the real embedded connectors, in memory, with 60 items `i0`…`i59`; `i7` is sold out. */
export async function openGateway(options: GatewayFixtureOptions = {}) {
  const clock = options.clock ?? systemClock
  const database = openEmbeddedDatabase(':memory:')
  const log = new EmbeddedEventLog(database)
  const lists = new EmbeddedListStore(database)
  const wire = await WireFormat.open(new EmbeddedSchemaRegistry(database))
  await log.ensureTopics(['user-events', 'decisions', 'users'].map((name) => ({ name, partitions, cleanup: 'delete' })))
  const catalogue = new Map<string, Item>(Array.from({ length: 60 }, (_, index) => [`i${index}`, itemOf(index)]))
  const features = new Map<string, UserFeatures>()
  const shared = { wire, partitions: () => partitions, clock, metrics: silentMetrics, log: options.around?.(log) ?? log }
  const decisions = new DecisionLog({ ...shared, logger: silentLogger, ...limit('decisionsMax', options.decisionsMax) })
  const items = { get: (itemId: string) => catalogue.get(itemId) }
  const collector = new EventCollector({
    ...shared,
    items,
    ...limit('eventsMax', options.eventsMax),
    ...limit('waitMsMax', options.waitMsMax),
  })
  const service = new RecommendationService({
    lists,
    items,
    decisions,
    clock,
    cursorSecret: 'test',
    trendAgeMsMax: 0,
    ...(options.experiments ? { experiments: { running: options.experiments } } : {}),
  })
  const featuresOf = (userId: string) => Promise.resolve(features.get(userId) ?? null)
  const app = await createGateway({
    service,
    collector,
    preferences: new PreferenceCollector({ ...shared, features: featuresOf, ...limit('waitMsMax', options.waitMsMax) }),
    lists,
    items,
    features: featuresOf,
    clock,
    logger: silentLogger,
    metrics: silentMetrics,
    version: '0',
    apiKeys: options.apiKeys ?? [],
  })
  let position = 0
  return {
    app,
    service,
    catalogue,
    decisions,
    features,
    lists,
    /** What an import of lists stands on. */
    ports: { lists, clock, log, wire },
    /** Stores a list of items with a reserve and a snapshot, newer than those before. */
    async putList(
      userId: string,
      listId: string,
      itemIds: readonly string[],
      reserveIds: readonly string[] = [],
      fields: object = {},
    ) {
      const version = { epoch: 1, position: ++position }
      const list = { ...listOf(userId, listId, itemIds.map(entryOf)), ...fields }
      await lists.swap([
        {
          key: listKeys.recommendations(userId, 'home'),
          value: encodeServed(version, list),
          companions: [
            { key: listKeys.reserve(userId, 'home'), value: encodeServed(version, { listId, items: reserveIds.map(entryOf) }) },
            {
              key: listKeys.snapshot(userId, 'home'),
              value: encodeServed(version, { listId, context: 'AACAPw==', features: { [itemIds[0]!]: 'AAAAQA==' } }),
            },
          ],
          version,
          ttlS: 0,
        },
      ])
    },
    async putTrend(scope: string, itemIds: readonly string[]) {
      const version = { epoch: 1, position: ++position }
      const entries = itemIds.map((itemId, index) => ({ itemId, popularity: 100 - index, trend: 0 }))
      const value = encodeServed(version, { scope, items: entries, watermarkMs: 1000 })
      await lists.swap([{ key: listKeys.trend(scope), value, version, ttlS: 0 }])
    },
    /** Everything that lies in a topic. */
    async read<N extends TopicName>(topic: N): Promise<TopicValue<N>[]> {
      const values: TopicValue<N>[] = []
      for (let partition = 0; partition < partitions; partition++) {
        const { end } = (await log.offsets(topic))[partition]!
        for await (const batch of log.read(topic, partition, { from: 0, to: end }))
          for (const record of batch.records) values.push(wire.decode(topic, record.value!))
      }
      return values
    },
    async close() {
      await app.close()
      await decisions.close()
      await log.close()
      database.close()
    },
  }
}

function limit<K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]: number })
}

function itemOf(index: number): Item {
  return {
    itemId: `i${index}`,
    title: `Item ${index}`,
    description: '',
    category: ['shoes', index % 2 === 0 ? 'boots' : 'sandals'],
    tags: [],
    brand: 'acme',
    price: 10 + index,
    margin: 1,
    stock: index === 7 ? 0 : 5,
    createdMs: 0,
    imageUrl: null,
    listPrice: null,
    sellerRating: null,
    releasedMs: null,
  }
}

function entryOf(itemId: string, index: number): RecommendedItem {
  return {
    itemId,
    score: 1 / (1 + index),
    sources: ['together', 'popular'],
    reason: { code: 'seen_together', itemId: 'i0', scope: null },
    propensity: index === 3 ? 0.25 : 1,
    explored: index === 3,
  }
}

function listOf(userId: string, listId: string, items: readonly RecommendedItem[]): ServedList {
  return {
    listId,
    userId,
    surface: 'home',
    generatedMs: 1_800_000_000_000,
    watermarkMs: 1_800_000_000_000,
    loggedMs: 1_800_000_000_000,
    policy: 'learned',
    policyVersion: '3',
    exploration: null,
    made: null,
    seed: 's',
    rung: 'ranker',
    modelVersion: '2',
    personalShare: 1,
    rules: [],
    items,
  }
}
