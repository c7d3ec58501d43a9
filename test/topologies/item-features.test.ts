import { describe, expect, it } from 'vitest'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { ItemSignals } from '../../schemas/item-signals.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { shopItem } from './catalogue.ts'
import { openMs, shopEvent } from './shop-events.ts'

const ports = { itemFeatures: { everyMs: 1 }, serve: { ttlS: 60 } }
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

describe('item-features', () => {
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
