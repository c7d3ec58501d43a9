import { join } from 'node:path'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { forgetState } from './ingest.ts'
import { fillLog, partitions, runEngines, runProgram } from './ingest-run.ts'
import type { SqliteReport } from './ingest-sqlite.ts'

export const description = 'user-features over Globo clicks on the embedded default, against bare appends and upserts in SQLite'

/** Options: `--events` (300,000), `--rounds` (3) of which the median counts, `--data` the folder of the data set. */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const rounds = options.number('rounds', 3)
  const path = join(options.folder, 'embedded.db')
  const set = { stack: 'embedded', partitions, embedded: { path } }
  const records = await fillLog(options, set, 300_000)
  const [engine, ceiling, cpu]: [number[], number[], number[]] = [[], [], []]
  for (let round = 1; round <= rounds; round++) {
    const bare = await runProgram<SqliteReport>('ingest-sqlite.ts', { log: path, path: join(options.folder, `bare-${round}.db`) })
    ceiling.push((bare.records / bare.ms) * 1000)
    await forgetState(set)
    const report = await runEngines({ set, records }, 1)
    engine.push(report.eventsPerSecond)
    cpu.push((report.cpuS / records) * 1e6)
    options.say(`round ${round}: ${Math.round(engine.at(-1)!)} events/s, bare SQLite ${Math.round(ceiling.at(-1)!)}`)
  }
  const median = (values: readonly number[]) => quantile(values, 0.5)
  return [
    figureOf({
      name: 'events',
      kind: 'throughput',
      value: median(engine),
      unit: 'events/s',
      ceiling: median(ceiling),
      goal: 'ratio >= 0.3',
    }),
    figureOf({ name: 'cpu', kind: 'note', value: median(cpu), unit: 'us/event' }),
  ]
}
