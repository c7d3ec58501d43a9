import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import type { StoredList } from '../../cli/explain-list.ts'
import { ListWorkbench } from '../../cli/list-workbench.ts'
import { sendRules } from '../../cli/rule-log.ts'
import { sinceWritten } from '../../cli/since-written.ts'
import { type WhyNot, whyNot } from '../../cli/why-not.ts'
import { MillraceError } from '../../core/errors.ts'
import { partitionFor } from '../../core/partition-for.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Rule } from '../../schemas/rule.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import type { UserFeatures } from '../../schemas/user-features.ts'
import { Stack } from '../e2e/stack.ts'
import { shopItem } from '../topologies/catalogue.ts'

const nowMs = 1_800_000_000_000
const oldMs = nowMs - 100 * 86_400_000
const partitions = 2

/** No model is served: the linear rung scores, and its contributions are exact. */
const away: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker answers')),
}

/** A person who looks at `current`, has `carted` in the cart, bought `bought` and dismissed `dismissed`. */
const person = {
  userId: 'me',
  firstSeenMs: nowMs - 1000,
  lastActiveMs: nowMs,
  // Twenty items: a regular, whom the ranker alone orders.
  recent: ['current', ...Array.from({ length: 19 }, (_, at) => `gone${at}`)].map((itemId) => ({
    itemId,
    timeMs: nowMs,
    type: 'click',
    strength: 0.3,
  })),
  categories: ['c0', 'c1', 'c2', 'c3'].map((name, at) => ({ name, weight: 0.4 - at / 10 })),
  brands: [],
  counts: eventTypes.map(() => 1),
  week: { views: 1, clicks: 1, carts: 0, purchases: 0, spend: 0 },
  day: { views: 2, clicks: 1, carts: 0, purchases: 1, spend: 20 },
  hour: { views: 1, clicks: 0, carts: 0, purchases: 0, spend: 0 },
  orders: { lastMs: nowMs, purchases30d: 2, spend30d: 30, purchases90d: 3, spend90d: 40 },
  searches: [[1, 2]],
  session: {
    sessionId: 's',
    startMs: nowMs,
    lastMs: nowMs,
    events: 2,
    items: ['current'],
    cart: ['carted'],
    searches: 0,
    meanPrice: null,
    mainCategory: 'c0',
  },
  device: 'desktop',
  region: null,
  hours: [],
  priceLevel: null,
  purchased: ['bought'],
  dismissed: ['dismissed'],
  profile: null,
} as unknown as UserFeatures

const special = ['current', 'carted', 'bought', 'dismissed', 'withdrawn', 'sold-out']
/** Four categories of forty items, most popular first; ten brands. */
const plain = Array.from({ length: 160 }, (_, at) => ({ itemId: `i${at}`, category: `c${at % 4}`, brand: `b${at % 10}` }))

async function fill(stack: Stack): Promise<void> {
  const send = (topic: TopicName, key: string, value: object) =>
    stack.append([
      { topic, key, partition: partitionFor(key, partitions), value: stack.ports.wire.encode(topic, value as never) },
    ])
  const item = (itemId: string, fields: object, more: object = {}) =>
    send('item-updates', itemId, {
      itemId,
      item: shopItem(itemId, { createdMs: oldMs, ...fields }),
      withdrawn: false,
      popularity: 1,
      trend: 0,
      counts: [],
      purchaseRate: 0.01,
      rating: 3.5,
      hourly: 2,
      people: 3,
      similar: [],
      together: [],
      bought: 0,
      followed: 0,
      eventTimeMs: nowMs,
      ...more,
    })
  for (const { itemId, category, brand } of plain) await item(itemId, { category: [category], brand })
  for (const itemId of special)
    await item(itemId, { category: ['c0'], stock: itemId === 'sold-out' ? 0 : null }, { withdrawn: itemId === 'withdrawn' })
  await item('unseen', { category: ['elsewhere'] })
  const scope = (name: string, items: readonly string[]) =>
    send('trend-updates', name, {
      scope: name,
      items: items.map((itemId, at) => ({ itemId, popularity: 200 - at, trend: 0 })),
      people: 100,
      hours: [],
      spenders: [],
      eventTimeMs: nowMs,
    })
  const ids = plain.map(({ itemId }) => itemId)
  await scope('scope:all', [...special, ...ids.slice(100, 144)])
  for (let c = 0; c < 4; c++)
    await scope(
      `scope:category:c${c}`,
      plain.filter(({ category }) => category === `c${c}`).map(({ itemId }) => itemId),
    )
}

