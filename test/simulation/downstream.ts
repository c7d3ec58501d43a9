import type { Topology } from '../../runtime/define-topology.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { bandit } from '../../topologies/bandit.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { itemPorts, type Output, partitions, type Scenario } from './scenarios.ts'

type States = readonly ReadonlyMap<string, Uint8Array>[]

interface Reader {
  readonly topic: TopicName
  fold(outputs: readonly Output[]): Promise<States>
}

/** Who reads the additive outputs of a topology. */
const readers: ReadonlyMap<string, Reader> = new Map([
  ['user-features', readerOf('item-signals', itemFeatures, itemPorts)],
  ['rewards', readerOf('rewards', bandit, {})],
])

const calmStates = new WeakMap<Scenario, Promise<States>>()

/** What is wrong with the state of the topology that reads what a disturbed run sent, with every repeat in it. */
export async function downstreamFaults(scenario: Scenario, sent: (topic: TopicName) => readonly Output[]): Promise<string[]> {
  const reader = readers.get(scenario.name)
  if (!reader) return []
  let calm = calmStates.get(scenario)
  if (!calm) {
    calm = reader.fold(scenario.calm.outputs.get(reader.topic) ?? [])
    calmStates.set(scenario, calm)
  }
  const [wanted, found] = [await calm, await reader.fold(sent(reader.topic))]
  const faults: string[] = []
  wanted.forEach((states, partition) => {
    for (const key of new Set([...states.keys(), ...found[partition]!.keys()])) {
      const [a, b] = [states.get(key), found[partition]!.get(key)]
      if (!a || !b || Buffer.compare(a, b) !== 0)
        faults.push(`who reads ${reader.topic} has another ${key} in partition ${partition} than after an undisturbed run`)
    }
  })
  return faults
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
