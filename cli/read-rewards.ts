import type { Reward } from '../schemas/reward.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/**
 * Every row that `rewards` holds, corrections too, partition by partition in log order; what a task of the join sent again after a crash
 * comes once. What does not decode is given to `undecodable` and left out.
 */
export async function* readRewards(ports: Pick<OpenPorts, 'log' | 'wire'>, undecodable?: () => void): AsyncGenerator<Reward> {
  const next = new Map<string, number>()
  for await (const { value, partition } of readTopic(ports, 'rewards', undecodable)) {
    // A task's rows go to several partitions: in each their running numbers ascend.
    const source = `${partition}/${value?.sourcePartition}`
    if (!value || value.sequence < (next.get(source) ?? 0)) continue
    next.set(source, value.sequence + 1)
    yield value
  }
}
