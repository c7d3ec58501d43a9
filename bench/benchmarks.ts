import type { BenchOptions } from './bench-options.ts'
import { type BenchResult, type Figure, machineOf } from './figure.ts'

/** What a benchmark's file exports. */
export interface Benchmark {
  /** One line: what is measured against which ceiling. */
  readonly description: string
  run(options: BenchOptions): Promise<Figure[]>
}

/** Every benchmark by name. */
export const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  fold: () => import('./fold.ts'),
  learn: () => import('./learn.ts'),
  backlog: () => import('./backlog.ts'),
  freshness: () => import('./freshness.ts'),
  inference: () => import('./inference.ts'),
  ingest: () => import('./ingest.ts'),
  'ingest-embedded': () => import('./ingest-embedded.ts'),
  'ingest-processes': () => import('./ingest-processes.ts'),
  lists: () => import('./lists.ts'),
  serve: () => import('./serve.ts'),
  memory: () => import('./memory.ts'),
  start: () => import('./start.ts'),
  withdraw: () => import('./withdraw.ts'),
  idle: () => import('./idle.ts'),
  'session-knn': () => import('./session-knn.ts'),
  retrieval: () => import('./retrieval.ts'),
}

/** Loads a benchmark. Errors: an unknown name, with the known ones. */
export async function benchmarkOf(name: string | undefined): Promise<Benchmark> {
  const load = name === undefined ? undefined : benchmarks[name]
  if (!load) throw new Error(`name a benchmark, one of: ${Object.keys(benchmarks).join(', ')}`)
  return await load()
}

/** Runs a benchmark and closes all it opened. Errors: its own; an option that it does not know. */
export async function runBenchmark(name: string, options: BenchOptions): Promise<BenchResult> {
  const benchmark = await benchmarkOf(name)
  try {
    const figures = await benchmark.run(options)
    if (options.unknown.length > 0) throw new Error(`${name} has no option --${options.unknown.join(', --')}`)
    return { bench: name, machine: machineOf(), figures }
  } finally {
    await options.close()
  }
}
