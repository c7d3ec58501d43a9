import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openRedis, type RedisConnection } from '../connectors/redis/connection.ts'
import { RedisListStore } from '../connectors/redis/list-store.ts'
import { RedisStateStore } from '../connectors/redis/state-store.ts'
import { systemClock } from '../core/clock.ts'
import { userFamily } from '../operators/fold-user-events.ts'
import { silentLogger } from '../ports/logger.ts'
import { silentMetrics } from '../ports/metrics.ts'
import { StepMetrics } from '../runtime/running-graph.ts'
import { Task } from '../runtime/task.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { WireFormat } from '../schemas/wire-format.ts'
import { recordShop } from '../simulator/record-shop.ts'
import { userFeatures } from '../topologies/user-features.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'
import { storedList } from './stored-list.ts'

export const description = 'Redis memory of features and lists per million people, and whether the heap of the engine stays flat'

const gibibyte = 2 ** 30
const usersPerBatch = 40
/** Events of one person, each with another item; 50 of them are remembered. */
const eventsPerUser = 55
const itemsRemembered = 50
/** Time between two visits: whole days and some hours, so that people come at all times of day. */
const visitEveryMs = 53 * 3_600_000
const latenessMs = 600_000
const task = { topology: 'user-features', partition: 0 }
/** Few, so that the cache is full long before the end and the heap can be judged. */
const cacheKeysMax = 500

/**
 * `--folded` people (5,000) with 55 events each, in `--visits` (5) some days apart, go through the real `user-features` task into
 * Redis; then the same states are stored again under other names, in the same commits, up to `--users` (100,000). `--lists` (10,000)
 * of 50 items with spares and model inputs.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const users = options.number('users', 100_000)
  const folded = Math.min(users, options.number('folded', 5_000))
  const lists = options.number('lists', 10_000)
  const { redis: address } = await options.services('redis')
  const redis = await openRedis(address)
  options.onEnd(() => redis.close())
  const state = new RedisStateStore(redis)
  const emptyBytes = await usedBytes(redis)

  const heap = await fold(state, { users: folded, visits: options.number('visits', 5) }, options)
  const foldedBytes = (await usedBytes(redis)) - emptyBytes
  const valueBytes = await valueBytesOf(state, folded)
  options.say(`${folded} people folded: ${Math.round(foldedBytes / folded)} bytes each, ${Math.round(valueBytes)} of them values`)
  await copy(state, folded, users)
  const featureBytes = (await usedBytes(redis)) - emptyBytes
  const store = new RedisListStore(redis)
  const beforeLists = await usedBytes(redis)
  for (let from = 0; from < lists; from += 200)
    await store.swap(Array.from({ length: Math.min(200, lists - from) }, (_, n) => storedList(from + n, 1)))
  const listBytes = (await usedBytes(redis)) - beforeLists
  const perMillion = (bytes: number, count: number) => ((bytes / count) * 1_000_000) / gibibyte
  return [
    figureOf({
      name: 'features-per-million-users',
      kind: 'memory',
      value: perMillion(featureBytes, users),
      unit: 'GiB',
      goal: 'value <= 0.6',
    }),
    figureOf({ name: 'lists-per-million-users', kind: 'memory', value: perMillion(listBytes, lists), unit: 'GiB' }),
    figureOf({
      name: 'engine-heap',
      kind: 'memory',
      value: heap.end / 2 ** 20,
      unit: 'MiB',
      ceiling: heap.third / 2 ** 20,
      goal: 'ratio <= 1.1',
    }),
  ]
}

/** Runs the real task; answers the heap after a third of the people and after all, both after a collection. */
async function fold(
  state: RedisStateStore,
  { users, visits }: { readonly users: number; readonly visits: number },
  options: BenchOptions,
): Promise<{ third: number; end: number }> {
  const schemas: string[] = []
  const wire = await WireFormat.open({
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  })
  const templates = [...recordShop({ seed: 'memory', events: 2_000 })].flatMap((record) =>
    record.topic === 'user-events' && record.value?.itemId ? [record.value] : [],
  )
  let failure: unknown
  const events = {
    pause() {},
    resume() {},
    seek() {},
    done() {},
    waiting() {},
    failed: (error: unknown) => {
      failure = error
    },
  }
  const ports = {
    log: { send: () => Promise.resolve() },
    state,
    lists: { swap: () => Promise.resolve([]) } as never,
    wire,
    clock: systemClock,
    logger: silentLogger,
    metrics: new StepMetrics(silentMetrics, systemClock),
    endOf: () => Promise.resolve(0),
    partitionsOf: () => 1,
  }
  const limits = { ...defaultTaskLimits, cacheKeysMax }
  const running = new Task(task, userFeatures.graph({ features: { latenessMs } }), 1, ports, events, limits)
  await running.open()
  let offset = 0
  let thirdBytes = 0
  const eventsPerVisit = Math.ceil(eventsPerUser / visits)
  // All people come before anybody comes again: nothing is late.
  for (let visit = 0; visit < visits; visit++)
    for (let from = 0; from < users; from += usersPerBatch) {
      const people = Array.from({ length: Math.min(usersPerBatch, users - from) }, (_, n) => from + n)
      const numbers = Array.from({ length: eventsPerVisit }, (_, n) => visit * eventsPerVisit + n).filter(
        (at) => at < eventsPerUser,
      )
      const records = people
        .flatMap((user) => numbers.map((at) => eventOf(templates, { user, at, eventsPerVisit })))
        .map((event) => ({
          offset: offset++,
          timestampMs: event.timeMs,
          key: event.userId,
          value: wire.encode('user-events', event),
        }))
      running.push({ topic: 'user-events', partition: 0, records, nextOffset: offset, endOffset: offset })
      await running.idle()
      if (failure !== undefined) throw failure
      if (thirdBytes === 0 && visit * users + from >= (visits * users) / 3) thirdBytes = heapBytes()
    }
  running.close()
  const end = heapBytes()
  options.say(`heap ${Math.round(thirdBytes / 2 ** 20)} MiB after a third, ${Math.round(end / 2 ** 20)} MiB at the end`)
  return { third: thirdBytes, end }
}

