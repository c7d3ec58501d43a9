import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PurchaseTable } from '../../operators/tables/purchase-table.ts'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { type ItemSignals, signalKinds } from '../../schemas/item-signals.ts'
import type { ItemUpdate } from '../../schemas/item-update.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import type { ServedNeighbours } from '../../schemas/served-list.ts'
import type { TrendUpdate } from '../../schemas/trend-update.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { shopItem } from './catalogue.ts'
import { failingAfter } from './failing-after.ts'
import { itemOf, scopeOf } from './item-features-definition.ts'
import { cutLog, signalLogs } from './item-signal-logs.ts'
import { openMs, shopEvent } from './shop-events.ts'

const ports = { itemFeatures: { everyMs: 1 }, purchases: new PurchaseTable(), serve: { ttlS: 60 } }
const views = eventTypes.indexOf('view')

/** The signals that user-features makes of 30 visits of two items each, cut into batches of `size`. */
async function signalsOf(size: number): Promise<ItemSignals[]> {
  const driver = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } })
  const events = Array.from({ length: 60 }, (_, at) =>
    shopEvent(`e${at}`, 'view', openMs + at * 1_000, { userId: `u${at >> 1}`, itemId: at % 2 === 0 ? 'a' : `b${at % 6}` }),
  )
  for (let at = 0; at < events.length; at += size)
    await driver.send('user-events', ...events.slice(at, at + size).map((value) => ({ value, loggedMs: value.timeMs })))
  return driver.read('item-signals')
}

const record = (value: ItemSignals) => ({ key: '0', value })

/** One run: random batches, the catalogue in between; a crash loses a commit after its outputs were sent, and the log is read again. */
async function play(records: readonly ItemSignals[], roll: (below: number) => number, crashes: number) {
  const state = new MemoryStateStore()
  const items = new Map<string, ItemUpdate>()
  const scopes = new Map<string, TrendUpdate>()
  for (let crash = 0; ; crash++) {
    const isLast = crash >= crashes
    const driver = new TopologyDriver(
      itemFeatures,
      { ...ports, itemFeatures: { everyMs: 0 } },
      { state: isLast ? state : failingAfter(state, roll(6)) },
    )
    try {
      const catalogue = [shopItem('i0'), { key: 'i1', value: null }, shopItem('i2', { price: 7 })]
      for (let at = 0; at < records.length; ) {
        if (catalogue.length > 0 && roll(3) === 0) await driver.send('items', catalogue.shift()!)
        const count = 1 + roll(5)
        await driver.send('item-signals', ...records.slice(at, at + count).map(record))
        at += count
      }
      for (const item of catalogue) await driver.send('items', item)
    } catch (error) {
      expect(String(error)).toContain('crash by plan')
    }
    for (const update of driver.read('item-updates')) items.set(update.itemId, update)
    for (const update of driver.read('trend-updates')) scopes.set(update.scope, update)
    if (!isLast) continue
    const entries = [...(await driver.stateOf())].map(([key, bytes]) => `${key} ${Buffer.from(bytes).toString('hex')}`)
    return { items, scopes, state: entries }
  }
}

function expectItem(update: ItemUpdate, expected: ReturnType<typeof itemOf>): void {
  expect(update.counts).toEqual(expected.counts)
  expect(update.eventTimeMs).toBe(expected.eventTimeMs)
  for (const field of ['popularity', 'trend', 'purchaseRate', 'bought', 'followed'] as const)
    expect(update[field]).toBeCloseTo(expected[field], 9)
  for (const field of ['similar', 'together'] as const) {
    const weights = update[field].map(({ weight }) => weight)
    expect(weights).toEqual([...weights].sort((a, b) => b - a))
    expect(Object.fromEntries(update[field].map(({ itemId, weight }) => [itemId, weight]))).toEqual(
      Object.fromEntries([...expected[field]].map(([itemId, weight]) => [itemId, expect.closeTo(weight, 4)])),
    )
  }
}

