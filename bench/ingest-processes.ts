import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'
import { forgetState } from './ingest.ts'
import { fillLog, partitions, runEngines } from './ingest-run.ts'

export const description = 'the same as ingest by one process and by two, services on the same machine'

/** Options: `--events` (1,000,000), `--rounds` (1), `--data` the folder of the data set. */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const rounds = options.number('rounds', 1)
  const { kafka, registry, redis } = await options.services('kafka', 'registry', 'redis')
  const set = {
    stack: 'distributed',
    partitions,
    kafka: { brokers: [kafka] },
    registry: { url: registry },
    redis: { url: redis },
  }
  const records = await fillLog(options, set)
  const best = { 1: 0, 2: 0 }
  const cpu = { 1: 0, 2: 0 }
  for (let round = 0; round < rounds; round++) {
    for (const count of [1, 2] as const) {
      await forgetState(set)
      const report = await runEngines({ set, records }, count)
      options.say(`${count} process(es): ${Math.round(report.eventsPerSecond)} events/s, ${report.cpuS.toFixed(1)} s of CPU`)
      if (report.eventsPerSecond <= best[count]) continue
      best[count] = report.eventsPerSecond
      cpu[count] = (report.cpuS / records) * 1e6
    }
  }
  return [
    figureOf({ name: 'one-process', kind: 'note', value: best[1], unit: 'events/s' }),
    figureOf({ name: 'two-processes', kind: 'throughput', value: best[2], unit: 'events/s', ceiling: 2 * best[1] }),
    figureOf({ name: 'cpu-of-one', kind: 'note', value: cpu[1], unit: 'us/event' }),
    figureOf({ name: 'cpu-of-two', kind: 'note', value: cpu[2], unit: 'us/event' }),
  ]
}
