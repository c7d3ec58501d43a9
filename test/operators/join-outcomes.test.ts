import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcomeFunctions } from '../../algorithms/combine-outcomes.ts'
import type { JoinOptions } from '../../operators/join-outcomes.ts'
import { ExperimentTable } from '../../operators/tables/experiment-table.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { ExperimentDelta } from '../../schemas/experiment-delta.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { bandit } from '../../topologies/bandit.ts'
import { experiments } from '../../topologies/experiments.ts'
import { rewards } from '../../topologies/rewards.ts'
import { failingAfter } from '../topologies/failing-after.ts'
import { RecedingStore } from '../topologies/receding-store.ts'
import { joined, type RowOutline, type ShopLog } from '../topologies/rewards-definition.ts'
import { decisionOf, eventOf, slotOf } from './reward-fixture.ts'

const waitMs = 2_000
const latenessMs = 500
const driverOf = (options: Partial<JoinOptions> = {}) =>
  new TopologyDriver(rewards, { rewards: { waitMs, latenessMs, ...options } })

/** The default, and ways to correct. */
const ways: readonly Partial<JoinOptions>[] = [
  {},
  { update: 'provisional' },
  { waits: { clickMs: 250, likeMs: 1_000, dismissMs: 3_000, purchaseMs: 4_000 }, outcome: 'sum', dismissed: -0.5 },
  { waits: { clickMs: 500, purchaseMs: 9_000 }, outcome: 'earliest', update: 'provisional', openMax: 9 },
]

