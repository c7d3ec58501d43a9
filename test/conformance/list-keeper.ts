import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { type KeeperPorts, ListKeeper } from '../../operators/keeper/list-keeper.ts'
import { CatalogueTable } from '../../operators/tables/catalogue-table.ts'
import { RuleTable } from '../../operators/tables/rule-table.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import type { ListEntry, ListStore, ListVersion } from '../../ports/list-store.ts'
import type { ListWrite } from '../../ports/list-write.ts'
import { silentLogger } from '../../ports/logger.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import { listEntries } from '../../runtime/batch-outputs.ts'
import type { Item } from '../../schemas/item.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { decodeServed, type ServedList, type ServedReserve } from '../../schemas/served-list.ts'
import { WireFormat } from '../../schemas/wire-format.ts'
import { quota, ruleOf } from '../algorithms/rules/rule-examples.ts'
import { shopItem } from '../topologies/catalogue.ts'
import { waitUntil } from './wait-until.ts'

const names = 'abcdefghijklmnopqrstuvwxyz'.split('')
const version: ListVersion = { epoch: 2, position: 40 }
let run = 0

/** The keeper of stored lists on a store: what it promises while lists, items and owners come and go. */
export function listKeeperConformance(name: string, open: () => Promise<ListStore>): void {
  describe(`ListKeeper on ${name}`, () => {
    let store: ListStore
    let catalogue: CatalogueTable
    let rules: RuleTable
    let wire: WireFormat
    let keepers: ListKeeper[]
    let told: OutgoingRecord[]
    let surface: string

    beforeEach(async () => {
      store = await open()
      catalogue = new CatalogueTable()
      rules = new RuleTable()
      wire = await WireFormat.open(countingRegistry())
      keepers = []
      told = []
      surface = `keeper-${process.pid}-${performance.timeOrigin.toFixed(0)}-${run++}` // Others have lists in this store, too.
      catalogue.apply(names.map((itemId, offset) => ({ key: itemId, value: updateOf(shopItem(itemId)), offset, loggedMs: 0 })))
    })
    afterEach(async () => {
      for (const keeper of keepers) await keeper.close()
    })

    const keeperOf = (
      partition = true,
      lists: KeeperPorts['lists'] = store,
      listsMax = 10_000,
      categoryShareMax = 1,
    ): ListKeeper => {
      const ports = { lists, catalogue, rules, wire, clock: systemClock, logger: silentLogger, metrics: silentMetrics }
      const keeper = new ListKeeper(ports, {
        surface,
        limits: { first: 3, brandMax: 2, marginMin: 0, diversityMin: 0, categoryShareMax, outsideShareMin: 0 },
        leafCategoryMax: 9,
        itemsMax: 20,
        shownMax: 4,
        listsMax,
        partitions: 1,
      })
      keepers.push(keeper)
      if (partition) keeper.partition(0, writer)
      return keeper
    }
    const writer = {
      sendBetween: async (make: () => Promise<readonly OutgoingRecord[]>) => {
        told.push(...(await make()))
        return true
      },
    }
    const withdraw = (...itemIds: string[]) =>
      catalogue.apply(itemIds.map((key, offset) => ({ key, value: null, offset, loggedMs: 0 })))
    const stored = async (number: number) => {
      const [list, reserve] = await store.get([
        listKeys.recommendations(people(number), surface),
        listKeys.reserve(people(number), surface),
      ])
      const { items, rules: effects } = decodeServed<ServedList>(list!)!
      const idsOf = (all: readonly { itemId: string }[]) => all.map(({ itemId }) => itemId).join('')
      return { list: idsOf(items), reserve: idsOf(decodeServed<ServedReserve>(reserve!)!.items), effects }
    }
    const swap = async (keeper: ListKeeper | null, writes: readonly ListWrite[], at = version): Promise<void> => {
      const entries: ListEntry[] = listEntries(writes, at)
      const swapped = await store.swap(entries)
      keeper?.swapped(0, { lists: writes, texts: entries.map(({ value }) => value), swapped, version: at })
    }

    it('takes an item out of the lists of a batch and of those that were stored before, and fills them up in order', async () => {
      await swap(null, [writeOf(surface, people(0), 'abcd', 'efg')])
      const keeper = keeperOf()
      await keeper.idle()
      await swap(keeper, [writeOf(surface, people(1), 'dbca', 'hij'), writeOf(surface, people(2), 'xyz', 'bde')])
      withdraw('b')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acde', reserve: 'fg' })
      expect(await stored(1)).toMatchObject({ list: 'dcah', reserve: 'ij' })
      expect(await stored(2)).toMatchObject({ list: 'xyz', reserve: 'bde', effects: [] })
      expect((await stored(0)).effects).toEqual([{ ruleId: 'withdrawn', kind: 'excluded', itemId: 'b' }])
      const published = told.map(({ value }) => wire.decode('recommendations', value!))
      expect(published.map(({ userId }) => userId).sort()).toEqual([people(0), people(1)])
      for (const { items, rules: effects } of published) {
        expect(items.map(({ itemId }) => itemId)).not.toContain('b')
        expect(effects).toHaveLength(1)
      }
    })

    it('takes several out at once and one after the other, and no spare that is gone itself', async () => {
      const keeper = keeperOf()
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'efgh')])
      withdraw('a', 'e')
      withdraw('c')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'bdfg', reserve: 'eh' })
      withdraw('f', 'b', 'd')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'gh', reserve: 'e' })
      withdraw('g', 'h')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: '', reserve: 'e' })
    })

    it('finds the item in a list that was under way while it went', async () => {
      const keeper = keeperOf()
      withdraw('b')
      await keeper.idle()
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'ef')])
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acde', reserve: 'f' })
    })

    it('leaves a newer list alone of which it has not been told, and reads it', async () => {
      const keeper = keeperOf()
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'ef')])
      await swap(null, [writeOf(surface, people(0), 'mbno', 'pq')], { epoch: 2, position: 41 })
      withdraw('b')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'mnop', reserve: 'q' })
      await swap(keeper, [writeOf(surface, people(0), 'mbno', 'pq')], { epoch: 2, position: 41 }) // The same batch again, after a crash.
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'mnop', reserve: 'q' })
    })

    it('holds caps where others move up, and the rules in force', async () => {
      const brands: Record<string, string> = { a: 'one', b: 'two', c: 'one', d: 'one', e: 'three' }
      catalogue.apply(
        Object.entries(brands).map(([key, brand], offset) => ({
          key,
          value: updateOf(shopItem(key, { brand })),
          offset,
          loggedMs: 0,
        })),
      )
      const keeper = keeperOf()
      await swap(keeper, [writeOf(surface, people(0), 'abcdx', 'ey')])
      withdraw('b') // a, c, d of one brand would be first.
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acxde', reserve: 'y' })
      rules.apply([{ key: 'few', value: { ...quota('few', 'three', 4, null, 0), note: '' }, offset: 0, loggedMs: 0 }])
      withdraw('x')
      await keeper.idle()
      const after = await stored(0)
      expect(after.list.indexOf('e')).toBe(4)
      expect([...after.list].sort().join('')).toBe('acdey')
    })

    it('keeps what the first places promise where others move up, and tells where it cannot', async () => {
      const item = (itemId: string, category: string, offset: number) => ({
        key: itemId,
        value: updateOf(shopItem(itemId, { category: [category] })),
        offset,
        loggedMs: 0,
      })
      catalogue.apply(['a', 'c', 'd'].map((itemId, offset) => item(itemId, 'chairs', offset)))
      catalogue.apply(['b', 'e'].map((itemId, offset) => item(itemId, 'lamps', offset)))
      const keeper = keeperOf(true, store, 10_000, 0.67)
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'e'), writeOf(surface, people(1), 'abcd', '')])
      withdraw('b') // a, c, d are three of one category, two of three places at most.
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'aced', reserve: '' })
      expect(await stored(1)).toMatchObject({ list: 'acd' })
      expect((await stored(1)).effects).toContainEqual({ ruleId: 'list:category', kind: 'broken', itemId: null })
    })

    it('holds lists against rules about prices again where a price changes, and leaves alone what they do not touch', async () => {
      const reprice = (itemId: string, price: number) =>
        catalogue.apply([{ key: itemId, value: updateOf(shopItem(itemId, { price })), offset: 0, loggedMs: 0 }])
      const keeper = keeperOf()
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'ef'), writeOf(surface, people(1), 'cxya', 'e')])
      reprice('b', 5_000)
      await keeper.idle()
      expect(told).toEqual([]) // No rule asks for a price yet.
      const dear = ruleOf({ id: 'dear', kind: 'bias', field: 'price', valueMin: 4_000, bias: 0 })
      rules.apply([{ key: 'dear', value: { ...dear, note: '' }, offset: 0, loggedMs: 0 }])
      reprice('b', 6_000)
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acde', reserve: 'f' })
      expect((await stored(0)).effects).toEqual([{ ruleId: 'dear', kind: 'excluded', itemId: 'b' }])
      expect(await stored(1)).toMatchObject({ list: 'cxya', effects: [] })
      reprice('a', 3_999)
      await keeper.idle()
      expect(told.map(({ key }) => key)).toEqual([people(0)])
    })

    it('tells a list again that is amended while it is told', async () => {
      const keeper = keeperOf(false)
      let calls = 0
      const slow = {
        sendBetween: async (make: () => Promise<readonly OutgoingRecord[]>) => {
          const records = await make()
          if (calls++ === 0) {
            withdraw('b')
            await waitUntil('it is amended anew', async () => (await stored(0)).list === 'cdef')
          }
          told.push(...records)
          return true
        },
      }
      keeper.partition(0, slow)
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'efg')])
      withdraw('a')
      await keeper.idle()
      const published = told.map(({ value }) =>
        wire
          .decode('recommendations', value!)
          .items.map(({ itemId }) => itemId)
          .join(''),
      )
      expect(published).toEqual(['bcde', 'cdef'])
    })

    it('does nothing about partitions of others, and stops where one was given away', async () => {
      const keeper = keeperOf(false)
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'ef')])
      withdraw('a')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'abcd' })
      keeper.partition(0, writer)
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'bcde' })
      keeper.partition(0, null)
      withdraw('b')
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'bcde' })
      keeperOf() // Another owner: what was left undone is found when it reads.
      await keepers[1]!.idle()
      expect(await stored(0)).toMatchObject({ list: 'cdef' })
    })

    it('fills a list from which an item was taken by a keeper that died then', async () => {
      await swap(null, [writeOf(surface, people(0), 'abcd', 'ef'), writeOf(surface, people(1), 'abc', '')])
      const place = { key: listKeys.recommendations(people(0), surface), reserveKey: listKeys.reserve(people(0), surface) }
      await store.amend([{ ...place, version, removed: [{ itemId: 'b', near: 0.5 }], placed: [], effects: [] }])
      expect(await stored(0)).toMatchObject({ list: 'acd', reserve: 'ef' })
      withdraw('e')
      const keeper = keeperOf()
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acdf', reserve: 'e' })
      expect(await stored(1)).toMatchObject({ list: 'abc', reserve: '' })
      expect(told.map(({ key }) => key)).toEqual([people(0)])
    })

    it('goes on once a store that was away is back', async () => {
      let isAway = false
      const away = () => Promise.reject(new MillraceError('MILL_STORE_UNAVAILABLE', 'it is away'))
      const flaky: KeeperPorts['lists'] = {
        amend: (amendments) => (isAway ? away() : store.amend(amendments)),
        get: (keys) => (isAway ? away() : store.get(keys)),
        scan: (prefix) => store.scan(prefix),
      }
      const keeper = keeperOf(true, flaky)
      await swap(keeper, [writeOf(surface, people(0), 'abcd', 'ef')])
      await keeper.idle()
      isAway = true
      withdraw('b')
      systemClock.after(150, () => {
        isAway = false
      })
      await keeper.idle()
      expect(await stored(0)).toMatchObject({ list: 'acde' })
    })

    it('amends 1,200 lists at once, and knows no more lists than it may', async () => {
      const count = 1_200
      const keeper = keeperOf(true, store, 1_000)
      await keeper.idle()
      const writes = Array.from({ length: count }, (_, n) => writeOf(surface, people(n), n % 3 === 0 ? 'abcd' : 'mcop', 'ef'))
      await swap(keeper, writes)
      withdraw('b', 'c')
      await keeper.idle()
      const lists = await Promise.all(writes.map((_, n) => stored(n)))
      expect(lists.slice(0, 1_000).every(({ list }, n) => list === (n % 3 === 0 ? 'adef' : 'mope'))).toBe(true)
      expect(lists.slice(1_000).every(({ list }) => list.includes('c'))).toBe(true)
    })
  })
}

const people = (number: number) => `person-${number}`

function writeOf(surface: string, userId: string, shown: string, spares: string): ListWrite {
  const items = (text: string) =>
    text.split('').map((itemId) => ({
      itemId,
      score: 0.5,
      sources: ['session'],
      reason: { code: 'seen_together', itemId: 'b', scope: null } as const,
      propensity: 1,
      explored: false,
    }))
  const list: ServedList = {
    listId: `0-${shown}`,
    userId,
    surface,
    generatedMs: 3,
    watermarkMs: 2,
    loggedMs: 1,
    policy: 'learned',
    policyVersion: '1',
    exploration: null,
    made: null,
    seed: 's',
    rung: 'ranker',
    modelVersion: '1',
    personalShare: 1,
    rules: [],
    items: items(shown),
  }
  return {
    key: listKeys.recommendations(userId, surface),
    value: list,
    companions: [{ key: listKeys.reserve(userId, surface), value: { listId: list.listId, items: items(spares) } }],
    ttlS: 60,
  }
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

function countingRegistry() {
  const schemas: string[] = []
  return {
    register: (_subject: string, schema: string) => Promise.resolve(schemas.push(schema)),
    byId: (id: number) => Promise.resolve(schemas[id - 1] ?? null),
  }
}
