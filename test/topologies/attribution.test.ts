import { expect, it } from 'vitest'
import { createRandom, type Random } from '../../core/random.ts'
import { shopperFamily } from '../../operators/attribute-revenue.ts'
import type { AttributionOptions } from '../../operators/shopper-fold.ts'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { RevenueTile } from '../../schemas/revenue-tile.ts'
import type { EventType, UserEvent } from '../../schemas/user-event.ts'
import type { VariantRevenue } from '../../schemas/variant-revenue.ts'
import { attribution } from '../../topologies/attribution.ts'
import { decisionOf, eventOf, slotOf } from '../operators/reward-fixture.ts'
import { onTime, type RevenueDefinition, revenueOf, sumsOf } from './attribution-definition.ts'
import { failingAfter } from './failing-after.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = 1_600_000_000_000
const options: AttributionOptions = {
  clickWindowMs: 7 * dayMs,
  viewWindowMs: dayMs,
  cartWindowMs: dayMs,
  halfLifeMs: 12 * hourMs,
  tileMs: dayMs,
  latenessMs: hourMs,
}

it.each(Array.from({ length: 20 }, (_, log) => log))(
  'log %i: sums, variants and segments are those of the definition, whatever the batches, interleavings, repeats and crashes',
  async (log) => {
    const random = createRandom(`attribution ${log}`)
    const { decisions, events, endMs } = drawLog(random)
    const wanted = revenueOf(
      onTime(decisions, ({ decisionId }) => decisionId, options.latenessMs),
      onTime(events, ({ eventId }) => eventId, options.latenessMs),
      endMs - options.latenessMs,
      options,
    )
    const inOrder = await play(decisions, events, { crashes: 0, countMax: Number.MAX_SAFE_INTEGER, random })
    const inBits = await play(decisions, events, { crashes: random.below(4), countMax: 7, random })
    expect(inOrder.told).toEqual(wanted)
    expect(inBits.told).toEqual(wanted)
    expect(inBits.state).toEqual(inOrder.state)
    expect(inBits.late).toEqual(inOrder.late)
    expect(inBits.state.filter((entry) => entry.startsWith('waiting:')).map((entry) => entry.split(' ')[0])).toEqual([
      'waiting:end',
    ])
  },
)

it('credits a purchase to the last touch, parts it by age, and keeps apart what was only seen', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  const shown = [slotOf('a', 0), slotOf('b', 1, false, 'trend')]
  await driver.send(
    'decisions',
    decisionOf('d1', startMs, { listId: 'l1', slots: shown }),
    decisionOf('d2', startMs + 12 * hourMs, { listId: 'l2', surface: 'cart', slots: shown }),
  )
  await driver.send(
    'user-events',
    eventOf('c1', startMs + hourMs, 'click', { listId: 'l1' }),
    eventOf('k', startMs + 13 * hourMs, 'add_to_cart', { listId: 'l2' }),
    eventOf('q', startMs + 13 * hourMs, 'purchase', { listId: null, itemId: 'b', price: 2.5 }),
    eventOf('k2', startMs + 13 * hourMs, 'add_to_cart', { listId: null, itemId: 'c' }),
    // A half-life after the first touch, at once after the second: a third and two thirds of 3 × 1.00, and exactly in time for the cart.
    eventOf('p', startMs + 13 * hourMs + dayMs, 'purchase', { listId: null, price: 1, quantity: 3 }),
  )
  await moveTime(driver, ['mover'], startMs + 4 * dayMs)
  const told = sumsOf(
    [...Map.groupBy(driver.read('revenue-tiles'), ({ startMs: atMs }) => atMs).values()].map((tiles) => tiles.at(-1)!),
  )
  const sum = (name: RegExp, field: string) =>
    [...told].filter(([key]) => name.test(key)).reduce((total, [, row]) => total + (row[field] ?? 0), 0)
  expect([sum(/home session/, 'lastTouch'), sum(/cart session/, 'lastTouch')]).toEqual([0, 300])
  expect([sum(/home session/, 'timeDecayed'), sum(/cart session/, 'timeDecayed')]).toEqual([100, 200])
  expect([sum(/home trend/, 'viewThrough'), sum(/cart trend/, 'viewThrough'), sum(/trend/, 'lastTouch')]).toEqual([0, 250, 0])
  expect([sum(/^\d+$/, 'carts'), sum(/^\d+$/, 'abandoned'), sum(/cart session/, 'carts'), sum(/session/, 'abandoned')]).toEqual([
    2, 1, 1, 0,
  ])
  expect([sum(/^\d+$/, 'orders'), sum(/^\d+$/, 'revenue'), sum(/cart session/, 'orders')]).toEqual([2, 550, 1])
})

