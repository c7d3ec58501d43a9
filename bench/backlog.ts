import type { OpenPorts } from '../cli/compose.ts'
import type { Config } from '../cli/config.ts'
import { allTopologies } from '../cli/topologies.ts'
import { topologyGraph } from '../cli/topology-graph.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import { sourceTopics } from '../runtime/graph.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { ListProbe } from './list-probe.ts'
import { openStack } from './open-stack.ts'
import { wallMs } from './paced-sender.ts'
import { PacedShop } from './paced-shop.ts'

export const description =
  'an engine that starts with a million events waiting: lists per event, until nobody waits, freshness afterwards'

const partitions = 4
/** Events made and sent at once. */
const chunkEvents = 2_000
/** How long the backlog may take. */
const recoveryMsMax = 1_800_000

/**
 * Fills `user-events` while no engine runs, then starts one with all topologies on real Kafka, registry, Redis and a worker, and counts
 * the lists it makes until everybody has one as new as his last event. Then events come at a rate again. Options: `--events`
 * (1,000,000), `--users` (10,000), `--rate` (1,040), `--seconds` of it (30).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const events = options.number('events', 1_000_000)
  const users = options.number('users', 10_000)
  const rate = options.number('rate', 1_040)
  const seconds = options.number('seconds', 30)
  const { config, ports } = await openStack(options, partitions)

  const shop = new PacedShop(ports, { users, rate, partitions })
  await shop.sendCatalogue()
  const probe = new ListProbe()
  await fill(options, shop, probe, { events, rate })
  const startMs = wallMs()
  await probe.startEngine(options, config)
  for (let toldAt = 0; probe.waitingCount > 0 && wallMs() - startMs < recoveryMsMax; toldAt++) {
    await probe.answered(1_000)
    if (toldAt % 10 === 9) options.say(`${probe.lists} lists, ${probe.waitingCount} events wait`)
  }
  const recoveryMs = wallMs() - startMs
  const [lists, unanswered] = [probe.lists, probe.waitingCount]
  options.say(`everybody has a list after ${Math.round(recoveryMs / 1000)} s, of ${lists}`)
  while (!(await caughtUp(ports, config)) && wallMs() - startMs < recoveryMsMax)
    await new Promise((resolve) => setTimeout(resolve, 200))
  const lagMs = wallMs() - startMs
  const after = await probe.level(shop, { rate, seconds })
  const note = (name: string, value: number, unit: string) => figureOf({ name, kind: 'note', value, unit })
  return [
    figureOf({ name: 'lists-per-event', kind: 'note', value: lists / events, unit: 'lists', goal: 'value <= 0.25' }),
    note('lists', lists, 'lists'),
    figureOf({ name: 'unanswered-backlog', kind: 'note', value: unanswered, unit: 'events', goal: 'value <= 0' }),
    note('recovery', recoveryMs / 1000, 's'),
    note('lag-gone', lagMs / 1000, 's'),
    note('backlog-rate', (events / recoveryMs) * 1000, 'events/s'),
    note('p50-after', quantile(after.latenciesMs, 0.5), 'ms'),
    note('p99-after', quantile(after.latenciesMs, 0.99), 'ms'),
    note('unanswered-after', after.unanswered, 'events'),
  ]
}

/** Whether every topology has applied all that its topics hold. */
async function caughtUp({ log, state }: OpenPorts, config: Config): Promise<boolean> {
  for (const { name } of allTopologies)
    for (const topic of sourceTopics(await topologyGraph(name, config)))
      for (const [partition, { start, end }] of (await log.offsets(topic)).entries()) {
        if (end <= start) continue
        const progress = await state.progress({ topology: name, partition })
        if ((progress?.positions[topic] ?? 0) < end) return false
      }
  return true
}

/** Puts events into the log as they came at that rate until now, while nobody read them. */
async function fill(
  options: BenchOptions,
  shop: PacedShop,
  probe: ListProbe,
  { events, rate }: { readonly events: number; readonly rate: number },
): Promise<void> {
  const fromMs = wallMs() - (events / rate) * 1000
  for (let at = 0; at < events; ) {
    const groups = shop.take(Math.min(chunkEvents, events - at))
    const records: OutgoingRecord[] = []
    for (const group of groups) {
      const timeMs = Math.floor(fromMs + (at++ / rate) * 1000)
      probe.expect(group.at(-1)!.key, timeMs)
      records.push(...shop.at(group, timeMs))
    }
    await shop.log.send(records)
    if (at % 100_000 === 0) options.say(`${at} events in the log`)
  }
}
