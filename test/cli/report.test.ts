import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { readExperiments } from '../../cli/experiment-log.ts'
import { exposureReport } from '../../cli/exposure-report.ts'
import { featureReader } from '../../cli/open-job.ts'
import { parityReport } from '../../cli/parity-report.ts'
import { readRevenue } from '../../cli/revenue-report.ts'
import { readSegments } from '../../cli/segment-report.ts'
import { readShownLists } from '../../cli/shown-lists.ts'
import type { Decision } from '../../schemas/decision.ts'
import { emptyRow, emptyTotal } from '../../schemas/revenue-tile.ts'
import type { Reward } from '../../schemas/reward.ts'
import { emptySpending } from '../../schemas/variant-revenue.ts'
import { engineHere } from '../e2e/engine-here.ts'
import { Stack } from '../e2e/stack.ts'
import { decisionOf, outcomeOf, rewardedSlot, rewardRowOf, slotOf } from '../operators/reward-fixture.ts'
import { shopItem } from '../topologies/catalogue.ts'
import { openMs, shopEvent } from '../topologies/shop-events.ts'
import { CliFolder } from './run-cli.ts'

// Four people, two on phones and two at desks, whose lists and clicks are in the log of an embedded stack.

const folder = new CliFolder()
let stack: Stack
const dayMs = 86_400_000
const all = { of: 'category', limit: 100, hours: 24 } as const
/** The attention of the second place. */
const second = 1 / Math.log2(3)

const shown: Readonly<Record<string, readonly string[]>> = {
  m1: ['x1', 'y1'],
  m2: ['x1', 'x2'],
  d1: ['y1', 'x1'],
  d2: ['y1', 'y2'],
}

function decisions(): Decision[] {
  return Object.entries(shown).map(([userId, items], n) =>
    decisionOf(`d${n}`, openMs + n * 60_000, { userId, slots: items.map((itemId, place) => slotOf(itemId, place)) }),
  )
}

function rewardOf(decision: Decision, sequence: number, clicked: number): Reward {
  const slots = decision.slots.map((slot, place) => rewardedSlot(slot, place < clicked ? 0.3 : 0))
  return rewardRowOf(decision, sequence, slots, { closedMs: openMs + 1 })
}

/** Rows as they come of m1 and m2: m1's first says nothing, its correction one click; a task sends all of them again. */
function rewards([m1, m2]: Decision[]): Reward[] {
  const corrected = rewardOf(m1!, 2, 1)
  const slots = corrected.slots.map((slot) => ({ ...slot, before: outcomeOf(0) }))
  const rows = [rewardOf(m1!, 0, 0), rewardOf(m2!, 1, 0), { ...corrected, revision: 1, slots }]
  return [...rows, ...rows]
}

beforeAll(async () => {
  stack = await Stack.open(loadConfig(undefined, { embedded: { path: join(folder.path, 'test.db') }, log: { level: 'silent' } }))
  const record = (topic: 'items' | 'user-events' | 'decisions' | 'rewards', key: string, value: object) =>
    stack.encoded({ topic, key, value, timeMs: openMs } as never)
  const made = decisions()
  const { engine, failures } = engineHere(stack)
  await engine.start()
  await stack.append([
    ...['x1', 'x2', 'y1', 'y2'].map((id) => record('items', id, shopItem(id, { category: [id[0]!], brand: 'n' }))),
    record('items', 'gone', shopItem('gone', { category: ['x'], stock: 0 })),
    ...Object.keys(shown).map((userId) => {
      const device = userId.startsWith('m') ? 'mobile' : 'desktop'
      return record('user-events', userId, shopEvent(`e-${userId}`, 'view', openMs, { userId, device, region: 'north' }))
    }),
    ...[...made, made[0]!].map((decision) => record('decisions', decision.userId, decision)),
    // What came of two lists is known, of one of them twice.
    ...rewards(made).map((one) => record('rewards', one.policy, one)),
  ])
  await stack.untilCaughtUp(30_000, ['user-features'])
  await engine.stop()
  expect(failures).toEqual([])
}, 60_000)