describe('item-features', () => {
  it('equals its definition whatever the cuts, the resends, the interleaving with the catalogue and the crashes', async () => {
    let neighbours = 0
    let seasons = 0
    let bought = 0
    await fc.assert(
      fc.asyncProperty(signalLogs, fc.infiniteStream(fc.nat({ max: 99 })), async (log, dice) => {
        const roll = (below: number) => dice.next().value! % below
        const records = cutLog(log, roll)
        let first: Awaited<ReturnType<typeof play>> | undefined
        for (const crashes of [0, 0, 2]) {
          const run = await play(records, roll, crashes)
          first ??= run
          expect(run.state).toEqual(first.state)
          const isScope = ({ kind }: (typeof log)[number]) => kind === signalKinds.scope || kind === signalKinds.spend
          for (const itemId of new Set(log.filter((row) => !isScope(row)).map((row) => row.key))) {
            const expected = itemOf(log.filter((row) => row.key === itemId))
            neighbours += expected.similar.size + expected.together.size
            expectItem(run.items.get(itemId)!, expected)
          }
          for (const scope of new Set(log.filter(isScope).map((row) => row.key))) {
            const { items, eventTimeMs, people, hours, spenders } = run.scopes.get(scope)!
            const expected = scopeOf(log.filter((row) => row.key === scope))
            expect(eventTimeMs).toBe(expected.eventTimeMs)
            expect(hours.map((hour) => expect.closeTo(hour, 5))).toEqual(expected.hours)
            expect(expected.spenders.map((people, step) => Math.abs(people - (spenders[step] ?? 0)) < 1e-5)).not.toContain(false)
            bought += spenders.length
            seasons += hours.length > 0 ? 1 : 0
            expect(Math.abs(people - expected.people)).toBeLessThanOrEqual(1)
            expect(items.map(({ itemId }) => itemId).sort()).toEqual([...expected.items.keys()].sort())
            expect(items.every(({ popularity }, at) => at === 0 || popularity <= items[at - 1]!.popularity)).toBe(true)
            for (const item of items) {
              expect(item.popularity).toBeCloseTo(expected.items.get(item.itemId)!.popularity, 9)
              expect(item.trend).toBeCloseTo(expected.items.get(item.itemId)!.trend, 5)
            }
          }
        }
      }),
      { numRuns: 60 },
    )
    // The property must not hold for want of cases.
    expect(Math.min(neighbours, seasons, bought)).toBeGreaterThan(100)
  }, 60_000)

  it('sends a hot item when its own event time has moved on, and what the catalogue says at once', async () => {
    const driver = new TopologyDriver(itemFeatures, { ...ports, itemFeatures: { everyMs: 20_000 } })
    const sent: unknown[] = []
    for (const pack of await signalsOf(1)) {
      await driver.send('item-signals', record(pack))
      if (pack.timesMs[0] === openMs + 30_000) await driver.send('items', shopItem('a', { stock: 0 }))
      for (const { itemId, eventTimeMs, item, counts } of driver.read('item-updates'))
        if (itemId === 'a') sent.push([eventTimeMs - openMs, counts[views], item?.stock])
    }
    // Item a is viewed every 2 s, for the first time at 0.
    expect(sent).toEqual([
      [0, 1, undefined],
      [20_000, 11, undefined],
      [30_000, 16, 0],
      [40_000, 21, 0],
    ])
    expect(driver.read('trend-updates').filter(({ scope }) => scope === 'scope:all')).toHaveLength(3)
  })

  it('counts each view once, tells who goes with whom, and keeps catalogue data beside', async () => {
    const driver = new TopologyDriver(itemFeatures, ports)
    await driver.send('items', shopItem('a'), shopItem('b1'))
    expect(driver.read('item-updates').map((update) => [update.itemId, update.item?.title])).toEqual([
      ['a', 'thing a'],
      ['b1', 'thing b1'],
    ])
    await driver.send('item-signals', ...(await signalsOf(60)).map(record))
    const updates = new Map(driver.read('item-updates').map((update) => [update.itemId, update]))
    expect([...updates].map(([itemId, update]) => [itemId, update.counts[views]]).sort()).toEqual([
      ['a', 30],
      ['b1', 10],
      ['b3', 10],
      ['b5', 10],
    ])
    expect(
      updates
        .get('a')!
        .similar.map(({ itemId }) => itemId)
        .sort(),
    ).toEqual(['b1', 'b3', 'b5'])
    expect(updates.get('b1')!.similar.map(({ itemId }) => itemId)).toEqual(['a'])
    const [all] = driver.read('trend-updates').filter((update) => update.scope === 'scope:all' || update.scope === 'all')
    expect(all).toBeDefined()
    expect([...driver.lists.keys()]).toEqual(expect.arrayContaining([expect.stringContaining('a')]))
  })

  it('lists what completes an item: bought after it more often than by chance, of another leaf category, in that direction', async () => {
    const purchases = new PurchaseTable()
    const items = new TopologyDriver(itemFeatures, { ...ports, purchases })
    const users = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } })
    for (const [itemId, leaf] of Object.entries({ phone: 'phones', phone2: 'phones', case: 'cases', milk: 'food' }))
      await items.send('items', shopItem(itemId, { category: ['all', leaf] }))
    const baskets: Record<string, readonly string[]> = {}
    for (let at = 0; at < 6; at++) {
      baskets[`a${at}`] = ['phone', 'case']
      baskets[`b${at}`] = ['phone', 'phone2']
      baskets[`c${at}`] = ['phone', 'milk']
    }
    for (let at = 0; at < 60; at++) baskets[`d${at}`] = ['milk']
    // The second thing two hours after the first: no two lie in one basket.
    for (const at of [0, 1])
      for (const [userId, { [at]: itemId }] of Object.entries(baskets)) {
        if (itemId === undefined) continue
        const timeMs = openMs + at * 7_200_000
        const value = shopEvent(`${userId}${itemId}`, 'purchase', timeMs, { userId, itemId, category: ['all'] })
        await users.send('user-events', { value, loggedMs: timeMs })
      }
    await items.send('item-signals', ...users.read('item-signals').map(record))
    await items.send('item-updates', ...items.read('item-updates'))
    await items.send(
      'items',
      shopItem('phone', { category: ['all', 'phones'] }),
      shopItem('case', { category: ['all', 'cases'] }),
    )
    const list = items.lists.get(listKeys.together('phone')) as ServedNeighbours
    // 18 things followed a phone, 6 of them a case; of the 96 purchases 6 were of a case and 66 of milk, of all but the same moment.
    expect(list.items.map(({ itemId }) => itemId)).toEqual(['case'])
    expect(list.items[0]!.weight).toBeCloseTo((6 + 5) / ((18 * 6) / 96 + 5), 1)
    expect(items.lists.has(listKeys.together('case'))).toBe(false)
  })

  it('counts signals sent again once, also when they come cut otherwise, and keeps the same state', async () => {
    const states: unknown[] = []
    for (const resent of [[], await signalsOf(7), await signalsOf(1)]) {
      const state = new MemoryStateStore()
      const driver = new TopologyDriver(itemFeatures, ports, { state })
      const sent = await signalsOf(13)
      await driver.send('item-signals', ...sent.slice(0, 2).map(record))
      // Another owner of user-features sends all from the beginning, in its own cuts, before it goes on.
      for (const pack of resent) await driver.send('item-signals', record(pack))
      for (const pack of sent.slice(2)) await driver.send('item-signals', record(pack))
      await driver.restart()
      await driver.replay('item-signals', 0, 0)
      const entries = [...(await driver.stateOf())].map(([key, bytes]) => `${key} ${Buffer.from(bytes).toString('hex')}`)
      states.push(entries)
      expect(entries.length).toBeGreaterThan(4)
    }
    expect(states[1]).toEqual(states[0])
    expect(states[2]).toEqual(states[0])
  })

  it('withdraws an item by a null record', async () => {
    const driver = new TopologyDriver(itemFeatures, ports)
    await driver.send('items', shopItem('a'))
    await driver.send('items', { key: 'a', value: null })
    expect(driver.read('item-updates').map((update) => [update.item === null, update.withdrawn])).toEqual([
      [false, false],
      [true, true],
    ])
  })
})
