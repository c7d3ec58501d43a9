import type { Admin, ISocketFactory, ITopicConfig, Kafka, logLevel } from 'kafkajs'
import { type Clock, systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type {
  EventLog,
  Follower,
  FollowOptions,
  GroupMember,
  GroupOptions,
  LogBatch,
  OutgoingRecord,
  PartitionOffsets,
  TopicSpec,
} from '../../ports/event-log.ts'
import { type Logger, silentLogger } from '../../ports/logger.ts'
import { passes, protocolErrorOf, unavailable } from './kafka-error.ts'
import { KafkaFollower } from './kafka-follower.ts'
import { KafkaGroupMember } from './kafka-group-member.ts'
import { KafkaSockets } from './kafka-sockets.ts'
import { kafkajs } from './kafkajs.ts'
import type { FetchLimits } from './partition-fetcher.ts'
import { readRange } from './read-range.ts'
import { RecordSender } from './record-sender.ts'
import { removeGroupMembers } from './remove-group-members.ts'

const compressions = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

export interface KafkaEventLogOptions {
  /** Brokers to start from, as `host:port`. */
  readonly brokers: readonly string[]
  /** Shown in the broker's logs and quotas; `millrace` by default. */
  readonly clientId?: string
  readonly logger?: Logger
  readonly clock?: Clock
  /** How a sent record batch is packed; `none` by default: the processor is scarcer than the network. */
  readonly compression?: keyof typeof compressions
  /** Most records in one batch; 4,000 by default. */
  readonly batchRecordsMax?: number
  /** Most bytes of keys and values in one batch; 1 MiB by default. One larger record is a batch of its own. */
  readonly batchBytesMax?: number
  /** Longest wait of a fetch without data; 100 ms by default, five times that after 5 s without any. With data the broker answers at once. */
  readonly fetchWaitMs?: number
  /** A member that the group does not hear of for so long has lost its partitions, so also how long a killed process holds them; 10 s by default. */
  readonly sessionTimeoutMs?: number
  /**
   * How often a member tells the group that it lives, and learns of a rebalance: what a member that leaves had stands still as long.
   * 300 ms by default, or a third of a session below 900 ms.
   */
  readonly heartbeatMs?: number
  /** Copies of each created topic; 1 by default. */
  readonly replicationFactor?: number
  /** Tries of one call before it throws `MILL_LOG_UNAVAILABLE`; 5 by default, some seconds in all. */
  readonly retriesMax?: number
}

/** Longest single wait for a leader; waits double, so about twice that in all. */
const leaderWaitMsMax = 3_200

/** The event log on Kafka 3.9 or newer, through kafkajs. */
export class KafkaEventLog implements EventLog {
  readonly #kafka: Kafka
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #limits: FetchLimits
  readonly #options: KafkaEventLogOptions
  readonly #sender: RecordSender
  readonly #sockets = new KafkaSockets()
  readonly #members = new Set<GroupMember>()
  readonly #followers = new Set<Follower>()
  /** Topics do not change while we run, but by `addPartitions`; a count once read stays. */
  readonly #partitionCounts = new Map<string, number>()
  #admin: Promise<Admin> | null = null
  #closed = false

  constructor(options: KafkaEventLogOptions) {
    invariant(options.brokers.length > 0, 'brokers must name at least one host:port')
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#clock = options.clock ?? systemClock
    this.#limits = {
      fetchWaitMs: options.fetchWaitMs ?? 100,
      fetchBytesPerPartition: 524_288,
      batchRecordsMax: options.batchRecordsMax ?? 4_000,
      batchBytesMax: options.batchBytesMax ?? 1_048_576,
    }
    invariant(this.#limits.batchRecordsMax > 0 && this.#limits.batchBytesMax > 0, 'the limits of a batch must be above 0')
    const warnings = kafkajs.logLevel.WARN as logLevel
    this.#kafka = new kafkajs.Kafka({
      clientId: options.clientId ?? 'millrace',
      brokers: [...options.brokers],
      connectionTimeout: 3_000,
      requestTimeout: 30_000,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, multiplier: 2, factor: 0.2, retries: options.retriesMax ?? 5 },
      socketFactory: this.#sockets.connect as ISocketFactory,
      logLevel: warnings,
      logCreator: () => (entry) => {
        // What kafkajs retries by itself is no news; what it does not, we log ourselves where it reaches us.
        this.#logger.debug({ namespace: entry.namespace, label: entry.label }, entry.log.message)
      },
    })
    this.#sender = new RecordSender(this.#kafka, {
      compression: compressions[options.compression ?? 'none'],
      retriesMax: options.retriesMax ?? 5,
      clock: this.#clock,
    })
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#ask('create topics', async (admin) => {
      const existing = new Set(await admin.listTopics())
      const missing = specs.filter(({ name }) => !existing.has(name))
      if (missing.length > 0)
        await createTopics(
          admin,
          missing.map((spec) => this.#topicConfig(spec)),
        )
    })
    for (const { name, partitions } of specs) {
      const found = await this.#partitionsMade(name)
      if (found === partitions) continue
      throw new MillraceError('MILL_PARTITIONS_CHANGED', `topic ${name} has ${found} partitions, not ${partitions}`, {
        details: { topic: name, found, wanted: partitions },
      })
    }
  }

  /** A topic made a moment ago is not in the metadata of every broker at once: 0 is asked again. */
  async #partitionsMade(topic: string): Promise<number> {
    for (let waitMs = 50; ; waitMs *= 2) {
      const found = await this.partitions(topic)
      if (found > 0 || waitMs > leaderWaitMsMax) return found
      await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve))
    }
  }

  async partitions(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic)
    if (known !== undefined) return known
    const count = await this.#ask(`describe topic ${topic}`, async (admin) => {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        return topics[0]?.partitions.length ?? 0
      } catch (error) {
        const reason = protocolErrorOf(error)
        if (reason === 'UNKNOWN_TOPIC_OR_PARTITION' || reason === 'INVALID_TOPIC_EXCEPTION') return 0
        throw error
      }
    })
    if (count > 0) this.#partitionCounts.set(topic, count)
    return count
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    this.#partitionCounts.delete(topic)
    const found = await this.#required(topic)
    if (found > count) throw fewerPartitions(topic, found, count)
    if (found === count) return
    await this.#ask(`add partitions to ${topic}`, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }))
    // The broker that answers next may not have heard of them yet.
    for (let waitMs = 50; ; waitMs *= 2) {
      this.#partitionCounts.delete(topic)
      if ((await this.partitions(topic)) === count) return this.#sender.close() // It would send by what it knew before.
      if (waitMs > leaderWaitMsMax)
        throw new MillraceError('MILL_LOG_UNAVAILABLE', `topic ${topic} does not show its ${count} partitions yet: try again`)
      await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve))
    }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    if ((await this.partitions(topic)) === 0) return []
    const found = await this.#untilLed(() => this.#ask(`read offsets of ${topic}`, (admin) => admin.fetchTopicOffsets(topic)))
    const offsets: PartitionOffsets[] = []
    for (const { partition, low, high } of found) offsets[partition] = { start: Number(low), end: Number(high) }
    return offsets
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    this.#open()
    if (records.length === 0) return
    let topic: string | null = null
    let count = 0
    for (const record of records) {
      if (record.topic !== topic) {
        topic = record.topic
        count = this.#partitionCounts.get(topic) ?? (await this.#required(topic))
      }
      invariant(
        Number.isInteger(record.partition) && record.partition >= 0 && record.partition < count,
        `topic ${topic} has ${count} partitions, there is no number ${record.partition}`,
      )
    }
    await this.#sender.send(records)
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    this.#open()
    const counts = await Promise.all(options.topics.map((topic) => this.#required(topic)))
    if (counts.some((count) => count !== counts[0])) {
      const found = options.topics.map((topic, index) => `${topic}: ${counts[index]}`).join(', ')
      throw new MillraceError(
        'MILL_PARTITIONS_CHANGED',
        `topics of group ${options.group} must have equal partition counts (${found})`,
      )
    }
    const sessionTimeoutMs = this.#options.sessionTimeoutMs ?? 10_000
    const member = await KafkaGroupMember.join({
      kafka: this.#kafka,
      clock: this.#clock,
      logger: this.#logger.child({ group: options.group }),
      limits: this.#limits,
      sessionTimeoutMs,
      heartbeatMs: this.#options.heartbeatMs ?? Math.min(300, Math.floor(sessionTimeoutMs / 3)),
      partitionCount: counts[0] ?? 0,
      group: options,
      offsets: (topic) => this.offsets(topic),
    })
    this.#members.add(member)
    return member
  }

  async follow(options: FollowOptions): Promise<Follower> {
    this.#open()
    await Promise.all(options.topics.map((topic) => this.#required(topic)))
    const offsets = await Promise.all(options.topics.map(async (topic) => [topic, await this.offsets(topic)] as const))
    const follower = await KafkaFollower.start({
      kafka: this.#kafka,
      clock: this.#clock,
      logger: this.#logger.child({ reader: options.name }),
      limits: this.#limits,
      follow: options,
      offsets: new Map(offsets),
    })
    this.#followers.add(follower)
    return follower
  }

  async *read(topic: string, partition: number, range: { from: number; to: number }): AsyncIterable<LogBatch> {
    this.#open()
    const count = await this.#required(topic)
    const limits = (await this.offsets(topic))[partition]
    invariant(limits, `topic ${topic} has ${count} partitions, there is no number ${partition}`)
    const from = Math.max(range.from, limits.start)
    const to = Math.min(range.to, limits.end)
    yield* readRange({ kafka: this.#kafka, clock: this.#clock, limits: this.#limits, topic, partition, from, to })
  }

  async committed(group: string, topics: readonly string[]): Promise<Readonly<Record<string, readonly (number | null)[]>>> {
    const result: Record<string, (number | null)[]> = {}
    for (const topic of topics) result[topic] = new Array<number | null>(await this.partitions(topic)).fill(null)
    const known = topics.filter((topic) => result[topic]!.length > 0)
    if (known.length === 0) return result
    const found = await this.#ask(`read commits of ${group}`, (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [...known] }),
    )
    for (const { topic, partitions } of found) {
      for (const { partition, offset } of partitions) {
        if (Number(offset) >= 0) result[topic]![partition] = Number(offset)
      }
    }
    return result
  }

  async groupSize(group: string): Promise<number> {
    const { groups } = await this.#ask(`describe group ${group}`, (admin) => admin.describeGroups([group]))
    return groups[0]?.members.length ?? 0
  }

  async deleteGroup(group: string): Promise<void> {
    await this.#ask(`delete group ${group}`, async (admin) => {
      const { groups } = await admin.describeGroups([group])
      const members = groups[0]?.members ?? []
      await removeGroupMembers(
        this.#kafka,
        group,
        members.map(({ memberId }) => memberId),
      )
      try {
        await admin.deleteGroups([group])
      } catch (error) {
        if (groupErrorOf(error) !== 'GROUP_ID_NOT_FOUND') throw error
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#members, ...this.#followers].map((each) => each.stop()))
    await this.#sender.close()
    const admin = await this.#admin?.catch(() => null)
    await admin?.disconnect().catch(() => {})
    this.#sockets.destroy()
  }

  #open(): void {
    if (this.#closed) throw new MillraceError('MILL_LOG_UNAVAILABLE', 'the log is closed')
  }

  async #required(topic: string): Promise<number> {
    const count = await this.partitions(topic)
    if (count > 0) return count
    throw new MillraceError('MILL_NOT_FOUND', `the topic ${topic} does not exist: create it with ensureTopics`, {
      details: { topic },
    })
  }

  #topicConfig({ name, partitions, cleanup, retentionMs }: TopicSpec): ITopicConfig {
    const configEntries: { name: string; value: string }[] = [{ name: 'cleanup.policy', value: cleanup }]
    if (retentionMs !== undefined)
      configEntries.push({ name: cleanup === 'delete' ? 'retention.ms' : 'min.compaction.lag.ms', value: String(retentionMs) })
    return { topic: name, numPartitions: partitions, replicationFactor: this.#options.replicationFactor ?? 1, configEntries }
  }

  async #ask<T>(doing: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    this.#open()
    this.#admin ??= this.#connectAdmin()
    const connected = this.#admin
    try {
      return await work(await connected)
    } catch (error) {
      // A connection that saw the brokers go away is not trusted again.
      if (passes(error) && this.#admin === connected) this.#admin = null
      if (passes(error)) void connected.then((admin) => admin.disconnect()).catch(() => {})
      throw unavailable(doing, error)
    }
  }

  /** A topic made a moment ago, or whose broker just went, has no leader yet or another one: asked again with fresh metadata. */
  async #untilLed<T>(ask: () => Promise<T>): Promise<T> {
    for (let waitMs = 50; ; waitMs *= 2) {
      try {
        return await ask()
      } catch (error) {
        const reason = protocolErrorOf((error as Error).cause)
        if ((reason !== 'NOT_LEADER_FOR_PARTITION' && reason !== 'LEADER_NOT_AVAILABLE') || waitMs > leaderWaitMsMax) throw error
        await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve))
      }
    }
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin()
    await admin.connect()
    return admin
  }
}

function fewerPartitions(topic: string, found: number, wanted: number): MillraceError {
  return new MillraceError('MILL_PARTITIONS_CHANGED', `topic ${topic} has ${found} partitions: Kafka cannot take any away`, {
    details: { topic, found, wanted },
  })
}

async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ topics, waitForLeaders: true })
  } catch (error) {
    if (protocolErrorOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error // Another process was faster.
  }
}

function groupErrorOf(error: unknown): string {
  const { groups } = error as { groups?: readonly { error?: unknown }[] }
  return protocolErrorOf(groups?.[0]?.error ?? error)
}