describe('joinOutcomes', () => {
  it('joins a showing with what followed, once event time has passed the wait', async () => {
    const driver = driverOf()
    await driver.send('decisions', decisionOf('d', 1_000))
    await driver.send('user-events', eventOf('e', 1_005))
    await driver.send('decisions', decisionOf('d2', 9_000, { listId: 'other' }))
    expect(driver.read('rewards')).toEqual([])
    await driver.send('user-events', eventOf('x', 1_000 + waitMs + latenessMs, 'search', { itemId: null, listId: null }))
    // The watermark stands exactly at the deadline: a click of that time may still come.
    expect(driver.read('rewards')).toEqual([])
    await driver.send('user-events', eventOf('y', 1_001 + waitMs + latenessMs, 'search', { itemId: null, listId: null }))
    expect(driver.readKeyed('rewards')).toEqual([
      {
        key: 'learned',
        partition: expect.any(Number),
        value: expect.objectContaining({
          decisionId: 'd',
          sequence: 0,
          sourcePartition: 0,
          closedMs: 1_000 + waitMs,
          slots: [
            expect.objectContaining({ reward: 0.3, clicked: true, liked: false, purchased: false }),
            expect.objectContaining({ reward: 0, clicked: false }),
            expect.objectContaining({ reward: 0, clicked: false }), // The same item again: its first slot has the reward.
          ],
        }),
      },
    ])
  })

  it('combines outcomes of a slot by the strongest; a view from the list is a click, a dismissal is nothing', async () => {
    const outcomes: [string, UserEvent[], number][] = [
      ['d1', [eventOf('1', 1_100, 'view'), eventOf('2', 1_100, 'like'), eventOf('3', 1_200, 'dismiss')], 0.6],
      ['d2', [eventOf('1', 1_100, 'purchase'), eventOf('2', 1_200, 'click')], 1],
      ['d3', [eventOf('1', 1_100, 'dismiss')], 0],
      ['d4', [eventOf('1', 1_100, 'view')], 0.3],
      ['d5', [eventOf('1', 1_100, 'add_to_cart'), eventOf('1', 1_150, 'purchase')], 0.6], // One id: the first counts.
      ['d6', [eventOf('1', 1_000 + waitMs)], 0.3],
      ['d7', [eventOf('1', 1_001 + waitMs)], 0],
      ['d8', [eventOf('1', 999)], 0],
      ['d9', [eventOf('1', 1_100, 'rating', { rating: 5 })], 0],
    ]
    for (const [id, events, reward] of outcomes) {
      const driver = driverOf()
      await driver.send('decisions', decisionOf(id, 1_000), decisionOf('far', 99_000, { listId: 'x' }))
      await driver.send('user-events', ...events, eventOf('x', 99_000, 'click', { listId: null }))
      expect([id, driver.read('rewards')[0]?.slots[0]?.reward]).toEqual([id, reward])
    }
  })

  it.each(outcomeFunctions)(
    '%s: one reward of several outcomes, whatever their order and however often they come',
    async (outcome) => {
      const kinds = ['click', 'like', 'purchase', 'dismiss'] as const
      const worth = { click: 0.3, like: 0.6, purchase: 1, dismiss: -0.5 }
      const happened = fc.array(fc.record({ kind: fc.constantFrom(...kinds), atMs: fc.integer({ min: 0, max: 400 }) }), {
        maxLength: 6,
      })
      await fc.assert(
        fc.asyncProperty(happened, fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat()), async (all, cut, draws) => {
          const events = all.map(({ kind, atMs }, at) => eventOf(`e${at}`, 1_000 + atMs, kind))
          const sent = [...events, ...events.slice(0, 2)]
            .map((event) => ({ event, at: draws.next().value! }))
            .sort((a, b) => a.at - b.at)
            .map(({ event }) => event)
          const driver = new TopologyDriver(rewards, { rewards: { waitMs, latenessMs, outcome, dismissed: -0.5 } })
          await driver.send('decisions', decisionOf('d', 1_000), decisionOf('far', 99_000, { listId: 'x' }))
          for (let from = 0; from < sent.length; from += cut) await driver.send('user-events', ...sent.slice(from, from + cut))
          await driver.send('user-events', eventOf('x', 99_000, 'click', { listId: null }))
          // By definition: of the same time the smaller id came first.
          const inTime = all.map(({ kind, atMs }, at) => ({ kind, at: atMs * 10 + at })).sort((a, b) => a.at - b.at)
          const values = inTime.map(({ kind }) => worth[kind])
          const sum = values.reduce((total, value) => total + value, 0)
          const expected = {
            max: Math.max(...values),
            min: Math.min(...values),
            sum,
            mean: sum / values.length,
            earliest: values[0]!,
            latest: values.at(-1)!,
          }
          const [slot] = driver.read('rewards')[0]!.slots
          expect(slot!.reward).toBeCloseTo(values.length === 0 ? 0 : expected[outcome], 9)
          expect([slot!.clicked, slot!.purchased]).toEqual([values.some((value) => value > 0), values.includes(1)])
        }),
        { numRuns: 25 },
      )
    },
  )

  it('gives an outcome to the latest showing of its list at or before it', async () => {
    const driver = driverOf()
    await driver.send('user-events', eventOf('e', 1_600), eventOf('f', 1_400, 'purchase'))
    await driver.send('decisions', decisionOf('late', 1_500), decisionOf('early', 1_000))
    await driver.send('decisions', decisionOf('far', 99_000, { listId: 'x' }))
    await driver.send('user-events', eventOf('x', 99_000, 'click', { listId: null }))
    expect(driver.read('rewards').map((row) => [row.decisionId, row.sequence, row.slots[0]!.reward])).toEqual([
      ['early', 0, 1],
      ['late', 2, 0.3], // Between them the purchase is swept: each timer that fires takes a number.
    ])
  })

  it('tells late records and outcomes that no showing took, and keeps nothing for ever', async () => {
    const driver = driverOf()
    await driver.send('decisions', decisionOf('d', 10_000), decisionOf('too late', 1_000))
    await driver.send(
      'user-events',
      eventOf('unknown list', 10_000, 'click', { listId: 'nowhere' }),
      eventOf('unknown item', 10_100, 'click', { itemId: 'z' }),
      eventOf('late', 2_000),
      eventOf('late, but nothing here', 2_000, 'view', { listId: null }),
    )
    await driver.send('decisions', decisionOf('far', 99_000, { listId: 'x' }))
    await driver.send('user-events', eventOf('x', 99_000, 'click', { listId: null }))
    expect(driver.read('rewards').map((row) => row.decisionId)).toEqual(['d'])
    expect(
      driver
        .read('late-records')
        .map((late) => late.id)
        .sort(),
    ).toEqual([
      'rewards/decisions/0/1/join',
      'rewards/user-events/0/0/join-unmatched',
      'rewards/user-events/0/1/join-unmatched',
      'rewards/user-events/0/2/join',
    ])
    await driver.send('decisions', decisionOf('farther', 199_000, { listId: 'y' }))
    await driver.send('user-events', eventOf('y', 199_000, 'click', { listId: null }))
    const families = [...(await driver.stateOf()).keys()].map((key) => key.slice(0, key.indexOf(':')))
    expect(families.sort()).toEqual(['due', 'due', 'due-index', 'due-index', 'list', 'open-counts', 'progress', '~time'])
  })

  it('fires on a tick once an input is idle; outcomes of a showing closed so are late, not lost', async () => {
    const driver = driverOf()
    await driver.send('user-events', eventOf('first', 1_000, 'click', { listId: null }))
    await driver.send('decisions', decisionOf('d', 1_000))
    await driver.tick(4_000)
    await driver.send('decisions', decisionOf('later', 50_000, { listId: 'x' }))
    await driver.tick(4_000)
    expect(driver.read('rewards').map((row) => [row.decisionId, row.slots[0]!.reward])).toEqual([['d', 0]])
    await driver.send('user-events', eventOf('e', 1_500, 'purchase'))
    expect(driver.read('rewards')).toEqual([])
    expect(driver.read('late-records').map((late) => late.id)).toEqual(['rewards/user-events/0/1/join-unmatched'])
  })

  it('sets invalid showings aside and passes over invalid events; neither holds state', async () => {
    const driver = driverOf()
    const now = driver.clock.nowMs()
    await driver.send(
      'decisions',
      decisionOf('far ahead', now + 400_000),
      decisionOf('', now),
      decisionOf('unlikely', now, { slots: [{ ...slotOf('a', 0), propensity: 0 }] }),
      decisionOf('d', now),
    )
    await driver.send('user-events', eventOf('far ahead', now + 400_000), eventOf('', now), eventOf('e', now))
    const rest = await driver.stateOf()
    expect([...rest.keys()].filter((key) => key.startsWith('list:'))).toEqual(['list:u/l'])
    expect([...rest.keys()].filter((key) => key.startsWith('due:'))).toHaveLength(2) // Close and sweep, and forget.
    expect(driver.read('dead-letters').map((letter) => [letter.offset, letter.reason])).toEqual([
      [0, 'timeMs: 400000 ms ahead of the log'],
      [1, 'decisionId: must be 1 to 128 bytes'],
      [2, 'slots: the propensity 0 of a is not within (0, 1]'],
    ])
  })

  it('corrects a row as long as the wait of the outcome lasts, with what it said before', async () => {
    const options = { waits: { purchaseMs: 60_000 }, update: 'provisional', default: -0.1 } as const
    const driver = driverOf(options)
    await driver.send('decisions', decisionOf('d', 1_000))
    const at = (timeMs: number) => eventOf(`time ${timeMs}`, timeMs, 'search', { itemId: null, listId: null })
    await driver.send('decisions', decisionOf('far', 99_000, { listId: 'x' }))
    const bought = { price: 12.5, quantity: 2 }
    await driver.send(
      'user-events',
      at(1_600),
      eventOf('click', 1_400),
      at(30_000),
      // Read long after it happened, but within its wait; the click's was over.
      eventOf('late purchase', 1_300, 'purchase', bought),
      eventOf('late click', 1_350, 'click', { itemId: 'b' }),
      eventOf('repeated', 40_000, 'purchase', bought),
      eventOf('repeated', 40_000, 'purchase', bought),
      eventOf('too late', 61_001, 'purchase', bought),
      at(99_000),
    )
    const rows = driver.read('rewards')
    expect(rows.map(({ revision, closedMs, sequence }) => [revision, closedMs, sequence])).toEqual([
      [0, 1_000, 0],
      [1, 1_400, 1],
      [2, 29_500, 2],
      [3, 40_000, 3],
    ])
    const nothing = { reward: -0.1, clicked: false, liked: false, purchased: false, revenue: 0 }
    const click = { ...nothing, reward: 0.3, clicked: true }
    const purchase = { reward: 1, clicked: true, liked: true, purchased: true, revenue: 25 }
    const told = rows.map(({ slots }) => slots.map(({ slot: _slot, ...outcome }) => outcome))
    expect(told).toEqual([
      [nothing, nothing, nothing].map((now) => ({ ...now, before: null })),
      [{ ...click, before: nothing }, ...[nothing, nothing].map((now) => ({ ...now, before: nothing }))],
      [{ ...purchase, before: click }, ...[nothing, nothing].map((now) => ({ ...now, before: nothing }))],
      [{ ...purchase, revenue: 50, before: purchase }, ...[nothing, nothing].map((now) => ({ ...now, before: nothing }))],
    ])
    const late = driver.read('late-records').map(({ id, content }) => [id.split('/').at(-1), JSON.parse(content).eventId])
    expect(late).toEqual([['join', 'late click']])
    await driver.send('decisions', decisionOf('farther', 299_000, { listId: 'y' }))
    await driver.send('user-events', at(299_000))
    expect(driver.read('late-records').map(({ content }) => JSON.parse(content).eventId)).toEqual(['too late'])
  })

  it('tells a showing beyond the bound whole and takes others in once a wait is over', async () => {
    const driver = driverOf({ openMax: 2 })
    const ids = ['a', 'b', 'c', 'd']
    const shown = ids.map((id, at) =>
      decisionOf(id, [1_000, 1_100, 1_200, 1_200 + waitMs + latenessMs + 100][at]!, { listId: id }),
    )
    await driver.send('decisions', ...shown, decisionOf('e', 9_000, { listId: 'e' }))
    await driver.send('user-events', eventOf('x', 99_000, 'click', { listId: null }))
    await driver.send('decisions', decisionOf('far', 99_000, { listId: 'x' }))
    expect(driver.read('rewards').map(({ decisionId }) => decisionId)).toEqual(['a', 'b', 'e'])
    const late = driver.read('late-records').map(({ id, content }) => [id, JSON.parse(content).decisionId])
    expect(late).toEqual([
      ['rewards/decisions/0/2/join-full', 'c'],
      ['rewards/decisions/0/3/join-full', 'd'],
    ])
  })

  it('serves what comes behind a mark record by record: batches may be cut anywhere', async () => {
    const rowsOf = async (cuts: readonly number[]) => {
      const driver = driverOf({ waits: { clickMs: 1_000, purchaseMs: 60_000 } })
      await driver.send('user-events', eventOf('first', 1_000, 'click', { listId: null }))
      await driver.send('decisions', decisionOf('d', 1_000), decisionOf('d2', 1_200, { listId: 'm' }))
      await driver.tick(4_000)
      await driver.send('decisions', decisionOf('later', 20_000, { listId: 'x' }))
      await driver.tick(4_000)
      const behind = [
        eventOf('e1', 5_000, 'purchase'),
        eventOf('e2', 4_900, 'purchase', { listId: 'm' }),
        eventOf('e3', 1_700, 'click', { itemId: 'b' }),
        eventOf('e4', 6_000, 'purchase', { itemId: 'b' }),
      ]
      for (let at = 0, n = 0; at < behind.length; at += cuts[n]!, n++)
        await driver.send('user-events', ...behind.slice(at, at + cuts[n]!))
      const rows = driver.read('rewards')
      expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, at) => at))
      return rows.map(({ decisionId, revision, slots }) => `${decisionId}.${revision} ${slots.map(({ reward }) => reward)}`)
    }
    const whole = await rowsOf([4])
    expect(whole).toEqual(['d.0 0,0,0', 'd2.0 0,0,0', 'd.1 1,0,0', 'd2.1 1,0,0', 'd.2 1,1,0'])
    for (const cuts of [
      [1, 1, 1, 1],
      [1, 3],
      [2, 2],
      [3, 1],
    ])
      expect(await rowsOf(cuts)).toEqual(whole)
  })

  it('with waits of days no batch rewrites more than an hour of timers', async () => {
    const driver = driverOf({ waits: { purchaseMs: 7 * 86_400_000 } })
    const count = 400
    const everyMs = 60_000
    await driver.send(
      'decisions',
      ...Array.from({ length: count }, (_, n) => decisionOf(`d${n}`, n * everyMs + 1, { listId: `l${n}` })),
    )
    const indexes = [...(await driver.stateOf())].filter(([key]) => key.startsWith('due-index:'))
    expect(indexes.map(([, bytes]) => bytes.length).every((length) => length < 300)).toBe(true)
    await driver.send('user-events', eventOf('x', 40 * 86_400_000, 'click', { listId: null }))
    await driver.send('decisions', decisionOf('far', 40 * 86_400_000, { listId: 'x' }))
    expect(driver.read('rewards')).toHaveLength(count)
    const left = [...(await driver.stateOf()).keys()].filter((key) => key.startsWith('due') || key.startsWith('list'))
    expect(left).toHaveLength(8) // Those of `far`: three timers, their hours, the index of hours, its list.
  })

  it('refuses a wait that is no wait', () => {
    expect(() => rewards.graph({ rewards: { waitMs: 0, latenessMs } })).toThrow('waitMs must be above 0')
  })

  it.each(ways)('makes the rows of the definition whatever the interleaving, the cuts and the crashes: %o', async (way) => {
    const options = { ...way, waitMs, latenessMs }
    let joins = 0
    let corrections = 0
    await fc.assert(
      fc.asyncProperty(shopLogOf('u'), fc.infiniteStream(fc.nat({ max: 99 })), async (log, dice) => {
        const roll = (below: number) => dice.next().value! % below
        const expected = joined(log, options)
        joins += expected.rows.filter(({ slots }) => slots.some(([reward]) => reward > 0)).length
        corrections += expected.rows.filter(({ revision }) => revision > 0).length
        let state: string | undefined
        for (const crashes of [0, 0, 2]) {
          const run = await play(log, { options, roll, crashes })
          expect(run.rows.map(outline)).toEqual(expected.rows)
          expect(run.late).toEqual(expected.late)
          state ??= run.state
          expect(run.state).toBe(state)
          expect(chainsOf(run.rows)).toEqual([])
        }
      }),
      { numRuns: 40 },
    )
    // The property must not hold for want of clicks, or of what comes after a row.
    expect(joins).toBeGreaterThan(15)
    if (Object.keys(way).length > 0) expect(corrections).toBeGreaterThan(10)
  })

  it.each(ways)('an erasure takes rows of one person away and moves nothing of others, whenever it is read: %o', async (way) => {
    const options = { ...way, waitMs, latenessMs }
    let gone = 0
    await fc.assert(
      fc.asyncProperty(shopLogOf('u', 'v'), fc.infiniteStream(fc.nat({ max: 99 })), async (log, dice) => {
        const roll = (below: number) => dice.next().value! % below
        const numbered = new Map(joined(log, options).rows.map((row) => [row.sequence, row]))
        const calm = await play(log, { options, roll, crashes: 0 })
        for (const crashes of [1, 3]) {
          const run = await play(log, { options, roll, crashes, erased: ['v', 'v'] })
          for (const row of run.rows) expect(outline(row)).toEqual(numbered.get(row.sequence))
          expect(run.rows.filter(({ userId }) => userId === 'u')).toEqual(calm.rows.filter(({ userId }) => userId === 'u'))
          expect(run.late.filter((id) => !calm.late.includes(id))).toEqual([])
          expect(await learnedOf('u', run)).toEqual(await learnedOf('u', calm))
          gone += calm.rows.length - run.rows.length
        }
      }),
      { numRuns: 30 },
    )
    expect(gone).toBeGreaterThan(15)
  })
})

