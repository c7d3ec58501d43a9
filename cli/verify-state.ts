import { type VerifyReport, verifyTask } from '../runtime/verify.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { topologyNames } from './topologies.ts'
import { topologyGraph } from './topology-graph.ts'

/** Lists are replacing outputs that ask models; their task holds nothing but positions. */
const stateless = new Set(['recommendations'])

/** Verifies every task that ever ran, of one topology or of all that hold state. Errors: `MILL_USAGE` for an unknown name. */
export async function verifyState(config: Config, ports: OpenPorts, only: string | undefined): Promise<VerifyReport[]> {
  const names = only === undefined ? topologyNames.filter((name) => !stateless.has(name)) : [only]
  const reports: VerifyReport[] = []
  for (const name of names) {
    await topologyGraph(name, config)
    for (const partition of await ports.state.tasks(name)) {
      // A graph of its own per task: operators may hold state of their own.
      const graph = await topologyGraph(name, config)
      reports.push(await verifyTask({ topology: name, partition }, graph, { ...ports, partitions: config.partitions }))
    }
  }
  return reports
}
