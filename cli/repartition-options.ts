import { stateHomes } from '../operators/state-homes.ts'
import { sourceTopics } from '../runtime/graph.ts'
import type { MovingTopology, RepartitionOptions } from '../runtime/repartition.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import { type TopicDefinition, type TopicName, topics } from '../schemas/topics.ts'
import type { Config } from './config.ts'
import { topologyGraph } from './topology-graph.ts'

/** What a move to more partitions is about: every topology and every topic, whatever runs here, since one count holds for all. */
export async function repartitionOptions(config: Config, to: number): Promise<RepartitionOptions> {
  const topologies: MovingTopology[] = []
  for (const [name, home] of Object.entries(stateHomes))
    topologies.push({ name, topics: sourceTopics(await topologyGraph(name, config)), home })
  return {
    topologies,
    topics: (Object.keys(topics) as TopicName[]).map((name) => {
      const { cleanup, packed }: TopicDefinition = topics[name]
      return { name, compacted: cleanup === 'compact', packed: packed === true }
    }),
    to,
    ttlS: defaultTaskLimits.stateTtlS,
  }
}