it('counts who bought within 7 days of their first showing, who came back in their fourth week and what they spent within 30 days, ends included, once these are over', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  const assignments = [{ experiment: 'x', variant: 'a' }]
  const shown = (userId: string, timeMs: number) => decisionOf(`${userId} ${timeMs}`, timeMs, { userId, assignments })
  const bought = (userId: string, timeMs: number, price: number) =>
    eventOf(`${userId} ${timeMs}`, timeMs, 'purchase', { userId, listId: null, itemId: 'anything', price })
  const since = (ms: number) => startMs + ms
  await driver.send('decisions', ...['early', 'edge', 'late', 'never'].map((userId) => shown(userId, startMs)))
  await driver.send('user-events', bought('early', since(0), 1))
  await moveTime(driver, ['mover'], since(6 * dayMs))
  // Shown again, which moves no window.
  await driver.send('decisions', shown('edge', since(6 * dayMs)), shown('new', since(6 * dayMs)))
  // Read in the wrong order, as far as is allowed.
  await driver.send(
    'user-events',
    eventOf('mover', since(7 * dayMs + 1), 'view', { userId: 'mover', listId: null }),
    bought('late', since(7 * dayMs + 1), 2),
    bought('edge', since(7 * dayMs), 4),
  )
  const told = () => driver.read('variant-revenue').at(-1)?.variants[0]
  await moveTime(driver, ['mover'], since(8 * dayMs))
  expect(told()).toMatchObject({ people: 5, buyers: 3, weekPeople: 4, weekBuyers: 2, monthPeople: 0 })
  // The fourth week begins at 21 days and ends at 28, both in it; `new` was shown its first list 6 days later.
  const seen = (userId: string, timeMs: number) => eventOf(`${userId} ${timeMs}`, timeMs, 'view', { userId, listId: null })
  await driver.send('user-events', seen('early', since(21 * dayMs) - 1), seen('late', since(21 * dayMs)))
  await driver.send('user-events', seen('new', since(26 * dayMs)), seen('edge', since(28 * dayMs)))
  await driver.send('user-events', seen('mover', since(28 * dayMs)), seen('early', since(28 * dayMs) + 1))
  await driver.send('user-events', bought('edge', since(30 * dayMs), 8), bought('early', since(30 * dayMs + 1), 16))
  await moveTime(driver, ['mover'], since(32 * dayMs))
  const monthTails = [100, 200, 1_200].map((y) => ({ people: 1, y }))
  const month = { monthPeople: 4, monthRevenue: 1_500, monthRevenueSquared: 100 ** 2 + 1_200 ** 2 + 200 ** 2, monthTails }
  expect(told()).toMatchObject({ ...month, revenue: 3_100, weekPeople: 5, weekBuyers: 2, fourWeeksPeople: 4, retained: 2 })
  // Nobody who was only shown something is put into a segment.
  expect(driver.read('segment-updates').map((update) => update.userId)).not.toContain('never')
})

it('sums up what was bought by the first level of its category, 100 of them and all others as one', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  const bought = Array.from({ length: 103 }, (_, n) =>
    eventOf(`p${n}`, startMs + n, 'purchase', { listId: null, price: 1 + n, category: [`c${n}`, 'leaf'] }),
  )
  const without = eventOf('none', startMs + 200, 'purchase', { listId: null, price: 7, category: [] })
  await driver.send(
    'user-events',
    ...bought,
    without,
    eventOf('again', startMs + 201, 'purchase', { price: 2, category: ['c3'] }),
  )
  await moveTime(driver, ['mover'], startMs + 2 * hourMs)
  const { categories, total } = driver.read('revenue-tiles').at(-1)!
  expect(categories.map(({ category }) => category)).toEqual([...Array.from({ length: 100 }, (_, n) => `c${n}`), 'others'])
  expect(categories[3]).toMatchObject({ purchases: 2, revenue: 600, credited: 0 })
  expect(categories.at(-1)).toMatchObject({ purchases: 4, revenue: 100 * (101 + 102 + 103 + 7) })
  expect(categories.reduce((sum, { revenue }) => sum + revenue, 0)).toBe(total.revenue)
})

