import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { MillraceError } from '../../core/errors.ts'
import { eventFault } from '../../schemas/event-fault.ts'
import type { Item } from '../../schemas/item.ts'
import { topics } from '../../schemas/topics.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { createShop } from '../../simulator/create-shop.ts'
import { createOpenLoopStorefront } from '../../simulator/open-loop-storefront.ts'
import { recordShop, type ShopRecord } from '../../simulator/record-shop.ts'
import type { Shop } from '../../simulator/shop.ts'
import { startBefore } from '../../simulator/start-before.ts'
import type { Storefront } from '../../simulator/storefront.ts'

const events = 12_000
const first = [...recordShop({ seed: 'a', events })]

function hashOf(records: Iterable<ShopRecord>): string {
  const hash = createHash('sha256')
  for (const record of records) hash.update(JSON.stringify(record))
  return hash.digest('hex')
}

function valuesOf(records: readonly ShopRecord[]): UserEvent[] {
  return records.flatMap((record) => (record.topic === 'user-events' && record.value ? [record.value] : []))
}

it('the same seed gives the same records, another seed others', () => {
  expect(hashOf(recordShop({ seed: 'a', events: 3000 }))).toBe(hashOf(recordShop({ seed: 'a', events: 3000 })))
  expect(hashOf(recordShop({ seed: 'a', events: 3000 }))).not.toBe(hashOf(recordShop({ seed: 'b', events: 3000 })))
})

it('a recording is in time order and holds exactly the events asked for', () => {
  expect(valuesOf(first)).toHaveLength(events)
  expect(first.every((record, index) => index === 0 || first[index - 1]!.timeMs <= record.timeMs)).toBe(true)
})

it.each([
  [300, 1],
  [2_000, 1],
  [300, 10],
  [5_000, 100],
])('%i events at %i a second lie before the time by which the shop is to be done', (events, eventsPerSecond) => {
  const endMs = Date.UTC(2026, 2, 3, 12)
  for (const seed of ['a', 'b', 'c']) {
    const startMs = startBefore(endMs, { events, eventsPerSecond })
    const lastMs = [...recordShop({ seed, events, eventsPerSecond, startMs, daypart: false })].at(-1)!.timeMs
    expect(lastMs, seed).toBeLessThan(endMs)
  }
})

it('every event keeps the rules of F1.5 and names a known item', () => {
  const known = new Map(
    first.flatMap((record) => (record.topic === 'items' && record.value ? [[record.key, record.value] as [string, Item]] : [])),
  )
  const ids = new Set<string>()
  for (const event of valuesOf(first)) {
    expect(event.eventId.length >= 1 && event.eventId.length <= 128 && !ids.has(event.eventId), event.eventId).toBe(true)
    ids.add(event.eventId)
    expect(eventFault(event, event.timeMs)).toBeNull()
    if (event.type === 'search') expect(event.query).toBeTruthy()
    else {
      const item = known.get(event.itemId!)
      expect(item, `${event.itemId}`).toBeDefined()
      expect([event.category, event.brand]).toEqual([item!.category, item!.brand])
      expect(event.price! > 0).toBe(true)
    }
    if (event.type === 'rating') expect([1, 2, 3, 4, 5]).toContain(event.rating)
    if (event.type === 'purchase') expect(event.quantity! >= 1).toBe(true)
  }
  expect(new Set(valuesOf(first).map(({ type }) => type))).toEqual(
    new Set(['view', 'click', 'add_to_cart', 'purchase', 'rating', 'like', 'dismiss', 'search']),
  )
})

it('every record fits its schema and reads back the same', () => {
  for (const { topic, value } of first) {
    if (value === null) continue
    const schema = topics[topic].schema
    expect(schema.decode(schema.encode(value as never))).toEqual(value)
  }
})