/** What bandits and experiments make of everything that left, repeats too, where a person has a policy and an experiment of their own. */
async function learnedOf(userId: string, { sent }: Pick<Awaited<ReturnType<typeof play>>, 'sent'>): Promise<[string, string][]> {
  const sums = new TopologyDriver(bandit, {})
  await sums.send('rewards', ...sent.rows)
  const tallies = new TopologyDriver(experiments, { experiments: new ExperimentTable() })
  await tallies.send('experiment-deltas', ...sent.deltas.map((value) => ({ key: value.experiment, value })))
  const states = [...(await sums.stateOf()), ...(await tallies.stateOf())]
  const own = states.filter(([key]) => [`policy:${userId}`, `tally:${userId}`].includes(key) || key.startsWith(`arm:${userId}/`))
  return own.map(([key, bytes]) => [key, Buffer.from(bytes).toString('hex')])
}

/** Rows that do not say before what the row before them said. */
function chainsOf(rows: readonly Reward[]): string[] {
  const last = new Map<string, Reward>()
  return rows.flatMap((row) => {
    const name = `${row.decisionId} ${row.timeMs}`
    const told = last.get(name)?.slots.map(({ slot: _slot, before: _before, ...now }) => now)
    last.set(name, row)
    const before = row.revision === 0 ? undefined : row.slots.map((slot) => slot.before)
    return JSON.stringify(before) === JSON.stringify(told) ? [] : [name]
  })
}

