import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { readRewards } from '../../cli/read-rewards.ts'
import { ManualClock } from '../../core/clock.ts'
import type { GroupOptions, LogBatch } from '../../ports/event-log.ts'
import { Engine } from '../../runtime/engine.ts'
import { defaultTaskLimits } from '../../runtime/task-limits.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Decision } from '../../schemas/decision.ts'
import { eventTypes, type UserEvent } from '../../schemas/user-event.ts'
import type { ShopRecord } from '../../simulator/record-shop.ts'
import { rewards } from '../../topologies/rewards.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { Stack } from '../e2e/stack.ts'
import { decisionOf, eventOf } from '../operators/reward-fixture.ts'
import { openMs, shopEvent } from '../topologies/shop-events.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const latenessMs = 10 * minuteMs
const share = fc.nat({ max: 1_000 }).map((thousandths) => thousandths / 1_000)

/** Anything with an event time, and how much of the allowance it is on its way, 0–1. */
interface Travelling<T> {
  readonly value: T
  readonly delay: number
}

/** In order of arrival: nothing overtakes anything by more than the allowance, so nothing is late. */
function arrivals<T extends { readonly timeMs: number }>(sent: readonly Travelling<T>[], allowanceMs: number): T[] {
  const arriving = sent.map(({ value, delay }) => ({ value, atMs: value.timeMs + Math.floor(delay * allowanceMs) }))
  return arriving.sort((a, b) => a.atMs - b.atMs).map(({ value }) => value)
}

function byTime<T extends { readonly timeMs: number }>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => a.timeMs - b.timeMs)
}

function driveFeatures() {
  return new TopologyDriver(userFeatures, { features: { latenessMs } })
}

/** The features after events that came in this order, in batches of `cut`; nothing may be late. */
async function featuresOf(events: readonly UserEvent[], cut = 7) {
  const driver = driveFeatures()
  const loggedMs = Math.max(...events.map(({ timeMs }) => timeMs))
  for (let at = 0; at < events.length; at += cut)
    await driver.send('user-events', ...events.slice(at, at + cut).map((value) => ({ value, loggedMs })))
  expect(driver.read('late-records')).toEqual([])
  expect(driver.read('dead-letters')).toEqual([])
  return driver.read('feature-updates').at(-1)!.features
}

