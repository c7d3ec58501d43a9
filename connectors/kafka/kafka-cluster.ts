import type { Kafka } from 'kafkajs'
import { MillraceError } from '../../core/errors.ts'
import type { RecordBatch } from './record-batch.ts'

/** What a fetch answers for one partition. */
export interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly messages: readonly RecordBatch[]
}

/** A transaction that did not happen: its records lie in the log from this offset on, up to its marker. */
export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

/** A connection to one broker: only what we use of kafkajs' class. */
export interface KafkaBroker {
  fetch(request: {
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[]
    }[]
  }): Promise<{ readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[] }>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
}

/** kafkajs' view of the brokers, without a consumer group on top: only what we use of its class. */
export interface KafkaCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  removeBroker(address: { readonly host: string; readonly port: number }): void
  findBroker(options: { readonly nodeId: string }): Promise<KafkaBroker>
  findGroupCoordinator(options: { readonly groupId: string }): Promise<KafkaBroker>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>
}

const metadataMaxAgeMs = 300_000
/** Reads only committed records of transactions. */
export const readCommitted = 1

/**
 * A cluster of its own for reading without a group, which kafkajs does inside but does not offer: its `Kafka` object keeps the
 * factory under a private symbol.
 */
export function kafkaCluster(kafka: Kafka): KafkaCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((each) => each.description === 'private:Kafka:createCluster')
  const create = symbol && (kafka as unknown as Record<symbol, unknown>)[symbol]
  if (typeof create !== 'function') {
    throw new MillraceError('MILL_INVARIANT', 'this kafkajs has no cluster factory: only version 2.2.4 is supported')
  }
  return create({
    metadataMaxAge: metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    isolationLevel: readCommitted,
  }) as KafkaCluster
}
