import { openRedis, type RedisConnection } from '../connectors/redis/connection.ts'
import { RedisListStore } from '../connectors/redis/list-store.ts'
import { systemClock } from '../core/clock.ts'
import { ListKeeper } from '../operators/keeper/list-keeper.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import { RuleTable } from '../operators/tables/rule-table.ts'
import type { ListEntry } from '../ports/list-store.ts'
import { silentLogger } from '../ports/logger.ts'
import { type Metrics, silentMetrics } from '../ports/metrics.ts'
import type { Item } from '../schemas/item.ts'
import { type SchemaSource, WireFormat } from '../schemas/wire-format.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { storedItem, storedItems, storedList } from './stored-list.ts'

export const description =
  'time until no stored list shows an item that 1, 10 and 100 % of them hold, against reading and writing those lists alone'

const partitions = 4
const listItems = 50
const shares = [1, 10, 100]
/** Lists per round trip of the ceiling, as many as the keeper amends at once. */
const listsAtOnce = 500
/** A script that holds the server up for longer than this is counted. */
const slowMicros = 10_000
/** How long filling up may take. */
const fillMsMax = 600_000

/** What the keeper counts, with the time of the last count. */
interface Seen {
  lags: number[]
  removed: number
  filled: number
  filledAtMs: number
  /** Called when so many lists have lost the item. */
  allRemoved: { readonly count: number; readonly told: () => void }
}

/**
 * `--lists` (100,000) of 50 items with 20 spares in Redis, known to the keeper from reading them as at a start. Three items, each in its
 * share of the lists, are withdrawn one after the other. The ceiling: GET, then SET of the same lists by this process, the least that
 * could rewrite them from outside.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const lists = options.number('lists', 100_000)
  const { redis: address } = await options.services('redis')
  const redis = await openRedis(address)
  options.onEnd(() => redis.close())
  const store = new RedisListStore(redis)
  for (let from = 0; from < lists; from += 200)
    await store.swap(Array.from({ length: Math.min(200, lists - from) }, (_, n) => listOf(from + n)))
  options.say(`${lists} lists stored`)

  const catalogue = new CatalogueTable()
  catalogue.apply(items().map((item, offset) => ({ key: item.itemId, value: updateOf(item), offset, loggedMs: 0 })))
  const seen: Seen = { lags: [], removed: 0, filled: 0, filledAtMs: 0, allRemoved: { count: 0, told() {} } }
  const keeper = new ListKeeper(
    {
      lists: store,
      catalogue,
      rules: new RuleTable(),
      wire: await WireFormat.open(countingRegistry()),
      clock: systemClock,
      logger: silentLogger,
      metrics: watching(seen),
    },
    {
      surface: 'home',
      limits: { first: 10, brandMax: 3, marginMin: 0, diversityMin: 0.3, categoryShareMax: 0.6, outsideShareMin: 0.1 },
      leafCategoryMax: 5,
      itemsMax: 70,
      shownMax: listItems,
      listsMax: 2 * lists,
      partitions,
    },
  )
  options.onEnd(() => keeper.close())
  const startMs = performance.now()
  for (let partition = 0; partition < partitions; partition++)
    keeper.partition(partition, { sendBetween: async (make) => (await make()).length > 0 })
  await keeper.idle()
  const readMs = performance.now() - startMs
  options.say(`known after ${Math.round(readMs)} ms`)

  await redis.client.config('SET', 'slowlog-log-slower-than', String(slowMicros))
  const figures: Figure[] = []
  for (const share of shares) {
    const holders = Array.from({ length: lists }, (_, user) => user).filter((user) => user % (100 / share) === 0)
    const bareMs = await rewriteAlone(redis, holders)
    Object.assign(seen, { lags: [], removed: 0, filled: 0 })
    const cpuBefore = { own: process.cpuUsage(), redis: await redisCpuMs(redis) }
    const spent = new Promise<{ readonly own: number; readonly redis: number }>((resolve) => {
      const told = async () => {
        const { user, system } = process.cpuUsage(cpuBefore.own)
        resolve({ own: (user + system) / 1000, redis: (await redisCpuMs(redis)) - cpuBefore.redis })
      }
      seen.allRemoved = { count: holders.length, told }
    })
    await redis.client.call('SLOWLOG', 'RESET')
    const withdrawnMs = performance.now()
    catalogue.apply([{ key: `held-by-${share}`, value: null, offset: 0, loggedMs: 0 }])
    while (seen.filled < holders.length && performance.now() - withdrawnMs < fillMsMax)
      await new Promise((resolve) => setTimeout(resolve, 1))
    const slow = Number(await redis.client.call('SLOWLOG', 'LEN'))
    const wrong = await wrongLists(store, holders, `held-by-${share}`)
    if (wrong.showing > 0) throw new Error(`${wrong.showing} lists still show the item`)
    if (wrong.short > 0) throw new Error(`${wrong.short} lists are shorter than before; ${seen.filled} were filled`)
    const { own, redis: ofRedis } = await spent
    const name = (what: string) => `${what}-${share}-percent`
    figures.push(
      figureOf({
        name: name('gone'),
        kind: 'latency',
        value: Math.max(...seen.lags),
        unit: 'ms',
        ceiling: bareMs,
        goal: 'value <= 1000',
      }),
      figureOf({ name: name('gone-p99'), kind: 'latency', value: quantile(seen.lags, 0.99), unit: 'ms' }),
      figureOf({ name: name('filled'), kind: 'latency', value: seen.filledAtMs - withdrawnMs, unit: 'ms', ceiling: bareMs }),
      figureOf({ name: name('own-cpu-per-list'), kind: 'note', value: (1000 * own) / holders.length, unit: 'us' }),
      figureOf({ name: name('redis-cpu-per-list'), kind: 'note', value: (1000 * ofRedis) / holders.length, unit: 'us' }),
      figureOf({ name: name('calls-over-10-ms'), kind: 'note', value: slow, unit: 'calls' }),
    )
    const [gone, filled] = [Math.max(...seen.lags), seen.filledAtMs - withdrawnMs].map(Math.round)
    options.say(`${share} %: ${holders.length} lists without it after ${gone} ms, filled after ${filled} ms`)
    await keeper.idle()
  }
  figures.push(figureOf({ name: 'known-after-start', kind: 'note', value: readMs, unit: 'ms' }))
  return figures
}

/** A list in which three items of the catalogue are replaced by those that are withdrawn. */
function listOf(user: number): ListEntry {
  const entry = storedList(user, 1)
  let value = entry.value
  for (const [n, share] of shares.entries()) {
    if (user % (100 / share) !== 0) continue
    const index = ((user * 13) % (listItems - shares.length)) + n
    value = value.replace(`{"itemId":"item-${(user * 31 + index * 7) % storedItems}"`, `{"itemId":"held-by-${share}"`)
  }
  return { ...entry, value }
}