/** Few lists, ids and times, so that edges, ties and repeats are frequent; times wander upwards, some records come late. */
const timesOf = (count: number) =>
  fc.array(fc.integer({ min: -3, max: 5 }), { minLength: 1, maxLength: count, size: 'max' }).map((steps) => {
    let at = 20
    return steps.map((step) => {
      at += step
      return Math.max(1, at) * 250
    })
  })
const shopLogOf = (...users: readonly string[]): fc.Arbitrary<ShopLog> =>
  fc.tuple(timesOf(40), timesOf(40), fc.infiniteStream(fc.nat({ max: 9_999 }))).map(([decisionTimes, eventTimes, dice]) => {
    const roll = (below: number) => dice.next().value! % below
    const types = ['view', 'click', 'like', 'purchase', 'dismiss', 'search'] as const
    return {
      decisions: decisionTimes.map((timeMs) => {
        const id = roll(14)
        const userId = users[roll(users.length)]!
        const assignments = [{ experiment: userId, variant: 'all' }]
        return decisionOf(`d${id}`, timeMs, { userId, policy: userId, assignments, listId: `l${id % 2}` })
      }),
      events: eventTimes.map((timeMs) => {
        const id = roll(40)
        const itemId = ['a', 'b', 'z'][roll(3)]!
        const listId = roll(8) === 0 ? null : `l${id % 2}`
        return eventOf(`e${id}`, timeMs, types[roll(types.length)]!, {
          userId: users[roll(users.length)]!,
          listId,
          itemId,
          price: roll(500) / 100,
          quantity: roll(3),
        })
      }),
    }
  })

