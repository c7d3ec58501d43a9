import { collectLess } from '../core/collect-less.ts'
import { BenchOptions } from './bench-options.ts'
import { BenchSkipped } from './bench-skipped.ts'
import { benchmarkOf, benchmarks, runBenchmark } from './benchmarks.ts'
import { readCommandLine } from './command-line.ts'
import { tableOf } from './figure.ts'

// npm run bench -- NAME [--json] [--option value]: one benchmark, its figures on stdout, progress on stderr. Without a name: the list.

collectLess() // As every process of ours does.

try {
  const { name, flags, values } = readCommandLine(process.argv.slice(2), ['json'])
  if (name === undefined) await list()
  else {
    const result = await runBenchmark(name, new BenchOptions(values, (line) => console.error(`[${name}] ${line}`)))
    console.log(flags.has('json') ? JSON.stringify(result) : tableOf(result))
  }
} catch (error) {
  console.error(error instanceof BenchSkipped ? `skipped: ${error.message}` : error instanceof Error ? error.stack : error)
  process.exitCode = error instanceof BenchSkipped ? 0 : 1
}

async function list(): Promise<void> {
  for (const name of Object.keys(benchmarks)) console.log(`${name.padEnd(18)} ${(await benchmarkOf(name)).description}`)
}
