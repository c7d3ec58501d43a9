import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { projectRoot } from '../cli/services/services.ts'
import { GrpcInference } from '../connectors/grpc/inference.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { Program } from './program.ts'
import { rankerOutputs, rankRows } from './rank-rows.ts'

export const description =
  'the shipped ranker by a worker over gRPC, against ONNX Runtime alone with the same batches and threads'

const batches = [1, 8, 64, 256, 512]
const concurrencies = [1, 8, 32]

/** What the worker tells of itself since it was last asked. */
interface WorkerReport {
  readonly lagP99Ms: number
  readonly lagMaxMs: number
  readonly cpuMs: number
}

/** Rows and requests of one or more slices. */
class Cell {
  rows = 0
  refused = 0
  ms = 0
  aloneRows = 0
  aloneMs = 0
  cpuMs = 0
  clientCpuMs = 0
  aloneCpuMs = 0
  readonly latenciesMs: number[] = []
}

/**
 * Each pair of batch size and concurrency in slices, in turns with ONNX Runtime alone on the same batch. Client, worker and the
 * bare session share the machine, never at the same moment. Options: `--slice` (0.4) seconds, `--slices` (3), `--threads` per run.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const sliceMs = options.number('slice', 0.4) * 1000
  const slices = options.number('slices', 3)
  const repository = join(projectRoot, 'models', 'repository')
  const worker = await Program.start<{ readonly address: string }, WorkerReport>(options, 'watched-worker.ts', repository)
  const { address } = worker.ready
  const inference = await GrpcInference.connect({ addresses: [address] })
  options.onEnd(() => inference.close())
  const session = await ort.InferenceSession.create(join(repository, 'ranker', '1', 'model.onnx'), {
    intraOpNumThreads: options.number('threads', availableParallelism()),
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const width = await inference.inputWidth('ranker')

  const pairs = batches.flatMap((batch) => concurrencies.map((concurrency) => ({ batch, concurrency, cell: new Cell() })))
  const lags: number[] = []
  for (let slice = 0; slice <= slices; slice++) {
    for (const { batch, concurrency, cell } of pairs) {
      await worker.report()
      // The first round warms up.
      const into = slice === 0 ? new Cell() : cell
      await askWorker(inference, { batch, concurrency, sliceMs }, into)
      const { lagP99Ms, cpuMs } = await worker.report()
      if (slice > 0) {
        lags.push(lagP99Ms)
      }
      into.cpuMs += cpuMs
      await runAlone(session, { batch, width }, sliceMs, into)
    }
  }
  const perSecond = (rows: number, ms: number) => (rows / ms) * 1000
  return [
    ...pairs.map(({ batch, concurrency, cell }) =>
      figureOf({
        name: `rows-batch-${batch}-concurrency-${concurrency}`,
        kind: 'throughput',
        value: perSecond(cell.rows, cell.ms),
        unit: 'rows/s',
        ceiling: perSecond(cell.aloneRows, cell.aloneMs),
        // One request at a time is bound by its way there and back, not by the worker.
        ...(batch >= 64 && concurrency > 1 ? { goal: 'ratio >= 0.8' } : {}),
      }),
    ),
    // By CPU time the ratio also holds on a machine that others use.
    ...pairs
      .filter(({ concurrency }) => concurrency === 8)
      .map(({ batch, cell }) =>
        figureOf({
          name: `rows-per-cpu-second-batch-${batch}`,
          kind: 'throughput',
          value: perSecond(cell.rows, cell.cpuMs),
          unit: 'rows/s',
          ceiling: perSecond(cell.aloneRows, cell.aloneCpuMs),
        }),
      ),
    // What the caller's side of the way costs: on a small machine it is taken from the session.
    ...pairs
      .filter(({ batch, concurrency }) => batch >= 64 && concurrency === 8)
      .map(({ batch, cell }) =>
        figureOf({
          name: `client-cpu-batch-${batch}`,
          kind: 'note',
          value: (cell.clientCpuMs * 1000 * batch) / cell.rows,
          unit: 'us/request',
        }),
      ),
    ...pairs
      .filter(({ batch }) => batch === 64)
      .map(({ concurrency, cell }) =>
        figureOf({
          name: `p99-batch-64-concurrency-${concurrency}`,
          kind: 'latency',
          value: quantile(cell.latenciesMs, 0.99),
          unit: 'ms',
        }),
      ),
    figureOf({
      name: 'requests-refused',
      kind: 'note',
      value: pairs.reduce((sum, { cell }) => sum + cell.refused, 0),
      unit: 'requests',
    }),
    // The worst slice counts.
    figureOf({ name: 'event-loop-lag-p99', kind: 'latency', value: Math.max(...lags), unit: 'ms', goal: 'value <= 20' }),
  ]
}

async function askWorker(
  inference: GrpcInference,
  { batch, concurrency, sliceMs }: { readonly batch: number; readonly concurrency: number; readonly sliceMs: number },
  cell: Cell,
): Promise<void> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  const ask = async () => {
    for (;;) {
      const startMs = performance.now()
      if (startMs - fromMs >= sliceMs) return
      if (!(await rankRows(inference, batch))) {
        cell.refused++
        continue
      }
      cell.rows += batch
      cell.latenciesMs.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, ask))
  cell.ms += performance.now() - fromMs
  const { user, system } = process.cpuUsage(cpu)
  cell.clientCpuMs += (user + system) / 1000
}

async function runAlone(
  session: ort.InferenceSession,
  { batch, width }: { readonly batch: number; readonly width: number },
  sliceMs: number,
  cell: Cell,
): Promise<void> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  while (performance.now() - fromMs < sliceMs) {
    const data = new Float32Array(batch * width).fill(0.5)
    await session.run({ features: new ort.Tensor('float32', data, [batch, width]) }, rankerOutputs)
    cell.aloneRows += batch
  }
  cell.aloneMs += performance.now() - fromMs
  const { user, system } = process.cpuUsage(cpu)
  cell.aloneCpuMs += (user + system) / 1000
}