interface Play {
  readonly options: JoinOptions
  readonly roll: (below: number) => number
  readonly crashes: number
  /** Who is erased, one after the other, somewhere on the way. */
  readonly erased?: readonly string[]
}

/** One run: random interleaving and cuts; a crash loses up to three commits after their outputs were sent, and the logs are read again. */
async function play(log: ShopLog, { options, roll, crashes, erased = [] }: Play) {
  const state = new RecedingStore({ topology: 'rewards', partition: 0 })
  const rows = new Map<number, Reward>()
  const late = new Set<string>()
  const sent: { rows: Reward[]; deltas: ExperimentDelta[] } = { rows: [], deltas: [] }
  for (let crash = 0; crash <= crashes; crash++) {
    const store = crash < crashes ? failingAfter(state.store, roll(12)) : state.store
    const driver = new TopologyDriver(rewards, { rewards: options }, { state: store })
    try {
      let decisionsAt = 0
      let eventsAt = 0
      let erasedAt = 0
      while (decisionsAt < log.decisions.length || eventsAt < log.events.length) {
        const count = 1 + roll(5)
        if (erasedAt < erased.length && roll(8) === 0) await driver.send('users', { key: erased[erasedAt++]!, value: null })
        if (eventsAt >= log.events.length || (decisionsAt < log.decisions.length && roll(2) === 0)) {
          await driver.send('decisions', ...log.decisions.slice(decisionsAt, decisionsAt + count))
          decisionsAt += count
        } else {
          await driver.send('user-events', ...log.events.slice(eventsAt, eventsAt + count))
          eventsAt += count
        }
      }
    } catch (error) {
      expect(String(error)).toContain('crash by plan')
      await state.goBack(roll(3))
    }
    const left = driver.read('rewards')
    sent.rows.push(...left)
    sent.deltas.push(...driver.read('experiment-deltas'))
    for (const row of left) {
      const before = rows.get(row.sequence)
      if (before) expect(outline(row)).toEqual(outline(before))
      else rows.set(row.sequence, row)
    }
    for (const record of driver.read('late-records')) late.add(record.id)
    if (crash === crashes) {
      const entries = [...(await driver.stateOf())].map(([key, bytes]) => `${key} ${Buffer.from(bytes).toString('hex')}`)
      return {
        rows: [...rows.values()].sort((a, b) => a.sequence - b.sequence),
        late: [...late].sort(),
        sent,
        state: entries.join('\n'),
      }
    }
  }
  throw new Error('unreachable')
}

function outline(row: Reward): RowOutline {
  const slots = row.slots.map(({ reward, revenue }) => [reward, revenue] as const)
  const { decisionId: id, timeMs, revision, closedMs: asOfMs, sequence } = row
  return { id, timeMs, revision, asOfMs, sequence, slots }
}
