import { openPorts } from '../cli/compose.ts'
import { loadConfig } from '../cli/config.ts'
import { kafkajs } from '../connectors/kafka/kafkajs.ts'
import { userFeatures } from '../topologies/user-features.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import type { CeilingReport } from './ingest-ceiling.ts'
import { fillLog, partitions, runEngines, runProgram } from './ingest-run.ts'

export const description = 'user-features over Globo clicks in Kafka with state in Redis, against consuming and producing alone'

/**
 * One process, all guarantees and outputs on, from the first poll to the last commit; in turns with a process that only consumes and
 * produces. Options: `--events` (1,000,000), `--rounds` (3) of which the median counts, `--data` the folder of the data set.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const rounds = options.number('rounds', 3)
  const { kafka, registry, redis } = await options.services('kafka', 'registry', 'redis')
  const set = {
    stack: 'distributed',
    partitions,
    kafka: { brokers: [kafka] },
    registry: { url: registry },
    redis: { url: redis },
  }
  const records = await fillLog(options, set)
  await makeCeilingTopic(kafka)
  const [engine, ceiling, cpu, rss]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let round = 1; round <= rounds; round++) {
    const alone = await runProgram<CeilingReport>('ingest-ceiling.ts', { brokers: [kafka], records })
    ceiling.push((alone.records / (alone.toMs - alone.fromMs)) * 1000)
    await forgetState(set)
    const report = await runEngines({ set, records }, 1)
    engine.push(report.eventsPerSecond)
    cpu.push((report.cpuS / records) * 1e6)
    rss.push(report.rssMiB)
    options.say(
      `round ${round}: ${Math.round(engine.at(-1)!)} events/s, alone ${Math.round(ceiling.at(-1)!)}, ${report.outputs} outputs`,
    )
  }
  const median = (values: readonly number[]) => quantile(values, 0.5)
  return [
    figureOf({
      name: 'events',
      kind: 'throughput',
      value: median(engine),
      unit: 'events/s',
      ceiling: median(ceiling),
      goal: 'ratio >= 1',
    }),
    figureOf({ name: 'cpu', kind: 'note', value: median(cpu), unit: 'us/event' }),
    figureOf({ name: 'rss', kind: 'memory', value: median(rss), unit: 'MiB' }),
  ]
}

/** Has the next engine begin at the start of the log. */
export async function forgetState(set: Readonly<Record<string, unknown>>): Promise<void> {
  const ports = await openPorts(loadConfig(undefined, set))
  for (let partition = 0; partition < partitions; partition++) await ports.state.clear({ topology: userFeatures.name, partition })
  await ports.close()
}

async function makeCeilingTopic(broker: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'ceiling', numPartitions: partitions }] })
  await admin.disconnect()
}
