import type { Topology } from '../../runtime/define-topology.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { bandit } from '../../topologies/bandit.ts'
import { experiments } from '../../topologies/experiments.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { experimentPorts, itemPorts, type Output, partitions, type Scenario } from './scenarios.ts'

type States = readonly ReadonlyMap<string, Uint8Array>[]

interface Reader {
  readonly topic: TopicName
  fold(outputs: readonly Output[]): Promise<States>
}

/** Who reads the additive outputs of a topology. */
const readers: ReadonlyMap<string, readonly Reader[]> = new Map([
  ['user-features', [readerOf('item-signals', itemFeatures, itemPorts)]],
  ['rewards', [readerOf('rewards', bandit, {}), readerOf('experiment-deltas', experiments, experimentPorts)]],
])

const calmStates = new WeakMap<Scenario, Promise<readonly States[]>>()

/** What is wrong with the state of the topology that reads what a disturbed run sent, with every repeat in it. */
export async function downstreamFaults(scenario: Scenario, sent: (topic: TopicName) => readonly Output[]): Promise<string[]> {
  const own = readers.get(scenario.name) ?? []
  let calm = calmStates.get(scenario)
  if (!calm) {
    calm = Promise.all(own.map((reader) => reader.fold(scenario.calm.outputs.get(reader.topic) ?? [])))
    calmStates.set(scenario, calm)
  }
  const wanted = await calm
  const faults: string[] = []
  for (const [index, reader] of own.entries())
    faults.push(...differences(reader.topic, wanted[index]!, await reader.fold(sent(reader.topic))))
  return faults
}

function differences(topic: TopicName, wanted: States, found: States): string[] {
  return wanted.flatMap((states, partition) =>
    [...new Set([...states.keys(), ...found[partition]!.keys()])]
      .filter((key) => {
        const [a, b] = [states.get(key), found[partition]!.get(key)]
        return !a || !b || Buffer.compare(a, b) !== 0
      })
      .map((key) => `who reads ${topic} has another ${key} in partition ${partition} than after an undisturbed run`),
  )
}

function readerOf<P>(topic: TopicName, topology: Topology<P>, ports: P): Reader {
  return {
    topic,
    async fold(outputs) {
      const driver = new TopologyDriver(topology, ports, { partitions })
      // Between sources the order is left to the log, and sums of fractions follow it: here one source after the other.
      const ordered = [...outputs].sort((a, b) => a.value.sourcePartition - b.value.sourcePartition)
      if (ordered.length > 0) await driver.send(topic, ...(ordered as never[]))
      return Promise.all(Array.from({ length: partitions }, (_, partition) => driver.stateOf(partition)))
    },
  }
}
