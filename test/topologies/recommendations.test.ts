import { describe, expect, it } from 'vitest'
import { fairMethods } from '../../algorithms/fair-order.ts'
import { rerankMethods } from '../../algorithms/reranker.ts'
import { loadConfig } from '../../cli/config.ts'
import { recommendationPorts } from '../../cli/recommendation-ports.ts'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { PurchaseTable } from '../../operators/tables/purchase-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Recommendation } from '../../schemas/recommendation.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { recommendations } from '../../topologies/recommendations.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { pin, ruleOf } from '../algorithms/rules/rule-examples.ts'
import { shopItem } from './catalogue.ts'
import { openMs, shopEvent } from './shop-events.ts'

/** No model is served: lists are made by the lower rungs. */
const away: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker answers')),
}

/** A shop of ten items in which people who look at `a` look at `b`, run through all three topologies. */
async function openShop(settings: object = {}) {
  const clock = new ManualClock(openMs + 60_000)
  const users = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } }, { clock })
  const ports = { itemFeatures: { everyMs: 1 }, purchases: new PurchaseTable(), serve: { ttlS: 60 } }
  const items = new TopologyDriver(itemFeatures, ports, { clock })
  const config = loadConfig(undefined, { recommendations: settings })
  const lists = new TopologyDriver(recommendations, recommendationPorts(config, away, clock), { clock })
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
  await items.send('items', ...names.map((name, at) => shopItem(name, { category: [at < 5 ? 'left' : 'right'] })))
  for (let at = 0; at < 12; at++) {
    const of = { userId: `v${at}`, category: ['left'] }
    await users.send(
      'user-events',
      shopEvent(`a${at}`, 'click', openMs + at * 100, { ...of, itemId: 'a' }),
      shopEvent(`b${at}`, 'click', openMs + at * 100 + 50, { ...of, itemId: 'b' }),
    )
  }
  const flow = async () => {
    await items.send('item-signals', ...users.read('item-signals').map((value) => ({ key: '0', value })))
    await lists.send('item-updates', ...items.read('item-updates'))
    await lists.send('trend-updates', ...items.read('trend-updates'))
    await lists.send('session-steps', ...users.read('session-steps').map((value) => ({ key: '0', value })))
    await lists.send('feature-updates', ...users.read('feature-updates'))
  }
  await flow()
  lists.read('recommendations')
  return { users, items, lists, flow }
}