describe('any arrival order inside the allowance', () => {
  it('gives the same windows, counters and item lists', async () => {
    let reordered = 0
    const types = ['view', 'click', 'purchase', 'add_to_cart', 'like'] as const
    const draw = fc.record({
      stepMs: fc.integer({ min: 1, max: 8 * hourMs }),
      near: fc.boolean(),
      type: fc.constantFrom(...types),
      delay: share,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(draw, { minLength: 2, maxLength: 40, size: 'max' }),
        fc.integer({ min: 1, max: 9 }),
        async (draws, cut) => {
          let timeMs = openMs
          const sent = draws.map(({ stepMs, near, type, delay }, index) => {
            timeMs += near ? stepMs % (2 * minuteMs) : stepMs
            return { value: shopEvent(`e${index}`, type, timeMs + index, { itemId: `i${index % 9}`, price: 1 + index }), delay }
          })
          const order = arrivals(sent, latenessMs)
          const straight = byTime(order)
          if (order.some((event, at) => event !== straight[at])) reordered++
          const [one, other] = [await featuresOf(order, cut), await featuresOf(straight, cut)]
          // Prices are whole, so the sums are exact in any order.
          for (const field of ['week', 'recent', 'counts', 'purchased', 'firstSeenMs', 'lastActiveMs'] as const)
            expect(one[field]).toEqual(other[field])
        },
      ),
      { numRuns: 60 },
    )
    expect(reordered).toBeGreaterThan(20)
  })

  // A session is what was going on when its events came (F2.12): its first event opens it, its lists are in order of arrival.
  // Stays are shorter than the gap that ends a session: an event that would bridge a longer gap must have come in time to.
  it('gives the same sessions, once each was opened by its first event', async () => {
    const stay = fc.array(
      fc.record({
        atMs: fc.integer({ min: 1, max: 25 * minuteMs }),
        item: fc.nat({ max: 5 }),
        search: fc.boolean(),
        delay: share,
      }),
      { maxLength: 12 },
    )
    let reordered = 0
    await fc.assert(
      fc.asyncProperty(fc.array(stay, { minLength: 1, maxLength: 4 }), async (stays) => {
        const sent = stays.flatMap((events, visit) => {
          const startMs = openMs + visit * 2 * hourMs
          const first = { value: shopEvent(`v${visit}`, 'view', startMs, { itemId: 'door', price: 1 }), delay: 0 }
          const later = events.map(({ atMs, item, search, delay }, index) => {
            const fields = search ? {} : { itemId: `i${item}`, price: 1 + item, category: ['c'] }
            return { value: shopEvent(`v${visit}e${index}`, search ? 'search' : 'click', startMs + atMs, fields), delay }
          })
          return [first, ...later]
        })
        const order = arrivals(sent, latenessMs)
        const straight = byTime(order)
        if (order.some((event, at) => event !== straight[at])) reordered++
        const sessions = [await featuresOf(order), await featuresOf(straight)].map(({ session }) => ({
          ...session,
          items: [...session.items].sort(),
        }))
        expect(sessions[0]).toEqual(sessions[1])
        expect(sessions[0]).toMatchObject({ startMs: openMs + (stays.length - 1) * 2 * hourMs, events: 1 + stays.at(-1)!.length })
      }),
      { numRuns: 60 },
    )
    expect(reordered).toBeGreaterThan(20)
  })

  it('gives the same rewards in the same order, however the inputs are reordered, interleaved and cut', async () => {
    const waitMs = 5_000
    const allowanceMs = 2_000
    const drive = async (decisions: readonly Decision[], events: readonly UserEvent[], roll: () => number) => {
      const driver = new TopologyDriver(rewards, { rewards: { waitMs, latenessMs: allowanceMs } })
      const left = { decisions: [...decisions], 'user-events': [...events] }
      while (left.decisions.length + left['user-events'].length > 0) {
        const topic = left.decisions.length > 0 && (left['user-events'].length === 0 || roll() < 50) ? 'decisions' : 'user-events'
        await driver.send(topic, ...(left[topic].splice(0, 1 + (roll() % 4)) as never[]))
      }
      // Something far on both inputs lets everything fire.
      await driver.send('decisions', decisionOf('end', 1e9, { listId: 'end' }))
      await driver.send('user-events', eventOf('end', 1e9, 'search', { itemId: null, listId: null }))
      return { rows: driver.read('rewards'), late: driver.read('late-records').map(({ id }) => id.split('/').at(-1)) }
    }
    const draw = fc.record({ timeMs: fc.integer({ min: 1_000, max: 30_000 }), list: fc.nat({ max: 2 }), delay: share })
    let joined = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(draw, { minLength: 1, maxLength: 12 }),
        fc.array(draw, { minLength: 1, maxLength: 25 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
        async (shown, done, dice) => {
          const decisions = shown.map(({ timeMs, list, delay }, index) => ({
            value: decisionOf(`d${index}`, timeMs, { listId: `l${list}` }),
            delay,
          }))
          const events = done.map(({ timeMs, list, delay }, index) => ({
            value: eventOf(`e${index}`, timeMs, index % 3 === 0 ? 'purchase' : 'click', {
              listId: `l${list}`,
              itemId: index % 2 ? 'a' : 'b',
            }),
            delay,
          }))
          const roll = () => dice.next().value!
          const one = await drive(arrivals(decisions, allowanceMs), arrivals(events, allowanceMs), roll)
          const straight = [byTime(arrivals(decisions, 0)), byTime(arrivals(events, 0))] as const
          const other = await drive(...straight, () => 0)
          expect(one.rows).toEqual(other.rows)
          expect(one.rows).toHaveLength(shown.length)
          // What no row counts is told by the sweep, but nothing by the door.
          expect([...one.late].sort()).toEqual([...other.late].sort())
          expect(one.late).not.toContain('join')
          joined += one.rows.filter(({ slots }) => slots.some(({ reward }) => reward > 0)).length
        },
      ),
      { numRuns: 60 },
    )
    expect(joined).toBeGreaterThan(30)
  })
})