it('clicks name a slot of an earlier decision, mostly within a minute', () => {
  const decided = new Map<string, { timeMs: number; items: readonly string[] }>()
  const gaps: number[] = []
  for (const record of first) {
    if (record.topic === 'decisions')
      decided.set(record.value!.listId, { timeMs: record.value!.timeMs, items: record.value!.slots.map(({ itemId }) => itemId) })
    if (record.topic !== 'user-events' || record.value?.type !== 'click') continue
    const decision = decided.get(record.value.listId!)!
    expect(decision.items[record.value.position!]).toBe(record.value.itemId)
    gaps.push(record.value.timeMs - decision.timeMs)
  }
  expect(gaps.length).toBeGreaterThan(500)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000)
  expect(gaps.filter((gap) => gap < 60_000).length / gaps.length).toBeGreaterThan(0.9)
})

it('slots explore as often as the policy says, with the propensities of its definition', () => {
  let decisions = 0
  let weighted = 0
  let explored = 0
  for (const record of first) {
    if (record.topic !== 'decisions') continue
    decisions++
    for (const slot of record.value!.slots) {
      if (!slot.explored) expect(slot.propensity).toBeCloseTo(0.7, 12)
      else {
        explored++
        weighted += slot.propensity
      }
    }
  }
  // 10 slots, each explores with 0.3: five standard deviations around it.
  const slots = decisions * 10
  expect(Math.abs(explored - 0.3 * slots)).toBeLessThan(5 * Math.sqrt(slots * 0.21))
  // 0.3 spread over about 1,490 items of the rest.
  expect(weighted / explored).toBeGreaterThan(0.3 / 1500)
  expect(weighted / explored).toBeLessThan(0.3 / 1400)
})

it('stock is never negative, items sell out and come back, new items appear and others leave', () => {
  const stockOf = new Map<string, number>()
  let soldOut = 0
  let restocked = 0
  let created = 0
  let withdrawn = 0
  for (const record of first) {
    if (record.topic !== 'items') continue
    if (record.value === null) withdrawn++
    else {
      const stock = record.value.stock!
      expect(stock).toBeGreaterThanOrEqual(0)
      const before = stockOf.get(record.key)
      if (before === undefined && record.value.createdMs === record.timeMs) created++
      if (stock === 0 && before !== 0) soldOut++
      if (before === 0 && stock > 0) restocked++
      stockOf.set(record.key, stock)
    }
  }
  expect(created).toBeGreaterThan(10)
  expect(withdrawn).toBeGreaterThan(1)
  expect(soldOut).toBeGreaterThan(10)
  expect(restocked).toBeGreaterThan(5)
})

it('nobody buys more of an item than was there', () => {
  const left = new Map<string, number>()
  for (const record of first) {
    if (record.topic === 'items' && record.value && !left.has(record.key)) left.set(record.key, record.value.stock!)
    if (record.topic === 'items' && record.value && record.value.stock! > (left.get(record.key) ?? 0))
      left.set(record.key, record.value.stock!)
    if (record.topic !== 'user-events' || record.value?.type !== 'purchase') continue
    const rest = left.get(record.value.itemId!)! - record.value.quantity!
    expect(rest).toBeGreaterThanOrEqual(0)
    left.set(record.value.itemId!, rest)
  }
})

it('late and repeated events come only when asked for, late ones inside the bound', () => {
  expect(new Set(valuesOf(first).map(({ eventId }) => eventId)).size).toBe(events)
  const records = [...recordShop({ seed: 'a', events: 6000, lateShare: 0.05, lateMsMax: 120_000, duplicateShare: 0.02 })]
  const ids = new Set<string>()
  let late = 0
  let repeats = 0
  for (const record of records) {
    if (record.topic !== 'user-events') continue
    const delay = record.timeMs - record.value!.timeMs
    expect(delay).toBeLessThanOrEqual(120_000 + 5000)
    if (ids.has(record.value!.eventId)) repeats++
    else if (delay > 0) late++
    ids.add(record.value!.eventId)
  }
  // Binomial means 300 and 120; late ones of the last two minutes are still under way.
  expect(late).toBeGreaterThan(100)
  expect(late).toBeLessThan(400)
  expect(repeats).toBeGreaterThan(60)
  expect(repeats).toBeLessThan(180)
})