afterAll(async () => {
  await stack.close()
  await folder.close()
})

it('parity: shares of exposure and click-through by group of people, with intervals over people', async () => {
  const lists = await readShownLists(stack.ports, all)
  const report = await parityReport(stack.ports, lists, 'device', featureReader(stack.ports.state, stack.config.partitions))
  expect(report.lists).toBe(4)
  expect(report.people.map(({ group, people, lists: own }) => [group, people, own])).toEqual([
    ['desktop', 2, 2],
    ['mobile', 2, 2],
  ])
  expect(report.people[0]!.clickThrough).toBeNull()
  // Of m1's two slots one was clicked, of m2's none.
  expect(report.people[1]!.clickThrough!.share).toBe(0.25)
  const [x] = report.items.filter(({ group }) => group === 'x')
  const [desktop, mobile] = [second / (2 + 2 * second), (2 + second) / (2 + 2 * second)]
  expect(x!.shares.map(({ share }) => share)).toEqual([expect.closeTo(desktop, 12), expect.closeTo(mobile, 12)])
  expect(x!.difference).toBeCloseTo(mobile - desktop, 12)
  expect(x!.ratio).toBeCloseTo(desktop / mobile, 12)
  // m1 gave x 1 / (1 + w) and m2 all of as much attention: half their distance is the standard error of the mean of two.
  const half = (1.959963984540054 * (1 - 1 / (1 + second))) / 2
  expect(x!.shares[1]!.lower).toBeCloseTo(mobile - half, 9)
  expect(x!.shares[1]!.upper).toBeCloseTo(mobile + half, 9)
})

it('looks at the newest lists, at those of the last hours and of one surface', async () => {
  expect((await readShownLists(stack.ports, { ...all, limit: 1 })).lists.map(({ userId }) => userId)).toEqual(['d2'])
  expect((await readShownLists(stack.ports, { ...all, surface: 'cart' })).lists).toEqual([])
  const old = decisionOf('old', openMs - 2 * 3_600_000, { userId: 'm1' })
  await stack.append([stack.encoded({ topic: 'decisions', key: 'm1', value: old, timeMs: openMs } as never)])
  expect((await readShownLists(stack.ports, { ...all, hours: 1 })).lists.length).toBe(4)
  expect((await readShownLists(stack.ports, { ...all, hours: 24 })).lists.length).toBe(5)
})

it('exposure: what groups of items get beside what they offer, as a command', { timeout: 60_000 }, async () => {
  const lines = exposureReport(await readShownLists(stack.ports, { ...all, hours: 1 }))
  // x: first places of m1 and m2, second ones of m2 and d1; two of four items in stock.
  expect(lines.find(({ group }) => group === 'x')).toEqual({
    group: 'x',
    exposureShare: expect.closeTo((2 + 2 * second) / (4 + 4 * second), 12),
    offeredShare: 0.5,
    ratio: expect.closeTo(1, 12),
    isUneven: false,
  })
  const { code, value } = await folder.json('report', 'parity', '--by', 'region', '--hours', '1')
  expect({ code, value }).toMatchObject({
    code: 0,
    value: { by: 'region', of: 'category', lists: 4, people: [{ group: 'north', people: 4 }] },
  })
  const { stdout } = await folder.run('report', 'exposure', '--of', 'brand', '--hours', '1')
  expect(stdout).toMatch(/n +100\.0 % +100\.0 % +1\.00/)
})

