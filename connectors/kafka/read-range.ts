import type { Kafka } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import type { LogBatch } from '../../ports/event-log.ts'
import { batchesOf } from './batches-of.ts'
import { kafkaCluster } from './kafka-cluster.ts'
import { backoffMs, isOffsetOutOfRange, unavailable } from './kafka-error.ts'
import type { FetchLimits } from './partition-fetcher.ts'

const failuresMax = 6

export interface ReadRangeOptions {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly limits: FetchLimits
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** Not read any more; must not lie behind the end of the log, or it would be waited for. */
  readonly to: number
}

/** Reads one partition between two offsets, without a group. Errors: `MILL_LOG_UNAVAILABLE` after six failed tries in a row. */
export async function* readRange(options: ReadRangeOptions): AsyncGenerator<LogBatch> {
  const { topic, partition, to, limits } = options
  const cluster = kafkaCluster(options.kafka)
  let from = options.from
  let failures = 0
  try {
    while (from < to) {
      let batches: LogBatch[]
      try {
        if (!cluster.isConnected()) await cluster.connect()
        await cluster.addMultipleTargetTopics([topic])
        const nodeId = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0] ?? ''
        const broker = await cluster.findBroker({ nodeId })
        const { responses } = await broker.fetch({
          maxWaitTime: limits.fetchWaitMs,
          minBytes: 1,
          maxBytes: 4 * limits.fetchBytesPerPartition,
          isolationLevel: 1,
          topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: limits.fetchBytesPerPartition }] }],
        })
        const data = responses[0]?.partitions[0]
        batches = data ? batchesOf(topic, from, data, limits) : []
        failures = 0
      } catch (error) {
        if (isOffsetOutOfRange(error) || ++failures >= failuresMax) throw unavailable(`read ${topic}/${partition}`, error)
        await new Promise<void>((resolve) => options.clock.after(backoffMs(failures), resolve))
        await cluster.refreshMetadata().catch(() => {})
        continue
      }
      for (const batch of batches) {
        from = batch.nextOffset
        const records = batch.nextOffset > to ? batch.records.filter(({ offset }) => offset < to) : batch.records
        if (records.length > 0) yield { ...batch, records, nextOffset: Math.min(batch.nextOffset, to) }
        if (from >= to) return
      }
    }
  } finally {
    await cluster.disconnect()
  }
}