it('an erased person leaves nothing behind but sums that name nobody', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  await driver.send('decisions', decisionOf('d', startMs))
  await driver.send('user-events', eventOf('c', startMs + 1, 'add_to_cart'), eventOf('p', startMs + 2, 'purchase', { price: 2 }))
  await moveTime(driver, ['mover'], startMs + 2 * hourMs)
  expect(driver.read('segment-updates').map(({ userId }) => userId)).toEqual(['u'])
  const waiting = eventOf('w', startMs + 2 * hourMs, 'purchase', { price: 7 })
  await driver.send('user-events', waiting)
  expect([...(await driver.stateOf()).keys()].filter((key) => key.endsWith(':u'))).toEqual(['person:u', 'shown:u', 'waiting:u'])
  await driver.send('users', { key: 'u', value: null })
  expect(driver.readKeyed('segment-updates')).toMatchObject([{ key: 'u', value: null }])
  expect([...(await driver.stateOf()).keys()].filter((key) => key.endsWith(':u'))).toEqual([])
  await moveTime(driver, ['mover'], startMs + 4 * dayMs)
  // What waited is gone with them.
  expect(driver.read('revenue-tiles').at(-1)!.total).toMatchObject({ revenue: 200, purchases: 1, carts: 1, bought: 1 })
  expect(driver.read('segment-updates').map((update) => update?.userId)).not.toContain('u')
  expect([...(await driver.stateOf()).keys()].filter((key) => key.includes(':u') && !key.startsWith('~'))).toEqual([])
})

it('what comes too late is kept apart, and what is invalid is left to those who set it aside', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  await moveTime(driver, ['mover'], startMs + 3 * hourMs)
  await driver.send(
    'user-events',
    eventOf('late', startMs + hourMs, 'purchase', { price: 5 }),
    eventOf('just in time', startMs + 2 * hourMs, 'purchase', { price: 3 }),
    eventOf('wrong', startMs + 3 * hourMs, 'purchase', { price: -1 }),
  )
  await driver.send('decisions', decisionOf('late showing', startMs + hourMs))
  await moveTime(driver, ['mover'], startMs + 9 * hourMs)
  const late = driver.read('late-records').map(({ id, eventTimeMs }) => [id, eventTimeMs])
  expect(late).toEqual([
    ['attribution/user-events/0/1/attribute', startMs + hourMs],
    ['attribution/decisions/0/1/attribute', startMs + hourMs],
  ])
  expect(driver.read('dead-letters')).toEqual([])
  expect(driver.read('revenue-tiles').at(-1)!.total).toMatchObject({ purchases: 1, revenue: 300, lists: 1 })
})

it('state stays small: tiles close, and of a person only the newest are remembered', async () => {
  const driver = new TopologyDriver(attribution, { attribution: options })
  for (let n = 0; n < 100; n++) {
    const timeMs = startMs + n * 2 * hourMs
    const listId = `l${n}`
    await driver.send('decisions', decisionOf(`d${n}`, timeMs, { listId, slots: [slotOf(`i${n}`, 0)] }))
    await driver.send('user-events', eventOf(`e${n}`, timeMs + 1, 'add_to_cart', { listId, itemId: `i${n}` }))
  }
  const state = await driver.stateOf()
  expect([...state.keys()].filter((key) => key.startsWith('tile:')).length).toBeLessThanOrEqual(4)
  const { touches, carts } = shopperFamily.codec.decode(state.get('person:u')!)
  expect([touches.length, carts.length]).toEqual([64, 12])
})

interface Play {
  readonly told: RevenueDefinition
  readonly state: readonly string[]
  readonly late: readonly string[]
}