type Ranker = (shop: Shop, userId: string, timeMs: number, count: number) => string[]

async function clickThroughOf(rank: Ranker, seed: string, observe?: (event: UserEvent) => void) {
  const shop = createShop({ seed, users: 600, items: 600, ceilingEvery: 0 })
  let lists = 0
  const storefront: Storefront = {
    show: async ({ userId, timeMs, count }) => ({ listId: `l${++lists}`, policy: 'p', items: rank(shop, userId, timeMs, count) }),
  }
  let seen = 0
  while (seen < 6000) {
    const step = await shop.next(storefront)
    seen += step.events.length
    if (observe) for (const event of step.events) observe(event)
  }
  return shop.clickThrough()['p']!
}

it('the trend list is clicked at 4-6 %, the oracle at 20 % or more, and a simple personal list lies clearly between', async () => {
  const trend = await clickThroughOf((shop, _user, _time, count) => shop.popularRank(count), 's')
  const oracle = await clickThroughOf((shop, user, time, count) => shop.oracleRank(user, time, count), 's')
  // Most opened items of the categories that the person opened last: no knowledge of hidden tastes.
  const leavesOf = new Map<string, string[]>()
  const itemsOf = new Map<string, Map<string, number>>()
  const personal = await clickThroughOf(
    (shop, user, _time, count) => {
      const inStock = new Set(shop.inStock())
      const picked = new Set<string>()
      for (const leaf of [...new Set(leavesOf.get(user) ?? [])].slice(0, 2)) {
        const best = [...(itemsOf.get(leaf) ?? [])].sort((a, b) => b[1] - a[1])
        for (const [itemId] of best.slice(0, 6)) if (inStock.has(itemId)) picked.add(itemId)
      }
      for (const itemId of shop.popularRank(count)) picked.add(itemId)
      return [...picked].slice(0, count)
    },
    's',
    (event) => {
      if (event.type !== 'view') return
      const leaf = event.category.join('/')
      leavesOf.set(event.userId, [leaf, ...(leavesOf.get(event.userId) ?? [])].slice(0, 5))
      const counts = itemsOf.get(leaf) ?? new Map<string, number>()
      counts.set(event.itemId!, (counts.get(event.itemId!) ?? 0) + 1)
      itemsOf.set(leaf, counts)
    },
  )
  expect(trend.expectedRate).toBeGreaterThan(0.035)
  expect(trend.expectedRate).toBeLessThan(0.065)
  expect(oracle.expectedRate).toBeGreaterThan(0.2)
  expect(personal.expectedRate).toBeGreaterThan(1.4 * trend.expectedRate)
  expect(personal.expectedRate).toBeLessThan(oracle.expectedRate)
  // What was counted agrees with what was to be expected: the interval covers it, with room for three such draws.
  for (const result of [trend, oracle, personal]) {
    const halfWidth = (result.upper - result.lower) / 2
    expect(Math.abs(result.rate - result.expectedRate)).toBeLessThan(2 * halfWidth)
  }
})

it('the oracle ranks by true click probability, and position one is looked at less than position zero', async () => {
  const shop = createShop({ seed: 'o', users: 50, items: 200 })
  const [best, second] = shop.oracleRank('u7', shop.nowMs, 2) as [string, string]
  const chance = (item: string, position: number) => shop.trueClickProbability('u7', item, position, shop.nowMs)
  expect(chance(best, 0)).toBeGreaterThanOrEqual(chance(second, 0))
  expect(chance(best, 1) / chance(best, 0)).toBeCloseTo(0.8, 12)
  for (const { itemId } of shop.catalogue()) expect(chance(itemId, 0)).toBeLessThanOrEqual(chance(best, 0))
  expect(shop.trueClickProbability('nobody', best, 0, shop.nowMs)).toBe(0)
})

