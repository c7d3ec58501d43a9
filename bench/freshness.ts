import type { OpenPorts } from '../cli/compose.ts'
import { retrying } from '../core/retrying.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { type Level, ListProbe } from './list-probe.ts'
import { openStack, topicPatience } from './open-stack.ts'
import { sendPaced, wallMs } from './paced-sender.ts'
import { PacedShop } from './paced-shop.ts'
import { Program } from './program.ts'

export const description = 'event to list in Redis at a steady rate with everything on, beside a bare two-hop echo through Kafka'

/** How long the echo may take to send back its last records. */
const settleMsMax = 60_000
const p99MsMax = 100

/**
 * The engine in processes of its own on real Kafka, registry, Redis and a worker; this process sends, and counts from when an event
 * was due to when the batch with its list was done. Then 2x and 4x for a quarter of the time, and on by half while p99 stays below
 * 100 ms; or less and less, where the first rate was too much. Options: `--seconds` (120), `--rate` (1,040), `--users` (10,000),
 * `--levels` (2,4), `--echo-seconds` (20), `--processes` (2), `--partitions` (4).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const seconds = options.number('seconds', 120)
  const rate = options.number('rate', 1_040)
  const echoSeconds = options.number('echo-seconds', 20)
  const levels = options.text('levels', '2,4').split(',').map(Number)
  const users = options.number('users', 10_000)
  const partitions = options.number('partitions', 4)
  const { services, config, ports } = await openStack(options, partitions)
  const topics = ['bench-echo-in', 'bench-echo-out']
  const specs = topics.map((name) => ({ name, partitions, cleanup: 'delete', retentionMs: 3_600_000 }) as const)
  await retrying(ports.clock, () => ports.log.ensureTopics(specs), topicPatience)

  const shop = new PacedShop(ports, { users, rate, partitions })
  await shop.sendCatalogue()
  const probe = await ListProbe.start(options, config)
  options.say('the engine is ready; warming up')
  await probe.level(shop, { rate, seconds: Math.min(10, seconds) })

  const echoMs = await echo(options, ports, { broker: services.kafka, partitions, rate, seconds: echoSeconds })
  const base = await probe.level(shop, { rate, seconds })
  const echoFigures = { p50: quantile(echoMs, 0.5), p99: quantile(echoMs, 0.99) }
  const figures = figuresOf('1x', base, echoFigures, { p50: 'value <= 8', p99: 'value <= 30' })
  figures.push(
    figureOf({
      name: 'engine-cpu-per-event',
      kind: 'note',
      value: base.cpuMs / Math.max(1, base.latenciesMs.length),
      unit: 'ms',
    }),
    figureOf({ name: 'lists-per-event', kind: 'note', value: base.lists / Math.max(1, base.latenciesMs.length), unit: 'lists' }),
    figureOf({ name: 'ranked-by-model', kind: 'note', value: (100 * base.ranked) / Math.max(1, base.lists), unit: '%' }),
  )
  let highest = fits(base) ? rate : 0
  for (let at = 0, factor = levels[0] ?? 0; factor > 0 && at < levels.length + 4; at++) {
    const level = await probe.level(shop, { rate: rate * factor, seconds: seconds / 4 })
    if (at < levels.length) figures.push(...figuresOf(`${factor}x`, level, echoFigures))
    if (fits(level)) highest = Math.max(highest, rate * factor)
    else if (at >= levels.length - 1) break
    factor = levels[at + 1] ?? factor * 1.5
  }
  // Too much already: less and less, until it is kept up with.
  for (const factor of [0.75, 0.5, 0.25]) {
    if (highest > 0) break
    const level = await probe.level(shop, { rate: rate * factor, seconds: seconds / 4 })
    figures.push(...figuresOf(`${factor}x`, level, echoFigures))
    if (fits(level)) highest = rate * factor
  }
  figures.push(figureOf({ name: 'highest-rate', kind: 'note', value: highest, unit: 'events/s' }))
  return figures
}

function fits({ latenciesMs, unanswered }: Level): boolean {
  return unanswered === 0 && quantile(latenciesMs, 0.99) <= p99MsMax
}

function figuresOf(
  name: string,
  { latenciesMs, unanswered }: Level,
  echoMs: { readonly p50: number; readonly p99: number },
  goals: { readonly p50?: string; readonly p99?: string } = {},
): Figure[] {
  const latency = (which: 'p50' | 'p99', q: number) =>
    figureOf({
      name: `${which}-${name}`,
      kind: 'latency',
      value: quantile(latenciesMs, q),
      unit: 'ms',
      ceiling: echoMs[which],
      ...(goals[which] === undefined ? {} : { goal: goals[which] }),
    })
  return [
    latency('p50', 0.5),
    latency('p99', 0.99),
    figureOf({ name: `unanswered-${name}`, kind: 'note', value: unanswered, unit: 'events' }),
  ]
}

/** Latencies of the bare way: this process, Kafka, a process that sends each record on, Kafka, this process. */
async function echo(
  options: BenchOptions,
  { log }: OpenPorts,
  {
    broker,
    partitions,
    rate,
    seconds,
  }: { readonly broker: string; readonly partitions: number; readonly rate: number; readonly seconds: number },
): Promise<number[]> {
  const [from, to] = ['bench-echo-in', 'bench-echo-out'] as const
  await Program.start(options, 'echo-program.ts', broker, from, to)
  const latenciesMs: number[] = []
  const follower = await log.follow({
    name: 'echo-end',
    topics: [to],
    batch: ({ records }) => {
      const nowMs = wallMs()
      for (const { value } of records) latenciesMs.push(nowMs - Buffer.from(value!).readDoubleLE(0))
    },
    failed: (error) => {
      throw error
    },
  })
  await follower.caughtUp
  const count = Math.ceil(rate * seconds)
  await sendPaced({
    log,
    rate,
    count,
    recordsAt: (at, dueMs) => {
      const value = Buffer.alloc(120)
      value.writeDoubleLE(dueMs, 0)
      return [{ topic: from, partition: at % partitions, key: String(at), value }]
    },
  })
  const giveUpMs = wallMs() + settleMsMax
  while (latenciesMs.length < count && wallMs() < giveUpMs) await new Promise((resolve) => setTimeout(resolve, 20))
  await follower.stop()
  if (latenciesMs.length < count) throw new Error(`only ${latenciesMs.length} of ${count} records came back from the echo`)
  return latenciesMs.slice(Math.floor(count / 10)) // The first tenth warms up.
}
