import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rankerFeatureNames, rankerWidth } from '../../algorithms/ranker-features.ts'
import { wordHashes } from '../../algorithms/word-hashes.ts'
import { type AuditOptions, auditFeatures } from '../../cli/audit-features.ts'
import type { OpenPorts } from '../../cli/compose.ts'
import { loadConfig } from '../../cli/config.ts'
import { ListWorkbench } from '../../cli/list-workbench.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import type { UserFeatures } from '../../schemas/user-features.ts'
import { Stack } from '../e2e/stack.ts'
import { shopItem } from '../topologies/catalogue.ts'

const startMs = 1_800_000_000_000
const options: AuditOptions = { decisionsMax: 100, lagMsMax: 10_000, draftsMax: 100, tableRecordsMax: 10_000 }
const config = loadConfig(undefined, { partitions: 1, embedded: { path: ':memory:' }, log: { level: 'silent' } })
const away = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker answers')),
}

const person: UserFeatures = {
  userId: 'me',
  firstSeenMs: startMs,
  lastActiveMs: startMs + 60_000,
  recent: [{ itemId: 'i3', timeMs: startMs, type: 'click', strength: Math.fround(0.3) }],
  categories: [{ name: 'c1', weight: Math.fround(0.7) }],
  brands: [{ name: 'sold elsewhere', weight: 0.5 }],
  counts: eventTypes.map(() => 2),
  week: { views: 3, clicks: 1, carts: 0, purchases: 2, spend: 30 },
  day: { views: 2, clicks: 1, carts: 0, purchases: 1, spend: 20 },
  hour: { views: 1, clicks: 0, carts: 0, purchases: 0, spend: 0 },
  orders: { lastMs: startMs, purchases30d: 2, spend30d: 30, purchases90d: 3, spend90d: 40, days90d: 2 },
  searches: [wordHashes('Thing i4', 6)],
  session: {
    sessionId: 's',
    startMs,
    lastMs: startMs,
    events: 4,
    items: ['i3'],
    cart: ['i5'],
    searches: 0,
    meanPrice: null,
    mainCategory: 'c1',
  },
  meanSessionMinutes: 12,
  device: 'mobile',
  region: null,
  hours: Array.from({ length: 24 }, () => Math.fround(1 / 24)),
  priceLevel: 2.5,
  purchased: [],
  dismissed: [],
  profile: null,
}

