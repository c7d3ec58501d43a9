import { type OpenPorts, openPorts } from '../cli/compose.ts'
import { type Config, loadConfig } from '../cli/config.ts'
import { partitionFor } from '../core/partition-for.ts'
import { retrying } from '../core/retrying.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import { Engine } from '../runtime/engine.ts'
import { recordShop, type ShopRecord } from '../simulator/record-shop.ts'
import type { BenchOptions } from './bench-options.ts'
import type { ListsMade } from './engine-program.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { sendPaced, wallMs } from './paced-sender.ts'
import { Program } from './program.ts'

export const description = 'event to list in Redis at a steady rate with everything on, beside a bare two-hop echo through Kafka'

const partitions = 4
/** How long a level may take to answer its last events. */
const settleMsMax = 60_000
const p99MsMax = 100

/** What one level of load showed. */
interface Level {
  readonly latenciesMs: readonly number[]
  /** Events without a list when the level was given up. */
  readonly unanswered: number
  readonly lists: number
  readonly ranked: number
  readonly cpuMs: number
}

/**
 * The engine in a process of its own on real Kafka, registry, Redis and a worker; this process sends, and counts from when an event
 * was due to when the batch with its list was done. Then 2x and 4x for a quarter of the time, and on by half while p99 stays below
 * 100 ms. Options: `--seconds` (120), `--rate` (1,040), `--users` (10,000), `--levels` (2,4), `--echo-seconds` (20).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const seconds = options.number('seconds', 120)
  const rate = options.number('rate', 1_040)
  const echoSeconds = options.number('echo-seconds', 20)
  const levels = options.text('levels', '2,4').split(',').map(Number)
  const users = options.number('users', 10_000)
  const services = await options.services('kafka', 'registry', 'redis', 'inference')
  const config = loadConfig(undefined, {
    stack: 'distributed',
    partitions,
    kafka: { brokers: [services.kafka] },
    registry: { url: services.registry },
    redis: { url: services.redis },
    inference: { workers: [services.inference] },
    rewards: { waitMs: 10_000 },
    log: { level: 'error' },
  })
  const ports = await openPorts(config)
  options.onEnd(() => ports.close())
  const patience = { waitMs: 200, waitMsMax: 2_000, giveUpMs: 60_000 }
  await retrying(ports.clock, () => Engine.ensureTopics(ports.log, partitions), patience)
  const topics = ['bench-echo-in', 'bench-echo-out']
  const specs = topics.map((name) => ({ name, partitions, cleanup: 'delete', retentionMs: 3_600_000 }) as const)
  await retrying(ports.clock, () => ports.log.ensureTopics(specs), patience)

  const shop = new PacedShop(ports, { users, rate })
  await shop.sendCatalogue()
  const probe = await ListProbe.start(options, config)
  options.say('the engine is ready; warming up')
  await probe.level(shop, { rate, seconds: Math.min(10, seconds) })

  const echoMs = await echo(options, ports, { broker: services.kafka, rate, seconds: echoSeconds })
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

/** The shop's log, in its order, with the times at which it is sent. */
class PacedShop {
  readonly #ports: OpenPorts
  readonly #records: Generator<ShopRecord>
  #next: ShopRecord | undefined

  constructor(ports: OpenPorts, { users, rate }: { readonly users: number; readonly rate: number }) {
    this.#ports = ports
    const shop = { seed: 'freshness', users, eventsPerSecond: rate, daypart: false, events: Number.MAX_SAFE_INTEGER }
    this.#records = recordShop(shop)
  }

