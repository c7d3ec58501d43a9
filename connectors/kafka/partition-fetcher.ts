import type { Kafka } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { LogBatch } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import { batchesOf } from './batches-of.ts'
import { type KafkaBroker, type KafkaCluster, kafkaCluster, readCommitted } from './kafka-cluster.ts'
import { backoffMs, isOffsetOutOfRange } from './kafka-error.ts'

/** Limits of one fetcher; see `KafkaEventLogOptions`. */
export interface FetchLimits {
  /** The broker answers at once when there is data, after this long when there is none, and after five times as long in quiet hours. */
  readonly fetchWaitMs: number
  readonly fetchBytesPerPartition: number
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
}

export interface PartitionFetcherOptions {
  readonly kafka: Kafka
  readonly topics: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: FetchLimits
  /** Milliseconds from the end of a fetch that brought little to the next; 0 by default. */
  readonly gatherMs?: number | undefined
  /** Takes a batch, synchronously. A throw counts as `failed`. */
  deliver(batch: LogBatch): void
  /** Nothing is delivered any more after this. */
  failed(error: Error): void
}

/** One partition being read. A new one is made at each `add`, so a late answer to an old one finds nobody. */
interface Reading {
  readonly topic: string
  readonly partition: number
  /** Where the next fetch starts. */
  next: number
  /** Fetched and not yet delivered, oldest first: at most one fetch. */
  ready: LogBatch[]
  paused: boolean
}

const responseBytesMax = 16 * 1024 * 1024
/** Without data or a change of partitions for so long, a fetch waits longer: requests that bring nothing cost all the same. */
const quietAfterMs = 5_000
const quietFactor = 5
/** A fetch that brought so much is followed by the next at once, whatever `gatherMs` says. */
const muchRecords = 1_000

/**
 * Reads partitions from positions of our own, without a consumer group: one request in flight per broker, one fetch buffered per
 * partition, so a resumed partition goes on at once. While brokers are away it retries for ever with a capped backoff and says so.
 */
export class PartitionFetcher {
  readonly #options: PartitionFetcherOptions
  readonly #cluster: KafkaCluster
  readonly #readings = new Map<string, Reading>()
  readonly #inFlight = new Map<string, Promise<void>>()
  #wake: () => void = () => {}
  #awake = false
  #stopped = false
  /** No fetch starts before: what comes meanwhile is read together. */
  #restUntilMs = Number.NEGATIVE_INFINITY
  #cancelRest: (() => void) | null = null
  #failures = 0
  /** When data last came, or a partition: a request that was sent without it delays it by its wait. */
  #busyMs: number
  #turn: NodeJS.Immediate | null = null
  readonly #sleeping = new Set<() => void>()
  #running: Promise<void> = Promise.resolve()

  constructor(options: PartitionFetcherOptions) {
    this.#options = options
    this.#cluster = kafkaCluster(options.kafka)
    this.#busyMs = options.clock.elapsedMs()
  }

  /** Connects and starts; partitions may be added before or after. */
  async start(): Promise<void> {
    await this.#cluster.connect()
    await this.#cluster.addMultipleTargetTopics(this.#options.topics)
    this.#running = this.#run()
  }

  add(topic: string, partition: number, next: number): void {
    this.#busyMs = this.#options.clock.elapsedMs()
    this.#restUntilMs = Number.NEGATIVE_INFINITY
    this.#readings.set(keyOf(topic, partition), { topic, partition, next, ready: [], paused: false })
    this.#look()
  }

  remove(topic: string, partition: number): void {
    this.#readings.delete(keyOf(topic, partition))
  }

  seek(topic: string, partition: number, offset: number): void {
    const reading = this.#readings.get(keyOf(topic, partition))
    if (!reading) return
    // A new object: what is on its way for the old position finds nobody.
    this.#readings.set(keyOf(topic, partition), { ...reading, next: offset, ready: [] })
    this.#look()
  }

  pause(topic: string, partition: number): void {
    const reading = this.#readings.get(keyOf(topic, partition))
    if (reading) reading.paused = true
  }

  resume(topic: string, partition: number): void {
    const reading = this.#readings.get(keyOf(topic, partition))
    if (!reading?.paused) return
    reading.paused = false
    if (reading.ready.length > 0) this.#deliverSoon()
    this.#look()
  }

