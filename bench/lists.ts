import { GrpcInference } from '../connectors/grpc/inference.ts'
import { silentMetrics } from '../ports/metrics.ts'
import type { Scorer } from '../ports/scorer.ts'
import { SharedScorer } from '../runtime/shared-scorer.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'
import { ListMaker } from './list-maker.ts'
import { rankRows } from './rank-rows.ts'

export const description =
  'lists per second of one process and one CPU worker over gRPC, against the worker asked for the same rows alone'

/** Rows of a request at most, as in the engine. */
const rowsMax = 4096
/** Times that the worker may be too busy for one request. */
const triesMax = 50

/**
 * The real tasks of `recommendations` with filled tables and a real worker process; the log and the stores take everything and keep
 * nothing. Options: `--candidates` (400), `--rounds` (40) and `--lists` (64) per round, `--items` (2,000), `--tasks` (4).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const candidatesMax = options.number('candidates', 400)
  const rounds = options.number('rounds', 40)
  const perRound = options.number('lists', 64)
  const shop = {
    events: options.number('events', 20_000),
    items: options.number('items', 2_000),
    tasks: options.number('tasks', 4),
  }
  const { inference: address } = await options.services('inference')
  const inference = await GrpcInference.connect({ addresses: [address] })
  options.onEnd(() => inference.close())

  let rankedRows = 0
  let scorer: SharedScorer | undefined
  const maker = await ListMaker.open({ ...shop, candidatesMax }, (clock) => {
    const limits = { rowsMax, queueRowsMax: 1 << 20, deadlineMs: 60_000, retryMs: 1_000 }
    const shared = new SharedScorer(inference, limits, clock, silentMetrics)
    scorer = shared
    return {
      ready: (model) => shared.ready(model),
      score: async (model, features, rows, names) => {
        const scored = await shared.score(model, features, rows, names)
        if (model === 'ranker') rankedRows += rows
        return scored
      },
    } satisfies Scorer
  })
  options.say(`${maker.updates.length} people have features; ${candidatesMax} candidates per list at most`)

  const spent = { lists: 0, rows: 0, bytes: 0, ms: 0, cpuMs: 0, alone: { rows: 0, ms: 0, cpuMs: 0 } }
  let at = 0
  const next = () => Array.from({ length: perRound }, () => maker.updates[at++ % maker.updates.length]!)
  await maker.make(maker.encode(next())) // Embeds the catalogue and warms the code.
  await maker.make(maker.encode(next()))
  await askAlone(inference, 40)
  let lost = 0
  for (let round = 0; round < rounds; round++) {
    const shares = maker.encode(next())
    const before = { lists: maker.lists, bytes: maker.listBytes, rows: rankedRows, failures: scorer!.failures }
    const made = await timed(() => maker.make(shares))
    const rows = rankedRows - before.rows
    if (rows === 0 || scorer!.failures > before.failures) {
      // On a starved machine the worker drops requests that waited 100 ms; those lists are made without it and are not measured.
      lost++
      await askAlone(inference, 1)
      continue
    }
    spent.lists += maker.lists - before.lists
    spent.bytes += maker.listBytes - before.bytes
    spent.rows += rows
    spent.ms += made.ms
    spent.cpuMs += made.cpuMs
    const requests = Math.max(1, Math.round(rows / rowsMax))
    const alone = await timed(() => askAlone(inference, requests))
    spent.alone.rows += requests * rowsMax
    spent.alone.ms += alone.ms
    spent.alone.cpuMs += alone.cpuMs
  }
  if (lost > rounds / 2)
    throw new Error(`${lost} of ${rounds} rounds were made without the ranker: the machine is too busy to measure`)
  const perSecond = (count: number, ms: number) => (count / ms) * 1000
  const rowsPerList = spent.rows / spent.lists
  const aloneRows = perSecond(spent.alone.rows, spent.alone.ms)
  return [
    figureOf({ name: 'rows', kind: 'throughput', value: perSecond(spent.rows, spent.ms), unit: 'rows/s', ceiling: aloneRows }),
    figureOf({
      name: 'lists',
      kind: 'throughput',
      value: perSecond(spent.lists, spent.ms),
      unit: 'lists/s',
      ceiling: aloneRows / rowsPerList,
    }),
    figureOf({
      name: 'engine-cpu-per-list',
      kind: 'latency',
      value: spent.cpuMs / spent.lists,
      unit: 'ms',
      // What this process spends on carrying the same rows to the worker and back.
      ceiling: (spent.alone.cpuMs / spent.alone.rows) * rowsPerList,
      goal: 'value <= 1',
    }),
    figureOf({ name: 'rounds-not-measured', kind: 'note', value: lost, unit: 'rounds' }),
    figureOf({ name: 'rows-per-list', kind: 'note', value: rowsPerList, unit: 'rows' }),
    figureOf({ name: 'bytes-per-list', kind: 'memory', value: spent.bytes / spent.lists, unit: 'bytes' }),
  ]
}

/** The ceiling: full requests, as many under way as the worker takes; one that it was too busy for is sent again. */
async function askAlone(inference: GrpcInference, requests: number): Promise<void> {
  let left = requests
  let tries = triesMax
  const ask = async () => {
    while (left-- > 0) {
      if (await rankRows(inference, rowsMax)) continue
      if (tries-- === 0) throw new Error(`the worker refused ${triesMax} requests: the machine is too busy to measure`)
      left++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await Promise.all(Array.from({ length: inference.capacity }, ask))
}

async function timed(work: () => Promise<void>): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  await work()
  const ms = performance.now() - fromMs
  const { user, system } = process.cpuUsage(cpu)
  return { ms, cpuMs: (user + system) / 1000 }
}