it('revenue: what tasks counted is added up, and spending is compared with the holdout', { timeout: 60_000 }, async () => {
  const row = { ...emptyRow({ surface: 'home', source: 'session', policy: 'learned' }), slots: 40, touched: 8, orders: 2 }
  const rows = [{ ...row, purchases: 3, lastTouch: 1_500, timeDecayed: 900, viewThrough: 70, carts: 5, bought: 1, abandoned: 3 }]
  const total = { ...emptyTotal(), orders: 4, purchases: 6, revenue: 6_000, carts: 9, bought: 2, abandoned: 6 }
  const tile = (partition: number, startMs: number, version: number) => ({
    partition,
    startMs,
    tileMs: dayMs,
    version,
    total,
    rows,
    categories: [
      { category: 'hats', purchases: 1, revenue: 1_000, credited: 0, viewThrough: 0 },
      { category: 'shoes', purchases: 5, revenue: 5_000, credited: 1_500, viewThrough: 70 },
    ],
  })
  // Spending of 1, 2, 3 and 4 in one variant, of 0, 0, 2 and 2 in the other, in two tasks.
  const spent = (variant: string, cents: readonly number[], windows: object) => ({
    ...emptySpending(variant),
    ...windows,
    people: cents.length,
    buyers: cents.filter((each) => each > 0).length,
    revenue: cents.reduce((sum, each) => sum + each, 0),
    revenueSquared: cents.reduce((sum, each) => sum + each * each, 0),
  })
  /** People whose windows are over: of a week how many, and who bought; of a month by bucket how many, each having spent so much. */
  const windows = (
    weekPeople: number,
    weekBuyers: number,
    ...month: readonly [bucket: number, people: number, cents: number][]
  ) => ({
    ...{ weekPeople, weekBuyers, fourWeeksPeople: weekPeople / 2, retained: weekBuyers / 2 },
    monthPeople: month.reduce((sum, [, people]) => sum + people, 0),
    monthRevenue: month.reduce((sum, [, people, cents]) => sum + people * cents, 0),
    monthRevenueSquared: month.reduce((sum, [, people, cents]) => sum + people * cents ** 2, 0),
    monthTails: month.map(([bucket, people, cents]) => ({
      ...{ bucket, people, y: people * cents, ySquared: people * cents ** 2, x: 0, product: 0 },
    })),
  })
  const variants = (partition: number, ...variants: readonly object[]) => {
    return { experiment: 'learned-against-trend', partition, version: 1, variants }
  }
  const second = [
    spent('learned', [300, 400], windows(20, 10, [63, 499, 1_000], [143, 1, 1_000_000])),
    spent('trend', [0, 200, 200], windows(30, 16, [55, 1_000, 500])),
  ]
  const record = (topic: string, key: string, value: object) => stack.encoded({ topic, key, value, timeMs: openMs } as never)
  await stack.append([
    ...[tile(0, 10 * dayMs, 1), tile(0, 10 * dayMs, 2), tile(1, 10 * dayMs, 1), tile(1, 2 * dayMs, 9)].map((value) =>
      record('revenue-tiles', `${value.partition}/${value.startMs}`, value),
    ),
    record(
      'variant-revenue',
      '0/learned-against-trend',
      variants(0, spent('learned', [100, 200], windows(8, 4, [63, 500, 1_000])), spent('trend', [0], {})),
    ),
    record('variant-revenue', '1/learned-against-trend', variants(1, ...second)),
  ])
  const { experiments } = await readExperiments(stack.ports, stack.config)
  const report = await readRevenue(stack.ports, experiments, { days: 5 })
  expect(report.total).toMatchObject({ revenue: 120, orders: 8, averageOrderValue: 15, abandonment: 0.75, lastTouch: 30 })
  expect(report.lines).toEqual([
    {
      ...{ surface: 'home', source: 'session', policy: 'learned', slots: 80, touched: 16, conversion: 0.25, orders: 4 },
      ...{ averageOrderValue: 7.5, lastTouch: 30, timeDecayed: 18, viewThrough: 1.4, carts: 10, abandonment: 0.75 },
    },
  ])
  expect(report.categories).toEqual([
    { category: 'shoes', purchases: 10, revenue: 100, credited: 30, viewThrough: 1.4 },
    { category: 'hats', purchases: 2, revenue: 20, credited: 0, viewThrough: 0 },
  ])
  // Welch by hand: means 2.5 and 1, variances 5/3 and 4/3 of four each, 5.927 degrees of freedom, whose quantile is 2.45425.
  const [spending] = report.experiments
  expect(spending).toMatchObject({ experiment: 'learned-against-trend', reference: 'trend', isHoldout: false })
  const [learned, trend] = spending!.variants
  expect(trend).toMatchObject({ people: 4, buyers: 0.5, revenuePerPerson: 1, difference: null, incremental: null })
  expect(learned).toMatchObject({ people: 4, buyers: 1, revenuePerPerson: 2.5 })
  const half = 2.45425 * Math.sqrt(0.75)
  expect(learned!.difference!.value).toBeCloseTo(1.5, 12)
  expect(learned!.difference!.lower).toBeCloseTo(1.5 - half, 4)
  expect(learned!.incremental!.upper).toBeCloseTo(4 * (1.5 + half), 2)
  // 14 of 28 bought in their first week, against 16 of 30.
  expect(learned!.conversion).toMatchObject({ people: 28, mean: 0.5, difference: { value: expect.closeTo(-1 / 30, 12) } })
  const standardError = Math.sqrt(0.25 / 28 + ((16 / 30) * (14 / 30)) / 30)
  expect(learned!.conversion.difference!.upper).toBeCloseTo(-1 / 30 + 2.0033 * standardError, 4)
  expect(learned!.retention).toMatchObject({ people: 14, mean: 0.5, difference: { value: expect.closeTo(-1 / 30, 12) } })
  // Of 2,000 people the two who spent most are above the 99.9 % rank; it is one of those who spent 10.00, whose bucket ends at 10.23.
  expect(spending!.cap).toBe(10.23)
  expect(learned!.monthlySpending).toMatchObject({ people: 1_000, mean: expect.closeTo((999 * 10 + 10.23) / 1_000, 12) })
  expect(trend!.monthlySpending).toEqual({ people: 1_000, mean: 5, difference: null })
  const { stdout } = await folder.run('report', 'revenue')
  expect(stdout).toContain('who spent more than 10.23 in 30 days counts as 10.23')
  expect(stdout).toMatch(/learned +7 days: bought +28 +50.0 % +-3.3 % \(-29.6 % … 23.0 %\)/)
  expect(stdout).toMatch(/learned +days 22 to 28: came back +14 +50.0 % +-3.3 % \(/)
  expect(stdout).toMatch(/learned +30 days: spent +1000 +10.00 +5.00 \(/)
  expect(stdout).toContain('180.00 in 12 orders of 15.00')
  expect(stdout).toMatch(/shoes +15 +150.00 +45.00 +2.10/)
  expect(stdout).toMatch(/home +session +learned +120 +24 +6 +7.50 +45.00 +27.00 +2.10 +75.0 %/)
})

it('segments: the newest word on each person, without those who were erased', { timeout: 60_000 }, async () => {
  const person = (userId: string, segment: string, firstMs: number, orders: number) => ({
    ...{ userId, segment, previous: null, firstMs, lastMs: firstMs, orders, revenue: 100 * orders, timeMs: firstMs },
  })
  // ISO weeks begin on Monday: 2021-01-03 was a Sunday of 2020's week 53.
  const [sunday, monday] = [Date.UTC(2021, 0, 3), Date.UTC(2021, 0, 4)]
  const people = [person('a', 'new', sunday, 0), person('a', 'loyal', sunday, 3), person('b', 'lost', sunday, 1)]
  const all = [...people, person('c', 'new', monday, 0), person('d', 'active', monday, 2)]
  await stack.append([
    ...all.map((value) => stack.encoded({ topic: 'segment-updates', key: value.userId, value, timeMs: openMs } as never)),
    stack.encoded({ topic: 'segment-updates', key: 'd', value: null, timeMs: openMs } as never),
  ])
  const report = await readSegments(stack.ports)
  expect(report.people).toBe(3)
  expect(report.segments.filter(({ people: count }) => count > 0).map(({ segment }) => segment)).toEqual(['new', 'loyal', 'lost'])
  expect(report.cohorts).toEqual([
    { week: '2020-W53', people: 2, buyers: 2, orders: 4, revenue: 4, gone: 0.5 },
    { week: '2021-W01', people: 1, buyers: 0, orders: 0, revenue: 0, gone: 0 },
  ])
  expect((await folder.run('report', 'segments')).stdout).toMatch(/2020-W53 +2 +2 +4 +4.00 +2.00 +50.0 %/)
})
