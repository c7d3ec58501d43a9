import { openPorts } from '../cli/compose.ts'
import { loadConfig } from '../cli/config.ts'
import { featurePorts } from '../cli/topologies.ts'
import { Engine } from '../runtime/engine.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import { userFeatures } from '../topologies/user-features.ts'

// One process of the `ingest` benchmarks: runs user-features until `records` are applied by it and its peers, and prints what it
// cost as one line of JSON.

/** What the process is told on its command line, as JSON. */
export interface IngestOrder {
  readonly set: Readonly<Record<string, unknown>>
  /** Records of user-events in the log; the process ends when the store's positions reach them. */
  readonly records: number
}

/** What it prints. */
export interface IngestReport {
  readonly records: number
  readonly batches: number
  readonly outputs: number
  /** Clock time, ms since the epoch, of the first poll and of the last commit. */
  readonly fromMs: number
  readonly toMs: number
  readonly cpuS: number
  readonly rssMiB: number
  readonly heapMiB: number
}

const order = JSON.parse(process.argv[2]!) as IngestOrder
const config = loadConfig(undefined, order.set)
const ports = await openPorts(config)
let [records, batches, outputs, toMs] = [0, 0, 0, 0]
const engine = new Engine(ports, {
  graphs: [() => userFeatures.graph(featurePorts(config))],
  partitions: config.partitions,
  limits: defaultTaskLimits,
  onBatch: (_topology, _partition, summary) => {
    records += summary.records
    batches++
    outputs += summary.outputs
    toMs = Date.now()
  },
  onFailed: (_topology, error) => {
    throw error
  },
})
const fromMs = Date.now()
const cpu = process.cpuUsage()
await engine.start()
while ((await appliedRecords()) < order.records) await new Promise((resolve) => setTimeout(resolve, 50))
const { user, system } = process.cpuUsage(cpu)
const memory = process.memoryUsage()
await engine.stop()
await ports.close()
const mib = 1024 * 1024
const report: IngestReport = {
  records,
  batches,
  outputs,
  fromMs,
  toMs,
  cpuS: (user + system) / 1e6,
  rssMiB: memory.rss / mib,
  heapMiB: memory.heapUsed / mib,
}
console.log(JSON.stringify(report))

async function appliedRecords(): Promise<number> {
  let applied = 0
  for (let partition = 0; partition < config.partitions; partition++) {
    const progress = await ports.state.progress({ topology: userFeatures.name, partition })
    applied += progress?.positions['user-events'] ?? 0
  }
  return applied
}