describe('models audit', () => {
  let decisions = 0
  let clock: ManualClock
  let stack: Stack
  let log: EmbeddedEventLog
  /** What the engine would log of `me`: context and rows by item. */
  let logged: { readonly context: Float32Array; readonly rows: ReadonlyMap<string, Float32Array> }

  const send = (topic: TopicName, key: string, value: object) =>
    stack.append([{ topic, key, partition: 0, value: stack.ports.wire.encode(topic, value as never) }])
  const itemValue = (at: number, popularity: number) => ({
    itemId: `i${at}`,
    item: shopItem(`i${at}`, { category: [`c${at % 3}`], brand: at % 2 ? `b${at}` : null, price: 5 + at, stock: at }),
    withdrawn: false,
    popularity,
    trend: 0.5,
    counts: [],
    purchaseRate: 0.02,
    rating: 3.5,
    hourly: 2,
    people: 3,
    similar: at === 3 ? [{ itemId: 'i6', weight: 4 }] : [],
    together: [],
    bought: 0,
    followed: 0,
    eventTimeMs: startMs,
  })
  const item = (at: number, popularity: number) => send('item-updates', `i${at}`, itemValue(at, popularity))
  const moved = () =>
    send('feature-updates', 'me', {
      userId: 'me',
      eventTimeMs: person.lastActiveMs,
      loggedMs: startMs,
      sourceOffset: 0,
      urgency: 'normal',
      moved: [],
      features: person,
    })
  const bytes = (values: Float32Array) => Buffer.from(Float32Array.from(values).buffer)
  const show = (
    listId: string,
    change: (slot: string, row: Float32Array) => void = () => {},
    context = logged.context,
    width = rankerWidth,
  ) => {
    const slots = [...logged.rows].map(([itemId, row], position) => {
      const own = row.slice()
      change(itemId, own)
      return {
        itemId,
        position,
        propensity: 1,
        source: 'popular',
        score: 1,
        explored: false,
        features: bytes(own.subarray(0, width)),
      }
    })
    const decision: Decision = {
      decisionId: `of ${listId} ${decisions++}`,
      listId,
      userId: 'me',
      timeMs: startMs,
      surface: 'home',
      policy: 'learned',
      policyVersion: '1',
      exploration: null,
      experiment: null,
      variant: null,
      assignments: [],
      seed: listId,
      rung: 'linear',
      modelVersion: '',
      context: bytes(context),
      slots,
    }
    return send('decisions', 'me', decision)
  }
  const column = (name: (typeof rankerFeatureNames)[number]) => rankerFeatureNames.indexOf(name)

  beforeEach(async () => {
    clock = new ManualClock(startMs)
    const database = openEmbeddedDatabase(':memory:')
    log = new EmbeddedEventLog(database, { clock })
    stack = await Stack.open(config, { log })
    for (let at = 0; at < 8; at++) await item(at, 1 + at)
    await send('trend-updates', 'scope:all', {
      scope: 'scope:all',
      items: Array.from({ length: 8 }, (_, at) => ({ itemId: `i${at}`, popularity: 10 - at, trend: 0 })),
      people: 100,
      hours: [],
      spenders: [],
      eventTimeMs: startMs,
    })
    clock.advance(1_000)
    await moved()
    // Rows of the real steps over the whole catalogue; the audit makes them one item at a time.
    const bench = await ListWorkbench.open(config, stack.ports, away)
    for await (const { id, record } of bench.steps(person, '0-0')) {
      if (id !== 'score') continue
      const draft = record as ListDraft
      const rowAt = (place: number) => draft.features.slice(place * rankerWidth, (place + 1) * rankerWidth)
      const names = Array.from(draft.set.rows.subarray(0, draft.set.count), (row) =>
        bench.ports.catalogue.catalogue.items.text(row),
      )
      logged = { context: draft.context.slice(), rows: new Map(names.map((name, place) => [name, rowAt(place)])) }
    }
    await bench.close()
    expect(logged.rows.size).toBeGreaterThan(4)
    clock.advance(1_000)
  })
  afterEach(async () => {
    await log.close()
    await stack.ports.close()
  })

  it('finds what the steps logged bit for bit, also after the items have moved on', async () => {
    await show('0-0')
    expect(await auditFeatures(stack.ports, config, options)).toMatchObject({
      decisions: 1,
      audited: 1,
      contexts: 1,
      rows: logged.rows.size,
      partly: 0,
      mismatches: 0,
      behind: 0,
    })
    clock.advance(1_000)
    for (let at = 0; at < 8; at++) await item(at, 100)
    expect(await auditFeatures(stack.ports, config, options)).toMatchObject({ rows: logged.rows.size, mismatches: 0, behind: 0 })
  })

  it.for([
    ['price_log', 0.25],
    ['touched_recently', 0.5],
    ['popularity_log', 0.9],
    ['hour_cos', 0],
    ['source_popular', 1.5],
    ['sources_share', 0.9],
    ['item_looks', 0.9],
    ['touch_age', 0.5],
    ['query_match', 0.25],
    ['spend_90d', 0.125],
    ['category_24h', 0.75],
    ['price_sensitivity', 0.5],
    ['vector_cosine', -1.5],
  ] as const)('names the first column that differs: %s', async ([name, wrong]) => {
    await show('0-0', (itemId, row) => {
      if (itemId === 'i4') row[column(name)] = wrong
    })
    const { mismatches, examples } = await auditFeatures(stack.ports, config, options)
    expect(mismatches).toBe(1)
    expect(examples).toMatchObject([{ listId: '0-0', userId: 'me', itemId: 'i4', column: name, logged: Math.fround(wrong) }])
  })

  it('audits rows of schema 1 as well, and refuses widths that no schema has', async () => {
    await show('0-0', undefined, undefined, 32)
    await show('0-0')
    const audit = await auditFeatures(stack.ports, config, options)
    expect(audit).toMatchObject({ rows: 2 * logged.rows.size, mismatches: 0, examples: [] })
    expect(audit.widths).toEqual({ 32: logged.rows.size, [rankerWidth]: logged.rows.size })
    await show(
      '0-0',
      (itemId, row) => void (itemId === 'i4' && row.fill(7, column('price_log'), column('price_log') + 1)),
      undefined,
      32,
    )
    await show('0-0', undefined, undefined, 31)
    const { examples, mismatches } = await auditFeatures(stack.ports, config, options)
    expect(mismatches).toBe(1 + logged.rows.size)
    expect(new Set(examples.map((example) => example.column))).toEqual(new Set(['price_log', 'width']))
  })

  it('drafts the list again: what follows from all items is the same, or is told by column', async () => {
    await show('0-0')
    const all = logged.rows.size
    const { tables } = await auditFeatures(stack.ports, config, options)
    expect(tables).toEqual({ whole: true, rows: all, same: all, moved: 0, unordered: 0, unorderedColumns: {} })
    // The neighbours and the trend of the shop are seen in what was logged.
    // i3 leads to i6 alone, and i6 back home: of all walks .85 · .15 end at i6.
    expect(logged.rows.get('i6')![column('page_rank')]).toBeCloseTo(Math.log(128.5) / 7, 5)
    expect(logged.rows.get('i6')![column('source_similar')]).toBe(1)
    await show('0-0', (itemId, row) => {
      if (itemId === 'i6') row[column('page_rank')] = 0.5
      if (itemId === 'i4') row[column('source_popular')] = 0.123
    })
    // So soon that the tables were full at all three moments.
    const moved = await auditFeatures(stack.ports, config, { ...options, lagMsMax: 500 })
    expect(moved.mismatches).toBe(0)
    expect(moved.tables).toMatchObject({ unordered: 2, unorderedColumns: { page_rank: 1, source_popular: 1 } })
    const few = await auditFeatures(stack.ports, config, { ...options, tableRecordsMax: 5 })
    expect(few.tables).toBeNull()
  })

  it('does not count as wrong what the tables changed while the list was made', async () => {
    await show('0-0', (itemId, row) => {
      if (itemId === 'i6') row[column('price_percentile')] = -1
    })
    const dear = { itemId: 'i9', category: ['c0'], price: 1_000 }
    await send('item-updates', 'i9', { ...itemValue(9, 1), item: shopItem('i9', dear) })
    await show('0-0')
    const { mismatches, tables } = await auditFeatures(stack.ports, config, options)
    expect(mismatches).toBe(0)
    expect(tables!.moved).toBe(1)
  })

  it('names a context that differs, and leaves out what the log has dropped', async () => {
    const context = logged.context.slice()
    context[3] = 7
    await show('0-0', undefined, context)
    await show('0-99')
    await show('trend-of-nobody')
    const audit = await auditFeatures(stack.ports, config, options)
    expect(audit).toMatchObject({ decisions: 3, audited: 1, gone: 2, contexts: 1, mismatches: 1 })
    expect(audit.examples).toMatchObject([{ itemId: null, column: 'context 3', logged: 7 }])
  })

  it('a table may lie behind the log so far and no further', async () => {
    clock.advance(1_000)
    await item(4, 50)
    clock.advance(5_000)
    await moved()
    await show('0-1')
    expect(await auditFeatures(stack.ports, config, options)).toMatchObject({ mismatches: 0, behind: 1, behindMsMax: 5_000 })
    const strict = await auditFeatures(stack.ports, config, { ...options, lagMsMax: 1_000 })
    expect(strict.examples).toMatchObject([{ itemId: 'i4', column: 'popularity_log' }])
  })

  it('judges in part where compaction took the version of that time', async () => {
    await show('0-0', (itemId, row) => {
      if (itemId === 'i4') row[column('popularity_log')] = 0.9
      if (itemId === 'i6') row[column('price_log')] = 0.1
      if (itemId === 'i7') row[column('session_events_log')] = 0.1
    })
    // The log says that it has given out more offsets than it has records.
    const compacted = new Proxy(stack.ports.log, {
      get: (target, name) => {
        if (name === 'offsets')
          return async (topic: string) =>
            (await target.offsets(topic)).map(({ start, end }) => ({ start, end: topic === 'item-updates' ? end + 1 : end }))
        const own = Reflect.get(target, name) as unknown
        return typeof own === 'function' ? own.bind(target) : own
      },
    })
    const audit = await auditFeatures({ ...stack.ports, log: compacted } as OpenPorts, config, options)
    expect(audit).toMatchObject({ partly: 1, personOnly: 1, mismatches: 1 })
    expect(audit.examples).toMatchObject([{ itemId: 'i7', column: 'session_events_log' }])
  })
})
