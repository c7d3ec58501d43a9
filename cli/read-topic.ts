import type { TopicName, TopicValue } from '../schemas/topics.ts'
import type { OpenPorts } from './compose.ts'

/** One decoded record; null is a tombstone. */
export interface TopicRecord<N extends TopicName> {
  readonly key: string | null
  readonly value: TopicValue<N> | null
  readonly partition: number
  readonly offset: number
  /** When the log took it, ms. */
  readonly loggedMs: number
}

/**
 * Everything a topic holds now, partition by partition in log order; nothing where the topic does not exist. What does not decode
 * is given to `undecodable` and left out.
 */
export async function* readTopic<N extends TopicName>(
  { log, wire }: Pick<OpenPorts, 'log' | 'wire'>,
  topic: N,
  undecodable: (partition: number, offset: number, error: unknown) => void = () => {},
): AsyncGenerator<TopicRecord<N>> {
  if ((await log.partitions(topic)) === 0) return
  const offsets = await log.offsets(topic)
  for (const [partition, { start, end }] of offsets.entries()) {
    if (end <= start) continue
    for await (const batch of log.read(topic, partition, { from: start, to: end })) {
      await wire.prepare(
        topic,
        batch.records.map((record) => record.value),
      )
      for (const { key, value, offset, timestampMs } of batch.records) {
        let decoded: TopicValue<N> | null
        try {
          decoded = value === null ? null : wire.decode(topic, value)
        } catch (error) {
          undecodable(partition, offset, error)
          continue
        }
        yield { key, value: decoded, partition, offset, loggedMs: timestampMs }
      }
    }
  }
}
