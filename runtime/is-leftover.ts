import { partitionFor } from '../core/partition-for.ts'
import { type TopicDefinition, type TopicName, topics } from '../schemas/topics.ts'

/** Where a record lies. */
export interface RecordPlace {
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  readonly key: string | null
}

/**
 * Whether a record was left behind when its key moved to another partition: it lies before the cut of that move, and its key is
 * not of this partition any more. What is still true of it was copied to the key's new partition or is in the state that moved.
 */
export function isLeftover({ topic, partition, offset, key }: RecordPlace, cut: number, partitions: number): boolean {
  if (offset >= cut || key === null) return false
  const { packed }: TopicDefinition = topics[topic]
  return packed !== true && partitionFor(key, partitions) !== partition
}