it('as many items of lists are clicked and bought as was to be expected', () => {
  const shop = createShop({ seed: 'bought', stepMs: 1000, ceilingEvery: 0 })
  const expected = { click: 0, purchase: 0 }
  const counted = { click: 0, purchase: 0 }
  const listIds = new Set<string>()
  const listsMax = 1000
  // Carts of the last lists are paid within minutes.
  for (let endMs = Number.POSITIVE_INFINITY; shop.nowMs < endMs; ) {
    const lists = shop.beginStep().map(({ userId, timeMs, count }) => {
      const listId = `${userId} ${timeMs}`
      if (listIds.size === listsMax) return { listId, policy: 'none', items: [] }
      listIds.add(listId)
      if (listIds.size === listsMax) endMs = shop.nowMs + 240_000
      const items = shop.oracleRank(userId, timeMs, count)
      for (const [position, itemId] of items.entries()) {
        expected.click += shop.trueClickProbability(userId, itemId, position, timeMs)
        expected.purchase += shop.truePurchaseProbability(userId, itemId, position, timeMs)
      }
      return { listId, policy: 'oracle', items }
    })
    for (const { type, listId } of shop.endStep(lists).events)
      if ((type === 'click' || type === 'purchase') && listIds.has(listId ?? '')) counted[type]++
  }
  expect(expected.purchase).toBeGreaterThan(200)
  for (const type of ['click', 'purchase'] as const)
    expect(Math.abs(counted[type] - expected[type]), type).toBeLessThan(3.5 * Math.sqrt(expected[type]))
  expect(shop.truePurchaseProbability('nobody', 'i1', 0, shop.nowMs)).toBe(0)
})

it('a storefront that cannot answer for a while costs only its lists; one that is broken stops the shop', async () => {
  const away: Storefront = { show: () => Promise.reject(new MillraceError('MILL_STORE_UNAVAILABLE', 'away')) }
  const shop = createShop({ seed: 'f', users: 100, items: 100 })
  let seen = 0
  while (seen < 500) seen += (await shop.next(away)).events.length
  expect(shop.statistics().failedShows).toBeGreaterThan(20)
  expect(shop.clickThrough()).toEqual({})
  const broken: Storefront = { show: () => Promise.reject(new TypeError('bug')) }
  const other = createShop({ seed: 'f', users: 100, items: 100 })
  await expect(
    (async () => {
      for (let i = 0; i < 1000; i++) await other.next(broken)
    })(),
  ).rejects.toThrow('bug')
})

it('answers that come in another order do not change the shop', async () => {
  const run = async (reverse: boolean): Promise<string> => {
    const shop = createShop({ seed: 'r', users: 200, items: 200, eventsPerSecond: 400, stepMs: 500 })
    const inner = createOpenLoopStorefront(shop, { seed: 'r', exploreShare: 0 })
    let waiting: (() => void)[] = []
    const storefront: Storefront = {
      show: (request) =>
        new Promise((resolve) => {
          const items = inner.decide(request).slots.map((slot) => slot.itemId)
          waiting.push(() => resolve({ listId: `${request.userId}@${request.timeMs}`, policy: 'p', items }))
          if (waiting.length > 1) return
          queueMicrotask(() => {
            const ready = waiting
            waiting = []
            for (const answer of reverse ? ready.reverse() : ready) answer()
          })
        }),
    }
    const hash = createHash('sha256')
    for (let i = 0; i < 12; i++) hash.update(JSON.stringify(await shop.next(storefront)))
    return hash.digest('hex')
  }
  expect(await run(true)).toBe(await run(false))
})

it('a wrong option is refused by name', () => {
  expect(() => createShop({ seed: 1, users: 0 })).toThrow(/"users" is 0; it must lie in 1–1000000/)
  expect(() => createShop({ seed: 1, stepMs: Number.NaN })).toThrow(/"stepMs"/)
  expect(() => createShop({ seed: 1, items: 100.5 })).toThrow(/whole number/)
})
