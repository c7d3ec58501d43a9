import type { Kafka } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Follower, FollowOptions, LogBatch, PartitionOffsets } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import { unavailable } from './kafka-error.ts'
import { type FetchLimits, PartitionFetcher } from './partition-fetcher.ts'

export interface KafkaFollowerOptions {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: FetchLimits
  readonly follow: FollowOptions
  /** Offsets of every partition of the topics when `follow` was called. */
  readonly offsets: ReadonlyMap<string, readonly PartitionOffsets[]>
}

/** Reads every partition of some topics from the oldest record on, without a consumer group: nothing is left on the broker. */
export class KafkaFollower implements Follower {
  readonly caughtUp: Promise<void>
  readonly #fetcher: PartitionFetcher
  /** Partitions that have not reached the end they had at the start: `topic/partition` → that end. */
  readonly #behind = new Map<string, number>()
  readonly #name: string
  #resolve: () => void
  #reject: (error: unknown) => void

  private constructor(options: KafkaFollowerOptions) {
    const { follow, offsets } = options
    this.#name = follow.name
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => {}) // Who never asks for it must not be killed by it; whoever awaits it still sees the error.
    this.caughtUp = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#fetcher = new PartitionFetcher({
      kafka: options.kafka,
      topics: follow.topics,
      clock: options.clock,
      logger: options.logger,
      limits: options.limits,
      gatherMs: follow.gatherMs,
      deliver: (batch) => {
        if (batch.records.length > 0) follow.batch(batch)
        this.#advance(batch)
      },
      failed: (error) => {
        reject(error)
        follow.failed(error)
      },
    })
    for (const [topic, partitions] of offsets) {
      for (const [partition, { start, end }] of partitions.entries()) {
        if (end > start) this.#behind.set(`${topic}/${partition}`, end)
        this.#fetcher.add(topic, partition, start)
      }
    }
    if (this.#behind.size === 0) resolve()
  }

  /** Starts reading. Errors: `MILL_LOG_UNAVAILABLE`. */
  static async start(options: KafkaFollowerOptions): Promise<KafkaFollower> {
    const follower = new KafkaFollower(options)
    try {
      await follower.#fetcher.start()
    } catch (error) {
      await follower.stop()
      throw unavailable(`follow ${options.follow.topics.join(', ')}`, error)
    }
    return follower
  }

  async stop(): Promise<void> {
    this.#reject(new MillraceError('MILL_LOG_UNAVAILABLE', `the reader ${this.#name} was stopped before it had caught up`))
    await this.#fetcher.stop()
  }

  #advance(batch: LogBatch): void {
    const key = `${batch.topic}/${batch.partition}`
    if (batch.nextOffset < (this.#behind.get(key) ?? 0)) return
    if (this.#behind.delete(key) && this.#behind.size === 0) this.#resolve()
  }
}