/** One run: both logs in pieces of any length; a crash loses a commit after its outputs were sent, and everything is read again. */
async function play(
  decisions: readonly Decision[],
  events: readonly UserEvent[],
  { crashes, countMax, random }: { readonly crashes: number; readonly countMax: number; readonly random: Random },
): Promise<Play> {
  const state = new MemoryStateStore()
  const tiles = new Map<string | null, RevenueTile>()
  const variants = new Map<string | null, VariantRevenue>()
  const segments = new Map<string, object>()
  const late = new Set<string>()
  for (let crash = 0; crash <= crashes; crash++) {
    const store = crash < crashes ? failingAfter(state, random.below(12)) : state
    const driver = new TopologyDriver(attribution, { attribution: options }, { state: store })
    try {
      const left = { decisions: [...decisions], events: [...events] }
      while (left.decisions.length + left.events.length > 0) {
        const count = Math.min(countMax, 1 + random.below(countMax))
        if (left.events.length === 0 || (left.decisions.length > 0 && (countMax > 100 || random.below(2) === 0)))
          await driver.send('decisions', ...left.decisions.splice(0, countMax > 100 ? countMax : count))
        else await driver.send('user-events', ...left.events.splice(0, countMax > 100 ? countMax : count))
      }
    } catch (error) {
      expect(String(error)).toContain('crash by plan')
    }
    for (const { key, value } of driver.readKeyed('revenue-tiles')) tiles.set(key, value)
    for (const { key, value } of driver.readKeyed('variant-revenue')) variants.set(key, value)
    for (const value of driver.read('segment-updates')) segments.set(value.userId, value)
    for (const { id } of driver.read('late-records')) late.add(id)
    if (crash === crashes) {
      const entries = [...(await driver.stateOf())].map(([key, bytes]) => `${key} ${Buffer.from(bytes).toString('hex')}`)
      const told = { sums: sumsOf([...tiles.values()]), variants: byVariant([...variants.values()]), segments }
      return { told, state: entries, late: [...late].sort() }
    }
  }
  throw new Error('unreachable')
}

function byVariant(all: readonly VariantRevenue[]): RevenueDefinition['variants'] {
  const named = all.flatMap(({ experiment, variants }) =>
    variants.map(({ variant, ...sums }) => [`${experiment}/${variant}`, sums] as const),
  )
  return new Map(named)
}

/** A log of few people, items and lists, in which everything happens often; some records come out of order, late or twice. */
function drawLog(random: Random) {
  const decisions: Decision[] = []
  const events: UserEvent[] = []
  const types: EventType[] = ['view', 'click', 'like', 'add_to_cart', 'add_to_cart', 'purchase', 'purchase', 'search', 'dismiss']
  const steps = [0, 60_000, 20 * 60_000, hourMs, 5 * hourMs, dayMs, dayMs - 1, 3 * dayMs, 8 * dayMs, 35 * dayMs]
  let atMs = startMs
  for (let n = 0; n < 120; n++) {
    atMs += steps[Math.min(random.below(steps.length), random.below(steps.length))]!
    const jitterMs = random.below(4) === 0 ? random.below(2) * random.below(3 * hourMs) : 0
    const timeMs = Math.max(startMs, atMs - jitterMs)
    const userId = `u${random.below(3)}`
    if (random.below(3) === 0) {
      const slots = Array.from({ length: 1 + random.below(4) }, (_, at) =>
        slotOf(`i${random.below(6)}`, at, false, ['session', 'trend'][random.below(2)]!),
      )
      const assignments = ['x', 'y'].flatMap((experiment) =>
        random.below(2) === 0 ? [{ experiment, variant: 'ab'[random.below(2)]! }] : [],
      )
      const surface = ['home', 'cart'][random.below(2)]!
      decisions.push(decisionOf(`d${n}`, timeMs, { userId, listId: `l${random.below(3)}`, surface, slots, assignments }))
    } else {
      const type = types[random.below(types.length)]!
      const price = random.below(5) === 0 ? null : random.below(9_999) / 100
      const quantity = random.below(3) === 0 ? random.below(3) : null
      const itemId = type === 'search' ? null : `i${random.below(6)}`
      const listId = random.below(3) === 0 ? null : `l${random.below(3)}`
      const query = type === 'search' ? 'shoes' : null
      const category = [[], ['shoes'], ['shoes', 'boots'], ['hats']][random.below(4)]!
      events.push(eventOf(`e${n}`, timeMs, type, { userId, listId, itemId, price, quantity, query, category }))
    }
    if (random.below(12) === 0 && events.length > 0) events.push(events.at(-1 - random.below(Math.min(4, events.length)))!)
    if (random.below(12) === 0 && decisions.length > 0) decisions.push(decisions.at(-1)!)
  }
  const endMs = atMs + [1, dayMs + 1, 40 * dayMs][random.below(3)]! + hourMs
  decisions.push(decisionOf('end', endMs, { userId: 'end' }))
  events.push(eventOf('end', endMs, 'view', { userId: 'end', listId: null }))
  return { decisions, events, endMs }
}

async function moveTime(driver: TopologyDriver<unknown>, users: readonly string[], timeMs: number): Promise<void> {
  await driver.send('decisions', ...users.map((userId) => decisionOf(`${userId} ${timeMs}`, timeMs, { userId })))
  await driver.send(
    'user-events',
    ...users.map((userId) => eventOf(`${userId} ${timeMs}`, timeMs, 'view', { userId, listId: null })),
  )
}
