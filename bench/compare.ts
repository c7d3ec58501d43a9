import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Baseline, baselineOf, compareRuns } from './baseline.ts'
import { BenchOptions } from './bench-options.ts'
import { BenchSkipped } from './bench-skipped.ts'
import { runBenchmark } from './benchmarks.ts'
import { readCommandLine } from './command-line.ts'
import { type BenchResult, tableOf } from './figure.ts'

// npm run bench:compare -- NAME [--store] [--result FILE] [--option value]: runs the benchmark (or takes what a run printed with
// --json) and holds it against bench/baselines/NAME.json; exit 1 when a figure got worse than its limit. --store writes that file.

try {
  const { name, flags, values } = readCommandLine(process.argv.slice(2), ['store'])
  if (name === undefined) throw new Error('name a benchmark: npm run bench:compare -- NAME [--store]')
  await compare(name, flags.has('store'), values)
} catch (error) {
  console.error(error instanceof BenchSkipped ? `skipped: ${error.message}` : error instanceof Error ? error.message : error)
  process.exitCode = error instanceof BenchSkipped ? 0 : 1
}

async function compare(
  name: string,
  store: boolean,
  { result: file, ...values }: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = join(import.meta.dirname, 'baselines')
  const path = join(folder, `${name}.json`)
  if (!store && !existsSync(path)) throw new Error(`${name} has no baseline: npm run bench:compare -- ${name} --store`)
  const result =
    file === undefined
      ? await runBenchmark(name, new BenchOptions(values, (line) => console.error(`[${name}] ${line}`)))
      : (JSON.parse(readFileSync(file, 'utf8')) as BenchResult)
  if (result.bench !== name) throw new Error(`${file} is a run of ${result.bench}, not of ${name}`)
  console.log(tableOf(result))
  if (store) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, `${JSON.stringify(baselineOf(result), null, 2)}\n`)
    console.log(`stored as the baseline of ${name}`)
    return
  }
  const comparisons = compareRuns(JSON.parse(readFileSync(path, 'utf8')) as Baseline, result)
  for (const { name: figure, before, now, change, limit, ok } of comparisons)
    console.log(`${ok ? 'ok   ' : 'WORSE'} ${figure}: ${before} before, ${now} now: x ${change.toFixed(3)}, allowed ${limit}`)
  if (comparisons.some(({ ok }) => !ok)) process.exitCode = 1
}