describe('an idle input', () => {
  it('does not freeze the timers of the other: a tick moves them on once it was silent', async () => {
    const driver = new TopologyDriver(rewards, { rewards: { waitMs: 2_000, latenessMs: 500 } })
    await driver.send('decisions', decisionOf('d1', 1_000), decisionOf('d2', 60_000))
    expect(driver.read('rewards')).toEqual([])
    await driver.tick()
    // Both inputs were silent: nobody knows what time it is.
    expect(driver.read('rewards')).toEqual([])
    await driver.send('decisions', decisionOf('d3', 61_000))
    await driver.tick(1)
    expect(driver.read('rewards').map(({ decisionId }) => decisionId)).toEqual(['d1'])
    // What then comes on the silent input is not lost for later rows.
    await driver.send('user-events', eventOf('e', 60_100))
    await driver.send('decisions', decisionOf('d4', 90_000))
    await driver.send('user-events', eventOf('x', 90_000, 'search', { itemId: null, listId: null }))
    const rows = driver.read('rewards')
    expect(rows.map(({ decisionId, slots }) => [decisionId, slots[0]!.clicked])).toEqual([
      ['d2', true],
      ['d3', false],
    ])
  })

  it('is none while records of it lie in the log, however late they are delivered, the first and later ones', async () => {
    const timing = { waitMs: 2_000, latenessMs: 500 }
    const stack = await Stack.open(
      loadConfig(undefined, { partitions: 1, embedded: { path: ':memory:' }, topologies: ['rewards'], rewards: timing }),
    )
    const append = (record: ShopRecord) => stack.append([stack.encoded(record)])
    const shown = (id: string, timeMs: number) => append({ topic: 'decisions', key: 'u', value: decisionOf(id, timeMs), timeMs })
    const done = (value: UserEvent) => append({ topic: 'user-events', key: 'u', value, timeMs: value.timeMs })
    const withheld: (() => void)[] = []
    const join = ({ handler, ...options }: GroupOptions) => {
      const batch = (read: LogBatch) => {
        if (read.topic === 'user-events') withheld.push(() => handler.batch(read))
        else handler.batch(read)
      }
      return stack.ports.log.join({ ...options, handler: { ...handler, batch } })
    }
    const asked: string[] = []
    const offsets = (topic: string) => {
      asked.push(topic)
      return stack.ports.log.offsets(topic)
    }
    const own: Readonly<Record<PropertyKey, unknown>> = { join, offsets }
    const log = new Proxy(stack.ports.log, {
      get: (target, name) => own[name] ?? (Reflect.get(target, name) as () => unknown).bind(target),
    })
    const clock = new ManualClock(1_700_000_000_000)
    let batches = 0
    let decisionsApplied = 0
    const engine = new Engine(
      { ...stack.ports, log, clock },
      {
        graphs: [() => rewards.graph({ rewards: timing })],
        partitions: 1,
        limits: defaultTaskLimits,
        onBatch: (_topology, _partition, { topic, records }) => {
          batches++
          if (topic === 'decisions') decisionsApplied += records
        },
        onFailed: (_, error) => expect.fail(String(error)),
      },
    )
    await shown('d1', 1_000)
    await done(eventOf('e', 1_100))
    await done(eventOf('x', 90_000, 'search', { itemId: null, listId: null }))
    await engine.start()
    await waitUntil('the first showing is applied', () => batches === 1)
    clock.advance(defaultTaskLimits.idleMs - 1)
    await shown('d2', 60_000)
    await waitUntil('the second is', () => batches === 2)
    clock.advance(1)
    await waitUntil('the events were read', () => withheld.length > 0)
    for (const deliver of withheld.splice(0)) deliver()
    await waitUntil('they are applied', () => batches === 3)
    const before = asked.length
    clock.advance(defaultTaskLimits.idleMs - 1)
    await done(eventOf('f', 100_050))
    await waitUntil('it was read', () => withheld.length > 0)
    await shown('d3', 100_000)
    await shown('d4', 130_000)
    await waitUntil('all showings are applied', () => decisionsApplied === 4)
    clock.advance(1)
    await waitUntil('the log was asked', () => asked.length > before)
    for (const deliver of withheld) deliver()
    await done(eventOf('y', 130_000, 'search', { itemId: null, listId: null }))
    await waitUntil('the last event was read', () => withheld.length > 1)
    withheld.at(-1)!()
    expect(asked.slice(before)).toEqual(['user-events']) // Others move no time, or do not rest.
    await stack.untilCaughtUp(10_000, ['rewards'])
    await engine.stop()
    expect(
      (await Array.fromAsync(readRewards(stack.ports))).map(({ decisionId, slots }) => [decisionId, slots[0]!.clicked]),
    ).toEqual([
      ['d1', true],
      ['d2', false],
      ['d3', true],
    ])
    expect((await stack.verify('rewards')).wrong).toEqual([])
    await stack.close()
  })

  it('does not hold back another partition', async () => {
    const driver = new TopologyDriver(rewards, { rewards: { waitMs: 2_000, latenessMs: 500 } }, { partitions: 2 })
    await driver.send('decisions', { value: decisionOf('d', 1_000), partition: 0 })
    await driver.send('decisions', { value: decisionOf('e', 9_000), partition: 0 })
    await driver.send('user-events', { value: eventOf('x', 9_000, 'search', { itemId: null, listId: null }), partition: 0 })
    expect(driver.read('rewards').map(({ decisionId }) => decisionId)).toEqual(['d'])
  })
})