describe('why not', () => {
  const recommendations = { perSourceMax: 100 } // More candidates than the pool holds, from the few sources that know these items.
  const config = loadConfig(undefined, { partitions, recommendations, embedded: { path: ':memory:' }, log: { level: 'silent' } })
  let stack: Stack
  let bench: ListWorkbench
  let full: ListWorkbench
  const asked = { listId: '1-17', draws: 20, forestOf: () => Promise.resolve(null) }
  const ask = (itemId: string, on = bench): Promise<WhyNot> => whyNot(on, person, itemId, asked)

  beforeAll(async () => {
    stack = await Stack.open(config)
    await fill(stack)
    bench = await ListWorkbench.open(config, stack.ports, away)
    full = await ListWorkbench.open(
      { ...config, recommendations: { ...config.recommendations, candidatesMax: 10 } },
      stack.ports,
      away,
    )
  })
  afterAll(async () => {
    await bench.close()
    await full.close()
    await stack.ports.close()
  })

  it.for([
    ['nobody-knows-it', 'catalogue', 'not in the catalogue'],
    ['withdrawn', 'catalogue', 'withdrawn'],
    ['sold-out', 'catalogue', 'out of stock'],
    ['unseen', 'sources', 'none of the 14 sources'],
    ['bought', 'filter', 'bought it already'],
    ['dismissed', 'filter', 'dismissed it'],
    ['carted', 'filter', 'in the cart'],
    ['current', 'filter', 'looking at it now'],
  ])('%s ends at %s', async ([itemId, end, detail]) => {
    const found = await ask(itemId!)
    expect(found).toMatchObject({ end, detail: expect.stringContaining(detail!) })
    expect(found.stages.map(({ passed }) => passed)).toEqual([...found.stages.slice(1).map(() => true), false])
    expect(found.items).not.toContain(itemId)
  })

  it('says of each source whether it brings the item, at which place, or why not', async () => {
    const { sources } = await ask('i100')
    const of = (name: string) => sources.find(({ source }) => source === name)
    // i100 is the seventh popular item overall, and the 26th of c0: one behind what `category` may bring.
    expect(of('popular')).toMatchObject({ brings: true, place: 6, score: expect.closeTo(194 / 200, 6), why: '' })
    expect(of('category')).toMatchObject({ brings: false, why: expect.stringContaining('behind the 100') })
    expect(of('session')).toMatchObject({ brings: false, score: null, why: expect.stringContaining('similar session') })
    expect(of('together')).toMatchObject({ brings: false, why: expect.stringContaining('seldom bought') })
    expect(of('two_tower')).toMatchObject({ why: 'no two-tower model answered' })
  })

  it('tells the place after each stage of re-ranking, and what promoted and moved an item later', async () => {
    const itemId = (await ask('i3')).items.at(-1)!
    const { recommendations } = stack.config
    const spring = { id: 'spring', field: 'itemId' as const, values: [itemId], slots: [1], share: 1 }
    const limits = { ...recommendations.limits, categoryShareMax: 0.1, outsideShareMin: 0 }
    const config = { ...stack.config, recommendations: { ...recommendations, promotions: [spring], limits } }
    const promoting = await ListWorkbench.open(config, stack.ports, away)
    const { stages, end } = await ask(itemId, promoting)
    await promoting.close()
    expect(end).toBe('list')
    const detailOf = (name: string) => stages.find(({ stage }) => stage === name)!.detail
    expect(detailOf('rerank')).toMatch(
      /^by score alone at place \d+, after relevance at \d+, after diversity at \d+, after fairness at \d+, after caps at \d+$/,
    )
    expect(detailOf('promote')).toMatch(/^at place 1: promotion spring \(\d+ to 1\)$/)
    expect(detailOf('rule')).toMatch(/^at place \d+/)
  })

  it('a full candidate set turns away what later sources bring', async () => {
    const found = await ask('i120', full)
    expect(found).toMatchObject({ end: 'candidate-cap', detail: expect.stringContaining('(10 of at most 10 candidates) before') })
    expect(found.sources.find(({ source }) => source === 'popular')).toMatchObject({ brings: true })
  })

  it('loses no item: each of the catalogue ends once, and as many at each stage as it has room for', async () => {
    const ends = new Map<string, string[]>()
    let items: readonly string[] = []
    let brought = 0
    for (const itemId of [...plain.map((one) => one.itemId), ...special, 'unseen']) {
      const found = await ask(itemId)
      ends.set(found.end, [...(ends.get(found.end) ?? []), itemId])
      items = found.items
      if (found.sources.some(({ brings }) => brings)) brought++
    }
    const count = (end: string) => ends.get(end)?.length ?? 0
    // At least 100 by category and 44 more by popularity. What is not available is looked for no further; four were filtered.
    expect(brought).toBeGreaterThanOrEqual(100 + 44 + 4)
    const ranked = brought - 4
    expect(ends.get('list')!.toSorted()).toEqual([...items].sort())
    expect([count('list'), count('reserve'), count('pool')]).toEqual([50, 20, ranked - 100])
    expect(count('places') + count('explore')).toBe(30)
    expect(count('filter')).toBe(4)
    expect(count('catalogue')).toBe(2)
    // What no source brings: the rest.
    expect(count('sources')).toBe(167 - brought - 2)
    expect([...ends.values()].flat()).toHaveLength(167)
  })

  it('takes the score of an item that was ranked apart, exactly on the linear rung', async () => {
    const below = (await Promise.all(plain.map(({ itemId }) => ask(itemId)))).find(({ end }) => end === 'pool')!
    expect(below.detail).toMatch(/ranked below the pool: rank 1\d\d with [\d.]+, where the last of 100 has [\d.]+/)
    const { method, base, score, contributions } = below.explanation!
    expect(method).toBe('exact')
    expect(base + contributions.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 6)
    expect(score).toBeLessThan(base)
    expect(below.detail).toContain(`with ${score.toFixed(4)}`)
  })

  it('says what moved an item away from its place by score: diversity, a cap, the exploration slot', async () => {
    const moved = await Promise.all(plain.map(({ itemId }) => ask(itemId)))
    const by = (what: string) => moved.filter(({ end, detail }) => (end === 'list' || end === 'reserve') && detail.includes(what))
    expect(by('moved by diversity (').length).toBeGreaterThan(0)
    expect(by('caps (').length).toBeGreaterThan(0)
    const [explored, ...others] = by('the exploration slot (')
    expect([explored?.detail, others]).toEqual([
      expect.stringMatching(/on the list at place 4; .*the exploration slot \(\d+ to 4\)$/),
      [],
    ])
    const out = moved.find(({ end }) => end === 'places')!
    expect(out.detail).toMatch(
      /^moved out: by score alone at place \d+, after relevance at \d+, after diversity out, .*; 70 are kept$/,
    )
    // Where nothing moved it, its place by score is its place.
    for (const { itemId, detail, stages, items } of by('it is on the list at place').filter(
      (one) => !one.detail.includes('moved by'),
    )) {
      const rank = /^rank (\d+) /.exec(stages.find(({ stage }) => stage === 'score')!.detail)![1]
      expect([detail, items[Number(rank)]]).toEqual([`it is on the list at place ${rank}`, itemId])
    }
  })

  it('names the rule that took an item out, moved it, or brought it in', async () => {
    const { items } = await ask('i0')
    const [never, buried, boosted] = [items[6]!, items[8]!, items[40]!]
    const rule = (id: string, kind: Rule['kind'], itemId: string, more: Partial<Rule> = {}): Rule => ({
      ...{ id, kind, field: 'itemId', values: [itemId], valueMin: null, valueMax: null, bias: 1, position: null, first: null },
      ...{ countMin: null, countMax: null, surfaces: [], fromMs: null, toMs: null, note: '' },
      ...more,
    })
    await sendRules(stack.ports, [
      rule('no-more', 'bias', never, { bias: 0 }),
      rule('last', 'bury', buried),
      rule('loved', 'bias', boosted, { bias: 100 }),
      rule('top', 'pin', 'unseen', { position: 0 }),
    ])
    const ruled = await ListWorkbench.open(config, stack.ports, away)
    try {
      const told = async (itemId: string) => {
        const { end, detail, stages } = await ask(itemId, ruled)
        return { end, detail, rule: stages.find(({ stage }) => stage === 'rule')!.detail }
      }
      const out = { end: 'rule', detail: 'taken out from place 6 by rule no-more (keeps it out)' }
      expect(await told(never)).toMatchObject(out)
      const last = { end: 'rule', detail: 'taken out from place 8 by rule last (puts it last)' }
      expect(await told(buried)).toMatchObject(last)
      const raised = { end: 'list', detail: expect.stringContaining('on the list at place 1; ') }
      expect(await told(boosted)).toMatchObject({ ...raised, rule: 'at place 1: rule loved (raises it) (40 to 1)' })
      const unseen = await ask('unseen', ruled)
      expect(unseen).toMatchObject({
        end: 'list',
        detail: 'it is on the list at place 0; moved by rule top (pins it) (brought in at 0)',
      })
      expect(unseen.stages.map(({ stage, passed }) => [stage, passed])).toEqual([
        ['catalogue', true],
        ['sources', false],
        ['rule', true],
        ['finish', true],
      ])
      // Others only made room.
      expect((await told(items[0]!)).rule).toMatch(/^at place \d+: what rule .* did to other items \(0 to \d+\)$/)
    } finally {
      await ruled.close()
      await sendRules(stack.ports, [], ['no-more', 'last', 'loved', 'top'])
    }
  })

  it('says what went and what came after the list was written', async () => {
    const found = await Promise.all(['sold-out', 'bought', 'i0'].map((itemId) => ask(itemId)))
    const listed = found[2]!.items
    const storedWith = (items: readonly string[], reserve: readonly string[] = []) => {
      const named = (itemIds: readonly string[]) => itemIds.map((itemId) => ({ itemId }))
      return { list: { listId: '1-17', items: named(items) }, reserve: named(reserve), rows: new Map() } as unknown as StoredList
    }
    const went = 'it went after the list was written: the list is shown without it'
    expect(sinceWritten(storedWith(['x', 'sold-out']), found[0]!)).toMatchObject({ place: 1, reserve: null, since: went })
    expect(sinceWritten(storedWith(['x'], ['sold-out']), found[0]!)).toMatchObject({ place: null, reserve: 0, since: went })
    expect(sinceWritten(storedWith(['bought']), found[1]!).since).toContain('the next list will be without it')
    expect(sinceWritten(storedWith(['x']), found[1]!).since).toBe('')
    const present = await ask(listed[7]!)
    expect(sinceWritten(storedWith(['x', ...listed.slice(1, 5)]), present)).toEqual({
      ...{ listId: '1-17', place: null, reserve: null, same: 4, of: 5 },
      since: 'it came after the list was written: the next list will have it',
    })
    expect(sinceWritten(storedWith(listed), present)).toMatchObject({ place: 7, same: 50, since: '' })
  })

  it('writes nothing', async () => {
    const held = async () => [await stack.ports.log.offsets('recommendations'), await stack.ports.lists.get(['recs:{me}:home'])]
    const before = await held()
    await ask('i3')
    expect(await held()).toEqual(before)
  })
})
