import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openPorts } from '../cli/compose.ts'
import { loadConfig } from '../cli/config.ts'
import { ImportRun } from '../cli/import-run.ts'
import { globoClicks } from '../connectors/files/globo-clicks.ts'
import type { BenchOptions } from './bench-options.ts'
import { BenchSkipped } from './bench-skipped.ts'
import type { IngestOrder, IngestReport } from './ingest-engine.ts'

/** Partitions of every topic. */
export const partitions = 4

const run = promisify(execFile)
const outputBytesMax = 16 * 1024 * 1024

/** Puts Globo clicks into the log of a stack; answers how many records of user-events lie there. */
export async function fillLog(
  options: BenchOptions,
  set: Readonly<Record<string, unknown>>,
  events = 1_000_000,
): Promise<number> {
  const folder = options.text('data', join(import.meta.dirname, '..', '..', 'shared', 'data', 'globo-news-clicks'))
  const eventsMax = options.number('events', events)
  if (!existsSync(folder)) throw new BenchSkipped(`needs the data set globo-news-clicks, which is not at ${folder}`)
  const ports = await openPorts(loadConfig(undefined, set))
  try {
    const importing = new ImportRun(ports, partitions, { speed: undefined, eventsMax, bar: false })
    const { events, eventsPerSecond } = await importing.read(globoClicks, folder, {})
    options.say(`${events} clicks in the log, ${eventsPerSecond} a second`)
    return events
  } finally {
    await ports.close()
  }
}

/** Runs a program of this folder as a process of its own; it prints one line of JSON. */
export async function runProgram<T>(name: string, order: unknown, flags: readonly string[] = []): Promise<T> {
  const { stdout } = await run(process.execPath, [...flags, join(import.meta.dirname, name), JSON.stringify(order)], {
    maxBuffer: outputBytesMax,
  })
  return JSON.parse(stdout) as T
}

/** Runs `count` processes of user-features side by side until the log is applied; answers what they cost together. */
export async function runEngines(
  order: IngestOrder,
  count: number,
): Promise<IngestReport & { readonly eventsPerSecond: number }> {
  const reports = await Promise.all(Array.from({ length: count }, () => runProgram<IngestReport>('ingest-engine.ts', order)))
  const sum = (of: (report: IngestReport) => number) => reports.reduce((total, report) => total + of(report), 0)
  const fromMs = Math.min(...reports.map((report) => report.fromMs))
  const toMs = Math.max(...reports.map((report) => report.toMs))
  return {
    records: sum((report) => report.records),
    batches: sum((report) => report.batches),
    outputs: sum((report) => report.outputs),
    fromMs,
    toMs,
    cpuS: sum((report) => report.cpuS),
    rssMiB: sum((report) => report.rssMiB),
    heapMiB: sum((report) => report.heapMiB),
    eventsPerSecond: (order.records / (toMs - fromMs)) * 1000,
  }
}