describe('one wrong clock', () => {
  const loggedMs = openMs + hourMs
  const wrongMs = fc.constantFrom(loggedMs + 5 * minuteMs + 1, loggedMs + hourMs, loggedMs + 3650 * 24 * hourMs, 2 ** 52)

  it('closes nobody’s session and makes nobody late', async () => {
    await fc.assert(
      fc.asyncProperty(wrongMs, fc.constantFrom('u0', 'u1'), fc.boolean(), async (timeMs, userId, together) => {
        const driver = driveFeatures()
        const good = (id: string, atMs: number) => ({ value: shopEvent(id, 'click', atMs), loggedMs })
        const wrong = { value: shopEvent('wrong', 'click', timeMs, { userId }), loggedMs }
        await driver.send('user-events', good('a', loggedMs - 1_000))
        if (together) await driver.send('user-events', wrong, good('b', loggedMs - latenessMs), good('c', loggedMs))
        else {
          await driver.send('user-events', wrong)
          await driver.send('user-events', good('b', loggedMs - latenessMs), good('c', loggedMs))
        }
        expect(driver.read('late-records')).toEqual([])
        expect(driver.read('dead-letters').map(({ offset, reason }) => [offset, reason.split(' ')[0]])).toEqual([[1, 'timeMs']])
        const { features } = driver.read('feature-updates').at(-1)!
        expect(features).toMatchObject({ lastActiveMs: loggedMs, counts: eventTypes.map((type) => (type === 'click' ? 3 : 0)) })
        // `b` is older than the session that `a` opened; it counts, and the session goes on.
        expect(features.session).toMatchObject({ startMs: loggedMs - 1_000, events: 2 })
      }),
      { numRuns: 30 },
    )
  })

  it('fires no timer, on either input', async () => {
    await fc.assert(
      fc.asyncProperty(wrongMs, async (timeMs) => {
        const driver = new TopologyDriver(rewards, { rewards: { waitMs: 2_000, latenessMs: 500 } })
        const at = <T>(value: T) => ({ value, loggedMs })
        await driver.send('decisions', at(decisionOf('d', loggedMs - 1_000)), at(decisionOf('wrong', timeMs, { listId: 'w' })))
        await driver.send('user-events', at(eventOf('wrong', timeMs, 'click', { userId: 'w' })))
        expect(driver.read('rewards')).toEqual([])
        await driver.send('user-events', at(eventOf('e', loggedMs - 500)))
        for (const [topic, value] of [
          ['decisions', decisionOf('next', loggedMs + 4_000, { listId: 'n' })],
          ['user-events', eventOf('next', loggedMs + 4_000, 'search', { itemId: null, listId: null })],
        ] as const)
          await driver.send(topic, at(value) as never)
        expect(driver.read('rewards')).toMatchObject([{ decisionId: 'd', slots: [{ clicked: true }, {}, {}] }])
        expect(driver.read('late-records')).toEqual([])
      }),
      { numRuns: 20 },
    )
  })
})

it('what is later than the allowance is kept apart whole, exactly that, and changes nothing', async () => {
  let told = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -2 * latenessMs, max: 2 * latenessMs }), { minLength: 2, maxLength: 40, size: 'max' }),
      fc.integer({ min: 1, max: 9 }),
      async (steps, cut) => {
        let timeMs = openMs + hourMs
        const events = steps.map((stepMs, index) => {
          timeMs += stepMs
          return shopEvent(`e${index}`, 'click', timeMs)
        })
        let newestMs = Number.NEGATIVE_INFINITY
        const late = events.filter((event) => {
          const isLate = event.timeMs < newestMs - latenessMs
          newestMs = Math.max(newestMs, event.timeMs)
          return isLate
        })
        told += late.length
        const driver = driveFeatures()
        const loggedMs = newestMs
        for (let at = 0; at < events.length; at += cut)
          await driver.send('user-events', ...events.slice(at, at + cut).map((value) => ({ value, loggedMs })))
        const kept = driver.read('late-records')
        expect(kept.map(({ content }) => JSON.parse(content).eventId)).toEqual(late.map(({ eventId }) => eventId))
        // What is told is the watermark at the beginning of the batch.
        if (cut === 1) expect(kept.filter(({ eventTimeMs, watermarkMs }) => eventTimeMs >= watermarkMs)).toEqual([])
        const onTime = events.filter((event) => !late.includes(event))
        const { features } = driver.read('feature-updates').at(-1)!
        expect(features.counts[eventTypes.indexOf('click')]).toBe(onTime.length)
        expect(features.firstSeenMs).toBe(Math.min(...onTime.map((event) => event.timeMs)))
      },
    ),
    { numRuns: 60 },
  )
  expect(told).toBeGreaterThan(100)
})