function items(): Item[] {
  const held = shares.map((share, n) => ({ ...storedItem(n), itemId: `held-by-${share}` }))
  return [...Array.from({ length: storedItems }, (_, index) => storedItem(index)), ...held]
}

function updateOf(item: Item) {
  const signals = {
    popularity: 1,
    trend: 0,
    counts: [],
    purchaseRate: 0.02,
    rating: 3.5,
    hourly: 0,
    people: 0,
    similar: [],
    together: [],
    bought: 0,
    followed: 0,
    eventTimeMs: 0,
  }
  return { itemId: item.itemId, item, withdrawn: false, ...signals }
}

/** GET, then SET of lists as they are, two round trips under way at a time; the time it takes, ms. */
async function rewriteAlone({ client }: RedisConnection, users: readonly number[]): Promise<number> {
  const startMs = performance.now()
  let before: Promise<unknown> = Promise.resolve()
  for (let at = 0; at < users.length; at += listsAtOnce) {
    const keys = users.slice(at, at + listsAtOnce).map((user) => `recs:{user-${user}}:home`)
    const next = client.mgetBuffer(...keys).then((texts) => {
      const pipeline = client.pipeline()
      for (const [n, text] of texts.entries()) pipeline.set(keys[n]!, text!, 'KEEPTTL')
      return pipeline.exec()
    })
    await before
    before = next
  }
  await before
  return performance.now() - startMs
}

/** Lists that still show an item, and those that do not have their length. */
async function wrongLists(store: RedisListStore, users: readonly number[], itemId: string) {
  const wrong = { showing: 0, short: 0 }
  for (let at = 0; at < users.length; at += listsAtOnce) {
    const texts = await store.get(users.slice(at, at + listsAtOnce).map((user) => `recs:{user-${user}}:home`))
    for (const text of texts) {
      const { items } = JSON.parse(text!) as { items: { itemId: string }[] }
      if (items.length !== listItems) wrong.short++
      if (items.some((item) => item.itemId === itemId)) wrong.showing++
    }
  }
  return wrong
}

async function redisCpuMs({ client }: RedisConnection): Promise<number> {
  const text = await client.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)![1])
  return 1000 * (seconds('used_cpu_user') + seconds('used_cpu_sys'))
}

function watching(seen: Seen): Metrics {
  return {
    ...silentMetrics,
    histogram: () => ({ record: (value) => void seen.lags.push(value) }),
    counter: () => ({
      add: (value, labels) => {
        if (labels?.['what'] === 'removed') {
          seen.removed += value
          if (seen.removed === seen.allRemoved.count) seen.allRemoved.told()
        } else if (labels) {
          seen.filled += value
          seen.filledAtMs = performance.now()
        }
      },
    }),
  }
}

function countingRegistry(): SchemaSource {
  const schemas: string[] = []
  return {
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  }
}