  /** Nothing is delivered after this was called; resolves when the connections are closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#readings.clear()
    if (this.#turn) clearImmediate(this.#turn)
    this.#look()
    this.#cancelSleep()
    this.#cancelRest?.()
    await this.#cluster.disconnect()
    await this.#running
    await this.#cluster.disconnect() // A retry may have connected again meanwhile.
  }

  /** How long the broker may wait for data. */
  #waitMs(): number {
    const { clock, limits } = this.#options
    return clock.elapsedMs() - this.#busyMs < quietAfterMs ? limits.fetchWaitMs : limits.fetchWaitMs * quietFactor
  }

  #look(): void {
    this.#awake = true
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#awake = false
      try {
        await this.#cluster.refreshMetadataIfNecessary()
        if (!this.#rests()) this.#startFetches()
      } catch (error) {
        await this.#recover(error)
        continue
      }
      if (this.#awake) continue
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    await Promise.all(this.#inFlight.values())
  }

  /** Whether the next fetch is not due yet; then the loop is woken when it is. */
  #rests(): boolean {
    const { clock } = this.#options
    const leftMs = this.#restUntilMs - clock.elapsedMs()
    if (!(leftMs > 0)) return false
    this.#cancelRest ??= clock.after(leftMs, () => {
      this.#cancelRest = null
      this.#look()
    })
    return true
  }

  #startFetches(): void {
    const wanted = [...this.#readings.values()].filter((reading) => reading.ready.length === 0)
    const byBroker = new Map<string, Reading[]>()
    for (const reading of wanted) {
      const leaders = Object.keys(this.#cluster.findLeaderForPartitions(reading.topic, [reading.partition]))
      const nodeId = leaders[0]
      if (nodeId === undefined) throw new Error(`partition ${reading.topic}/${reading.partition} has no leader now`)
      const readings = byBroker.get(nodeId)
      if (readings) readings.push(reading)
      else byBroker.set(nodeId, [reading])
    }
    for (const [nodeId, readings] of byBroker) {
      if (this.#inFlight.has(nodeId)) continue
      const fetching = this.#fetch(nodeId, readings)
        .catch((error) => this.#recover(error))
        .finally(() => {
          this.#inFlight.delete(nodeId)
          this.#look()
        })
      this.#inFlight.set(nodeId, fetching)
    }
  }

  async #fetch(nodeId: string, readings: readonly Reading[]): Promise<void> {
    const { limits } = this.#options
    const broker: KafkaBroker = await this.#cluster.findBroker({ nodeId })
    const positions = new Map(readings.map((reading) => [reading, reading.next]))
    const { responses } = await broker.fetch({
      maxWaitTime: this.#waitMs(),
      minBytes: 1,
      maxBytes: responseBytesMax,
      isolationLevel: readCommitted,
      topics: requestOf(readings, limits.fetchBytesPerPartition),
    })
    this.#failures = 0
    let count = 0
    for (const { topicName, partitions } of responses) {
      for (const data of partitions) {
        const reading = this.#readings.get(keyOf(topicName, data.partition))
        const from = reading && positions.get(reading)
        if (reading === undefined || from === undefined || this.#stopped) continue // Removed or moved meanwhile.
        const batches = batchesOf(topicName, from, data, limits)
        if (batches.length === 0) continue
        this.#busyMs = this.#options.clock.elapsedMs()
        reading.ready = batches
        for (const { records } of batches) count += records.length
        reading.next = batches.at(-1)!.nextOffset
      }
    }
    const { gatherMs = 0, clock } = this.#options
    if (count > 0 && count < muchRecords) this.#restUntilMs = clock.elapsedMs() + gatherMs
    this.#deliver()
  }

  /** One batch of each partition per turn of the event loop, so timers and sockets get theirs in between. */
  #deliver(): void {
    if (this.#turn) clearImmediate(this.#turn)
    this.#turn = null
    let left = false
    for (const [key, reading] of [...this.#readings]) {
      const batch = reading.ready[0]
      // A handler called in this very turn may have paused, moved or removed this one.
      if (!batch || reading.paused || this.#readings.get(key) !== reading || this.#stopped) continue
      reading.ready.shift()
      try {
        this.#options.deliver(batch)
      } catch (error) {
        this.#fail(error)
        return
      }
      if (reading.ready.length > 0) left ||= !reading.paused
      else this.#look() // Empty: the next fetch may start.
    }
    if (left) this.#deliverSoon()
  }

  #deliverSoon(): void {
    this.#turn ??= setImmediate(() => this.#deliver())
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#stopped) return
    if (isOffsetOutOfRange(error)) {
      const { topic, partition } = error
      const next = this.#readings.get(keyOf(topic, partition))?.next
      if (next === undefined) return // Revoked meanwhile.
      this.#fail(
        new MillraceError('MILL_POSITION_LOST', `the log no longer holds offset ${next} of ${topic}/${partition}`, {
          cause: error,
          details: { topic, partition, position: next },
        }),
      )
      return
    }
    const waitMs = backoffMs(this.#failures++)
    const { message } = error as Error
    this.#options.logger.warn({ waitMs, failures: this.#failures, error: message }, 'waiting for Kafka: a fetch failed')
    const { host, port } = error as { host?: string; port?: number }
    if (host !== undefined && port !== undefined) this.#cluster.removeBroker({ host, port })
    await this.#sleep(waitMs)
    if (this.#stopped) return
    try {
      if (!this.#cluster.isConnected()) await this.#cluster.connect()
      await this.#cluster.refreshMetadata()
    } catch {
      // The next round fails the same way and waits longer.
    }
  }

  async #sleep(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(waitMs, () => done())
      const done = () => {
        this.#sleeping.delete(done)
        cancel()
        resolve()
      }
      this.#sleeping.add(done)
    })
  }

  #cancelSleep(): void {
    for (const done of [...this.#sleeping]) done()
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#readings.clear()
    this.#look()
    this.#options.failed(error instanceof Error ? error : new Error(String(error)))
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

function requestOf(readings: readonly Reading[], maxBytes: number) {
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>()
  for (const { topic, partition, next } of readings) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partition, fetchOffset: String(next), maxBytes })
    topics.set(topic, partitions)
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