/** An event of one person, each with another item; the events of a visit last less than what may come late. */
function eventOf(
  templates: readonly UserEvent[],
  { user, at, eventsPerVisit }: { readonly user: number; readonly at: number; readonly eventsPerVisit: number },
): UserEvent {
  const template = templates[(user * 7 + at) % templates.length]!
  const visit = Math.floor(at / eventsPerVisit)
  const everyMs = Math.min(20_000, Math.floor((latenessMs * 0.9) / eventsPerVisit))
  const jitterMs = (user * 7_919 + at * 104_729) % Math.floor(everyMs / 2)
  return {
    ...template,
    eventId: `e-${user}-${at}`,
    userId: nameOf(user),
    sessionId: `s-${user}-${visit}`,
    itemId: `item-${(user * 13 + at * 97) % 5_000}`,
    timeMs: templates[0]!.timeMs + visit * visitEveryMs + (at % eventsPerVisit) * everyMs + jitterMs,
  }
}

/** Mean size of a value; checks that everybody's last 50 items are there: what was dropped on the way would weigh nothing. */
async function valueBytesOf(state: RedisStateStore, users: number): Promise<number> {
  let bytes = 0
  let people = 0
  for await (const slice of state.scan(task))
    for (const [key, value] of slice) {
      if (!key.startsWith('user:')) continue
      const { length } = userFamily.codec.decode(value).recent
      if (length !== itemsRemembered) throw new Error(`${key} has ${length} recent items, not ${itemsRemembered}`)
      bytes += value.length
      people++
    }
  if (people !== users) throw new Error(`${people} people have state, not ${users}`)
  return bytes / people
}

/** Stores the folded people's states again under the names of people `from` to `to`, by commits of the same kind. */
async function copy(state: RedisStateStore, from: number, to: number): Promise<void> {
  const states: Uint8Array[] = []
  for await (const slice of state.scan(task)) for (const [key, value] of slice) if (key.startsWith('user:')) states.push(value)
  if (states.length !== from)
    throw new Error(`${states.length} people have state, not ${from}: the key of a person is another now`)
  const { epoch, positions } = await state.openTask(task)
  let last = positions
  for (let at = from; at < to; at += 2_000) {
    const writes = new Map<string, Uint8Array>()
    for (let user = at; user < Math.min(at + 2_000, to); user++) writes.set(`user:${nameOf(user)}`, states[user % states.length]!)
    const next = { ...last, 'user-events': (last['user-events'] ?? 0) + 1 }
    await state.commit(task, { epoch, from: last, to: next, writes, ttlS: defaultTaskLimits.stateTtlS })
    last = next
  }
}

/** Names of one length, so that copies weigh what the folded ones do. */
function nameOf(user: number): string {
  return `user-${String(user).padStart(8, '0')}`
}

async function usedBytes(redis: RedisConnection): Promise<number> {
  const text = await redis.masters()[0]!.info('memory')
  const [, used] = /used_memory:(\d+)/.exec(text) ?? []
  return Number(used)
}

/** The heap after a collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