describe('recommendations', () => {
  it('answers a click with a list that follows from it, without a model, and stores what it publishes', async () => {
    const { users, lists, flow } = await openShop()
    await users.send(
      'user-events',
      shopEvent('mine', 'click', openMs + 30_000, { userId: 'me', itemId: 'a', category: ['left'] }),
    )
    await flow()
    const [list, ...rest] = lists.read('recommendations')
    expect(rest).toEqual([])
    expect(list).toMatchObject({ userId: 'me', surface: 'home', policy: 'learned' })
    expect(list!.rung).not.toBe('ranker')
    const ids = list!.items.map(({ itemId }) => itemId)
    expect(ids[0]).toBe('b')
    expect(new Set(ids).size).toBe(ids.length)
    for (const { propensity } of list!.items) expect(propensity > 0 && propensity <= 1).toBe(true)
    const stored = [...lists.lists].filter(([key]) => key.includes('me'))
    expect(stored.length).toBeGreaterThan(0)
    expect(JSON.stringify(stored)).toContain(list!.listId)
  })

  it('answers somebody who only chose categories at once, with what is popular there, and says so', async () => {
    const { users, lists, flow } = await openShop()
    const profile = { userId: 'new', ageGroup: 'unknown', gender: null, region: null, consent: true } as const
    await users.send('users', { ...profile, preferredCategories: ['left'], updatedMs: openMs + 40_000 })
    await flow()
    const [list] = lists.read('recommendations')
    expect(list).toMatchObject({ userId: 'new', personalShare: 0, watermarkMs: openMs + 40_000 })
    expect(
      list!.items
        .slice(0, 2)
        .map(({ itemId }) => itemId)
        .sort(),
    ).toEqual(['a', 'b'])
    expect(list!.items[0]!.sources).toContain('category')
  })

  it('makes one list per person of a batch, the newest, and leaves a withdrawn item out', async () => {
    const { users, items, lists, flow } = await openShop()
    for (const [at, itemId] of ['a', 'c', 'd'].entries())
      await users.send(
        'user-events',
        shopEvent(`m${at}`, 'click', openMs + 30_000 + at, { userId: 'me', itemId, category: ['left'] }),
      )
    await items.send('items', { key: 'b', value: null })
    await flow()
    const made = lists.read('recommendations')
    expect(made.map(({ userId }) => userId)).toEqual(['me'])
    expect(made[0]!.watermarkMs).toBe(openMs + 30_002)
    expect(made[0]!.items.map(({ itemId }) => itemId)).not.toContain('b')
  })

  it('follows rules that are set, changed and removed while it runs, and says on the list what they did', async () => {
    const { users, lists, flow } = await openShop()
    let clicks = 0
    const listOfNow = async () => {
      const at = clicks++
      await users.send('user-events', shopEvent(`r${at}`, 'click', openMs + 30_000 + at, { userId: 'me', itemId: 'a' }))
      await flow()
      return lists.read('recommendations')[0]!
    }
    const before = await listOfNow()
    expect(before.rules).toEqual([])
    expect(before.items[0]!.itemId).toBe('b')
    const hide = ruleOf({ id: 'hide', kind: 'bias', field: 'itemId', values: ['b'], bias: 0 })
    for (const rule of [hide, pin('top', 'h', 0)]) await lists.send('rules', { key: rule.id, value: { note: '', ...rule } })
    const ruled = await listOfNow()
    expect(ruled.items[0]!.itemId).toBe('h')
    expect(ruled.items.map(({ itemId }) => itemId)).not.toContain('b')
    expect(ruled.rules).toContainEqual({ ruleId: 'hide', kind: 'excluded', itemId: 'b' })
    expect(ruled.rules).toContainEqual({ ruleId: 'top', kind: 'pinned', itemId: 'h' })
    await lists.send('rules', { key: 'hide', value: null }, { key: 'top', value: null })
    const after = await listOfNow()
    expect(after.rules).toEqual([])
    expect(after.items[0]!.itemId).toBe('b')
  })

  it.each<[string, object, (list: Recommendation, plain: Recommendation) => void]>([
    ...rerankMethods.map(
      (method) =>
        [`method ${method}`, { diversity: { method, lambda: 0.5, window: 3 } }, sameItems] as [string, object, typeof sameItems],
    ),
    ...fairMethods.map(
      (method) =>
        [
          `fairness ${method}`,
          { fairness: { method, field: 'category', shares: { right: 0.5 } } },
          (list, plain) => {
            sameItems(list, plain)
            expect(list.items.slice(0, 6).filter(isRight).length).toBeGreaterThanOrEqual(method === 'fa-ir' ? 1 : 2)
          },
        ] as [string, object, typeof sameItems],
    ),
    ['margin', { margin: { weight: 0.3, stockWeight: 0.5 } }, sameItems],
    ['serendipity', { diversity: { serendipityWeight: 1 } }, sameItems],
    [
      'a promotion',
      { promotions: [{ id: 'spring', field: 'itemId', values: ['j'], slots: [0] }] },
      ({ items, rules }) => {
        expect(items[0]).toMatchObject({ itemId: 'j', reason: { code: 'promoted' } })
        expect(rules).toContainEqual({ ruleId: 'promotion:spring', kind: 'promoted', itemId: 'j' })
      },
    ],
    [
      'a limit that nothing can keep',
      { limits: { marginMin: 100 } },
      (list, plain) => {
        sameItems(list, plain)
        expect(list.rules).toContainEqual({ ruleId: 'list:margin', kind: 'broken', itemId: null })
      },
    ],
    [
      'a limit that moves items',
      { limits: { first: 4, categoryShareMax: 0.5, leafCategoryMax: 4 }, explore: { slot: 1 } },
      ({ items }) => expect(items.slice(0, 4).filter(isRight).length).toBe(2),
    ],
    ['another surface and size', { surface: 'cart', itemsMax: 10, reserveMax: 0 }, ({ surface }) => expect(surface).toBe('cart')],
  ])('makes lists as configured: %s', async (_name, settings, check) => {
    const [list, plain] = [await listOf(settings), await listOf({})]
    expect(new Set(list.items.map(({ itemId }) => itemId)).size).toBe(list.items.length)
    check(list, plain)
  })
})

async function listOf(settings: object): Promise<Recommendation> {
  const { users, lists, flow } = await openShop(settings)
  await users.send('user-events', shopEvent('mine', 'click', openMs + 30_000, { userId: 'me', itemId: 'a', category: ['left'] }))
  await flow()
  return lists.read('recommendations')[0]!
}

const isRight = ({ itemId }: { readonly itemId: string }) => itemId >= 'f'

function sameItems(list: Recommendation, plain: Recommendation): void {
  const sorted = ({ items }: Recommendation) => items.map(({ itemId }) => itemId).sort()
  expect(sorted(list)).toEqual(sorted(plain))
}
