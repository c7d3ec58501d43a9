import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { type JobParts, openJob } from '../../cli/open-job.ts'
import { readTopic } from '../../cli/read-topic.ts'
import type { Item } from '../../schemas/item.ts'
import { listKeys, personOfList } from '../../schemas/list-keys.ts'
import type { Recommendation } from '../../schemas/recommendation.ts'
import { decodeServed, type ServedList, type ServedReserve } from '../../schemas/served-list.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { recordedShop, Stack } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-withdrawn-'))
const topologies = ['user-features', 'item-features', 'recommendations']
const catalogue = new Map<string, Item>()
let stack: Stack
let job: JobParts | undefined

beforeAll(async () => {
  const config = loadConfig(undefined, {
    partitions: 2,
    topologies,
    embedded: { path: join(folder, 'test.db') },
    inference: { repository: join(folder, 'none') },
    log: { level: 'error' },
  })
  stack = await Stack.open(config)
  const shop = recordedShop({ events: 1_500, users: 60, items: 120, seed: 'withdrawn' })
  for (const { topic, value } of shop) if (topic === 'items' && value) catalogue.set(value.itemId, value)
  await stack.append(shop.map((record) => stack.encoded(record)))
  await start()
  await stack.untilCaughtUp(60_000, topologies)
  await job!.keeper.idle()
}, 90_000)
afterAll(async () => {
  await stop()
  await stack?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('an item withdrawn on the topic items leaves every stored list, spares take its place, and the lists are published', async () => {
  const before = await storedLists()
  const itemId = mostShown(before)
  const holders = before.filter(({ list }) => ids(list).includes(itemId))
  expect(holders.length).toBeGreaterThan(10)
  await send(itemId, null)
  await waitUntil('no stored list has the item', async () => !(await anyShows(itemId)))
  await waitUntil('all lists are as long as they were', async () => {
    await job!.keeper.idle()
    const lengths = new Map((await storedLists()).map(({ list }) => [list.userId, list.items.length]))
    return holders.every(({ list, spares }) => spares.length === 0 || lengths.get(list.userId) === list.items.length)
  })
  const after = new Map((await storedLists()).map((stored) => [stored.list.userId, stored]))
  for (const { list, spares } of before) {
    const now = after.get(list.userId)!
    if (!ids(list).includes(itemId)) {
      expect(now.list).toEqual(list)
      continue
    }
    expect(now.list.listId).toBe(list.listId)
    const kept = ids(list).filter((other) => other !== itemId)
    const came = ids(now.list).filter((other) => !kept.includes(other))
    expect(new Set(ids(now.list)).size).toBe(now.list.items.length)
    expect(kept.every((other) => ids(now.list).includes(other))).toBe(true)
    expect(came).toEqual(ids({ items: spares }).slice(0, came.length))
    expect(ids({ items: now.spares })).toEqual(ids({ items: spares }).slice(came.length))
    expect(now.list.rules[0]).toEqual({ ruleId: 'withdrawn', kind: 'excluded', itemId })
  }
  const published = await publishedLists()
  for (const { list } of holders) expect(plain(published.get(list.userId)!)).toEqual(plain(after.get(list.userId)!.list))
})

it('one that is sold out leaves, too, and a list that is made later is left alone', async () => {
  const itemId = mostShown(await storedLists())
  await send(itemId, { ...catalogue.get(itemId)!, stock: 0 })
  await waitUntil('no stored list has the item', async () => !(await anyShows(itemId)))
  await job!.keeper.idle()
  const { list } = (await storedLists()).find((one) => one.list.rules.some((effect) => effect.itemId === itemId))!
  expect(list.rules[0]).toMatchObject({ ruleId: 'stock', kind: 'excluded' })
})

it('what went while no engine ran leaves soon after one starts', async () => {
  await stop()
  const before = await storedLists()
  const itemId = mostShown(before)
  await send(itemId, null)
  expect(await anyShows(itemId)).toBe(true)
  await start()
  await waitUntil('no stored list has the item', async () => !(await anyShows(itemId)))
  await job!.keeper.idle()
  const spared = new Map(before.map(({ list, spares }) => [list.userId, spares.length]))
  const lengths = new Map(before.map(({ list }) => [list.userId, list.items.length]))
  for (const { list } of await storedLists())
    if (spared.get(list.userId)! > 0) expect(list.items).toHaveLength(lengths.get(list.userId)!)
})

async function start(): Promise<void> {
  job = await openJob(stack.config)
  await job.engine.start()
}

async function stop(): Promise<void> {
  const running = job
  job = undefined
  if (!running) return
  await running.decisions.close()
  await running.engine.stop()
  await running.keeper.close()
  await running.inference.close()
  await running.ports.close()
}

async function send(itemId: string, value: Item | null): Promise<void> {
  await stack.append([stack.encoded({ topic: 'items', key: itemId, value, timeMs: 0 })])
}

interface Stored {
  readonly list: ServedList
  readonly spares: ServedReserve['items']
}

async function storedLists(): Promise<Stored[]> {
  const { lists } = stack.ports
  const people: string[] = []
  for await (const keys of lists.scan('recs:')) people.push(...keys.flatMap((key) => personOfList(key, 'home') ?? []))
  const texts = await lists.get(people.map((userId) => listKeys.recommendations(userId, 'home')))
  const reserves = await lists.get(people.map((userId) => listKeys.reserve(userId, 'home')))
  return people.map((_, n) => ({
    list: decodeServed<ServedList>(texts[n]!)!,
    spares: decodeServed<ServedReserve>(reserves[n]!)!.items,
  }))
}

async function publishedLists(): Promise<Map<string, Recommendation>> {
  const newest = new Map<string, Recommendation>()
  for await (const { key, value } of readTopic(stack.ports, 'recommendations')) newest.set(key!, value!)
  return newest
}

/** A list without its version and the rounding of its scores. */
function plain({ listId, rules, items }: Recommendation) {
  return { listId, rules, items: ids({ items }) }
}

function ids({ items }: Pick<ServedList, 'items'>): string[] {
  return items.map(({ itemId }) => itemId)
}

function mostShown(stored: readonly Stored[]): string {
  const counts = new Map<string, number>()
  for (const { list } of stored) for (const itemId of ids(list)) counts.set(itemId, (counts.get(itemId) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]![0]
}

async function anyShows(itemId: string): Promise<boolean> {
  return (await storedLists()).some(({ list }) => ids(list).includes(itemId))
}