  /** Sends what lies before the first event: items and profiles. */
  async sendCatalogue(): Promise<void> {
    const records: OutgoingRecord[] = []
    for (;;) {
      const record = this.#records.next().value as ShopRecord
      if (record.topic === 'user-events' || record.topic === 'decisions') {
        this.#next = record
        break
      }
      records.push(this.#outgoing(record, record.value))
    }
    for (let at = 0; at < records.length; at += 1_000) await this.#ports.log.send(records.slice(at, at + 1_000))
  }

  /** The next `count` events, each with the decisions and item changes before it: made before the clock starts. */
  take(count: number): ShopRecord[][] {
    return Array.from({ length: count }, () => {
      const group: ShopRecord[] = []
      for (;;) {
        const record = this.#next ?? (this.#records.next().value as ShopRecord)
        this.#next = undefined
        group.push(record)
        if (record.topic === 'user-events') return group
      }
    })
  }

  /** Those records as happening at `timeMs`. */
  at(group: readonly ShopRecord[], timeMs: number): OutgoingRecord[] {
    return group.map((record) => {
      const moves = record.topic === 'user-events' || record.topic === 'decisions'
      return this.#outgoing(record, moves ? { ...record.value, timeMs } : record.value)
    })
  }

  /** What carries the load. */
  get log(): OpenPorts['log'] {
    return this.#ports.log
  }

  #outgoing({ topic, key }: ShopRecord, value: unknown): OutgoingRecord {
    const bytes = value === null ? null : this.#ports.wire.encode(topic, value as never)
    return { topic, partition: partitionFor(key, partitions), key, value: bytes }
  }
}

/** The engine's process, and which of the events sent have their list. */
class ListProbe {
  /** By person: when their events that have no list yet were due, oldest first. */
  readonly #waiting = new Map<string, number[]>()
  #waitingCount = 0
  #latenciesMs: number[] = []
  #lists = 0
  #ranked = 0
  #cpuMs = 0

  static async start(options: BenchOptions, config: Config): Promise<ListProbe> {
    const probe = new ListProbe()
    const engine = await Program.start<'ready', never>(options, 'engine-program.ts', JSON.stringify(config))
    engine.onMessage((message) => probe.#made(message as ListsMade))
    return probe
  }

  /** Sends at a rate for so long, then waits until every event has its list. */
  async level(shop: PacedShop, { rate, seconds }: { readonly rate: number; readonly seconds: number }): Promise<Level> {
    this.#latenciesMs = []
    this.#lists = 0
    this.#ranked = 0
    this.#waiting.clear()
    this.#waitingCount = 0
    const groups = shop.take(Math.ceil(rate * seconds))
    const cpuMs = this.#cpuMs
    await sendPaced({
      log: shop.log,
      rate,
      count: groups.length,
      recordsAt: (at, dueMs) => {
        // Event times are whole milliseconds; the due time is the same one, so nothing is answered before it was asked.
        const timeMs = Math.floor(dueMs)
        const userId = groups[at]!.at(-1)!.key
        const waiting = this.#waiting.get(userId)
        if (waiting) waiting.push(timeMs)
        else this.#waiting.set(userId, [timeMs])
        this.#waitingCount++
        return shop.at(groups[at]!, timeMs)
      },
    })
    const giveUpMs = wallMs() + settleMsMax
    while (this.#waitingCount > 0 && wallMs() < giveUpMs) await new Promise((resolve) => setTimeout(resolve, 20))
    return {
      latenciesMs: this.#latenciesMs,
      unanswered: this.#waitingCount,
      lists: this.#lists,
      ranked: this.#ranked,
      cpuMs: this.#cpuMs - cpuMs,
    }
  }

  #made({ atMs, cpuMs, lists }: ListsMade): void {
    this.#cpuMs = cpuMs
    this.#lists += lists.length
    for (const [userId, watermarkMs, rung] of lists) {
      if (rung === 'ranker') this.#ranked++
      const waiting = this.#waiting.get(userId)
      while (waiting !== undefined && waiting.length > 0 && waiting[0]! <= watermarkMs) {
        this.#latenciesMs.push(atMs - waiting.shift()!)
        this.#waitingCount--
      }
    }
  }
}

/** Latencies of the bare way: this process, Kafka, a process that sends each record on, Kafka, this process. */
async function echo(
  options: BenchOptions,
  { log }: OpenPorts,
  { broker, rate, seconds }: { readonly broker: string; readonly rate: number; readonly seconds: number },
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
