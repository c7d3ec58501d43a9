import { partitionFor } from '../core/partition-for.ts'
import type { Sourced } from '../ports/batch.ts'
import type { TopicValue } from '../schemas/topics.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** Topics of definitions that people set while engines run, keyed by id. */
export type DefinitionTopic = 'rules' | 'experiments' | 'exploration-stops'

/** The newest record of each id that is set now, in order of the ids; those that do not decode are left out. */
export async function readDefinitions<N extends DefinitionTopic>(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  topic: N,
): Promise<Sourced<TopicValue<N>>[]> {
  const set = new Map<string, Sourced<TopicValue<N>>>()
  for await (const { key, value, offset, loggedMs } of readTopic(ports, topic)) {
    if (value === null) set.delete(key ?? '')
    else set.set(key ?? '', { key: key ?? '', value, offset, loggedMs })
  }
  return [...set.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Sets and removes definitions in one send. */
export async function sendDefinitions<N extends DefinitionTopic>(
  { log, wire }: Pick<OpenPorts, 'log' | 'wire'>,
  topic: N,
  set: readonly (TopicValue<N> & { readonly id: string })[],
  removed: readonly string[] = [],
): Promise<void> {
  const partitions = await log.partitions(topic)
  const recordOf = (id: string, value: Buffer | null) => ({ topic, partition: partitionFor(id, partitions), key: id, value })
  await log.send([
    ...set.map((value) => recordOf(value.id, wire.encode(topic, value))),
    ...removed.map((id) => recordOf(id, null)),
  ])
}
