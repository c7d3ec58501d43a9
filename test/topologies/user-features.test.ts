import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { FeatureUpdate } from '../../schemas/feature-update.ts'
import { signalKinds } from '../../schemas/item-signals.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { failingAfter } from './failing-after.ts'
import { unpacked } from './item-signal-logs.ts'
import { type SignalRow, signalRowsOf } from './item-signals-definition.ts'
import { type LoggedEvent, openMs, shopEvent, shopEvents } from './shop-events.ts'
import { featuresOf, meanSessionOf, sessionOf, splitLog } from './user-features-definition.ts'

const latenessMs = 600_000
const ports = { features: { latenessMs } }

describe('user-features', () => {
  it('equals its definition whatever the cuts, the interleaving with profiles and the crashes', async () => {
    const told = { late: 0, invalid: 0, good: 0, together: 0 }
    await fc.assert(
      fc.asyncProperty(shopEvents, fc.infiniteStream(fc.nat({ max: 99 })), async (log, dice) => {
        const roll = (below: number) => dice.next().value! % below
        const { good, invalid, late } = splitLog(log, latenessMs)
        told.good += good.length
        told.late += late.length
        told.invalid += invalid.length
        const rows = good.flatMap(({ event, offset }, at) => {
          const own = good.slice(0, at + 1).filter((other) => other.event.userId === event.userId)
          return signalRowsOf(own.map((other) => other.event)).map((row) => `${offset} ${JSON.stringify(row)}`)
        })
        told.together += rows.filter((row) => row.includes(`,${signalKinds.coPurchase},`)).length
        let first: Awaited<ReturnType<typeof play>> | undefined
        for (const crashes of [0, 0, 2]) {
          const run = await play(log, roll, crashes)
          first ??= run
          expect(run.state).toEqual(first.state)
          expect(run.signals).toEqual(first.signals)
          expect([...run.signals].map(([place, row]) => `${place.split('/')[0]} ${JSON.stringify(row)}`).sort()).toEqual(
            [...rows].sort(),
          )
          expect(run.steps).toEqual(first.steps)
          expect(run.late).toEqual(late)
          expect(run.invalid).toEqual(invalid)
          expect([...run.updates.keys()].sort()).toEqual([...new Set(good.map(({ event }) => event.userId))].sort())
          for (const [userId, update] of run.updates)
            expectDefinition(
              update,
              good.filter(({ event }) => event.userId === userId),
            )
        }
      }),
      { numRuns: 80 },
    )
    // The property must not hold for want of cases.
    expect(Math.min(...Object.values(told))).toBeGreaterThan(50)
  }, 60_000)

  it('does not depend on the order of arrival inside the allowance, but for the session', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat({ max: latenessMs }), { minLength: 2, maxLength: 25, size: 'max' }),
        fc.infiniteStream(fc.nat({ max: 99 })),
        async (delaysMs, dice) => {
          const types = ['view', 'click', 'purchase', 'like', 'add_to_cart', 'rating', 'search'] as const
          const events = delaysMs.map((delayMs, index) => {
            const item = dice.next().value! % 6
            const type = types[dice.next().value! % types.length]!
            return shopEvent(`e${index}`, type, openMs + delayMs, {
              itemId: type === 'search' ? null : `i${item}`,
              query: `word${item} thing`,
              price: item + 0.5,
              category: [`c${item % 2}`],
            })
          })
          const one = await featuresFor(events)
          const other = await featuresFor([...events].sort((a, b) => a.timeMs - b.timeMs))
          for (const field of ['recent', 'counts', 'purchased', 'firstSeenMs', 'lastActiveMs', 'searches'] as const)
            expect(one[field]).toEqual(other[field])
          expect({ ...one.week, spend: 0 }).toEqual({ ...other.week, spend: 0 })
          expect(one.week.spend).toBeCloseTo(other.week.spend, 9)
          expect(one.orders).toEqual({
            ...other.orders,
            spend30d: expect.closeTo(other.orders.spend30d, 9),
            spend90d: expect.closeTo(other.orders.spend90d, 9),
          })
          expect(one.priceLevel).toBeCloseTo(other.priceLevel!, 9)
          expect(byName(one.categories)).toEqual(closeTo(byName(other.categories)))
          one.hours.forEach((share, hour) => void expect(share).toBeCloseTo(other.hours[hour]!, 6))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('keeps the last 50 items and 50 purchases', async () => {
    const events = Array.from({ length: 60 }, (_, index) =>
      shopEvent(`e${index}`, 'purchase', openMs + index, { itemId: `i${index}` }),
    )
    const features = await featuresFor(events)
    expect(features.recent.map(({ itemId }) => itemId)).toEqual(Array.from({ length: 50 }, (_, index) => `i${59 - index}`))
    expect(features.purchased).toEqual(Array.from({ length: 50 }, (_, index) => `i${index + 10}`))
    expect(features.session.items).toHaveLength(20)
  })

  it('takes a purchase beyond what money can tell, and shows the most it can', async () => {
    const events = [0, 1].map((at) =>
      shopEvent(`e${at}`, 'purchase', openMs + at, { price: 999_999_999_999, quantity: 2 ** 31 - 1 }),
    )
    const { week, counts } = await featuresFor(events)
    expect(week.spend).toBe(1_000_000_000_000)
    expect(counts[eventTypes.indexOf('purchase')]).toBe(2)
  })

  it('erases a person by a null profile', async () => {
    const driver = new TopologyDriver(userFeatures, ports)
    await driver.send('user-events', { value: shopEvent('e', 'click', openMs), loggedMs: openMs })
    await driver.send('users', profileOf('u0'))
    expect(driver.read('feature-updates').map((update) => update.moved)).toEqual([['click'], ['profile']])
    await driver.send('users', { key: 'u0', value: null })
    expect([...(await driver.stateOf()).keys()]).toEqual(['~time:'])
  })
})

function expectDefinition(update: FeatureUpdate, good: Parameters<typeof featuresOf>[0]): void {
  const { features } = update
  const { categories, brands, hours, priceLevel, week, day, hour, orders, ...exact } = featuresOf(good)
  expect(features).toMatchObject(exact)
  for (const [window, wanted] of [
    [features.week, week],
    [features.day, day],
    [features.hour, hour],
  ] as const)
    expect(window).toEqual({ ...wanted, spend: expect.closeTo(wanted.spend, 4) })
  expect(features.orders).toEqual({
    ...orders,
    spend30d: expect.closeTo(orders.spend30d, 4),
    spend90d: expect.closeTo(orders.spend90d, 4),
  })
  expect(byName(features.categories)).toEqual(closeTo(categories))
  expect(byName(features.brands)).toEqual(closeTo(brands))
  if (priceLevel === null) expect(features.priceLevel).toBeNull()
  else expect(features.priceLevel).toBeCloseTo(priceLevel, 6)
  features.hours.forEach((share, hour) => void expect(share).toBeCloseTo(hours[hour]!, 6))
  const meanSession = meanSessionOf(good.map(({ event }) => event))
  if (meanSession === null) expect(features.meanSessionMinutes).toBeNull()
  else expect(Math.abs(features.meanSessionMinutes! - meanSession)).toBeLessThan(1e-4 * (1 + meanSession))
  const { meanPrice, ...session } = sessionOf(good.map(({ event }) => event))
  expect(features.session).toMatchObject(session)
  if (meanPrice === null) expect(features.session.meanPrice).toBeNull()
  else expect(features.session.meanPrice).toBeCloseTo(meanPrice, 6)
}

/** One run: random cuts, profiles in between; a crash loses a commit after its outputs were sent, and the log is read again. */
async function play(log: readonly LoggedEvent[], roll: (below: number) => number, crashes: number) {
  const state = new MemoryStateStore()
  const updates = new Map<string, FeatureUpdate>()
  const signals = new Map<string, SignalRow>()
  const steps = new Map<number, unknown>()
  const late = new Set<number>()
  const invalid = new Set<number>()
  for (let crash = 0; crash <= crashes; crash++) {
    const driver = new TopologyDriver(userFeatures, ports, {
      state: crash < crashes ? failingAfter(state, roll(8)) : state,
      partitions: 1,
    })
    try {
      const profiles = ['u0', 'u1'].map(profileOf)
      for (let at = 0; at < log.length; ) {
        if (profiles.length > 0 && roll(6) === 0) await driver.send('users', profiles.shift()!)
        const count = 1 + roll(9)
        await driver.send('user-events', ...log.slice(at, at + count))
        at += count
      }
      for (const profile of profiles) await driver.send('users', profile)
    } catch (error) {
      expect(String(error)).toContain('crash by plan')
    }
    for (const update of driver.read('feature-updates')) updates.set(update.userId, update)
    for (const pack of driver.read('item-signals')) {
      const ordinals = new Map<number, number>()
      for (const { offset, timeMs, row } of unpacked(pack)) {
        const ordinal = ordinals.get(offset) ?? 0
        ordinals.set(offset, ordinal + 1)
        const other = pack.others[row]! < 0 ? null : pack.strings[pack.others[row]!]
        same(signals, `${offset}/${ordinal}`, [
          pack.strings[pack.keys[row]!]!,
          other!,
          pack.kinds[row]!,
          timeMs,
          pack.weights[row]!,
        ])
      }
    }
    for (const pack of driver.read('session-steps')) {
      pack.offsets.forEach((offset, row) => {
        same(steps, offset, [pack.strings[pack.sessions[row]!], pack.strings[pack.items[row]!], pack.timesMs[row]])
      })
    }
    for (const letter of driver.read('dead-letters')) invalid.add(letter.offset)
    for (const record of driver.read('late-records')) late.add(Number(record.id.split('/')[3]))
    if (crash < crashes) continue
    const entries = [...(await driver.stateOf())].map(([key, bytes]) => `${key} ${Buffer.from(bytes).toString('hex')}`)
    const ascending = (set: Set<number>) => [...set].sort((a, b) => a - b)
    return { updates, signals, steps, late: ascending(late), invalid: ascending(invalid), state: entries }
  }
  throw new Error('unreachable')
}

/** A resent row must be the row that was sent before. */
function same<K, V>(rows: Map<K, V>, key: K, row: V): void {
  if (rows.has(key)) expect(row).toEqual(rows.get(key))
  else rows.set(key, row)
}

async function featuresFor(events: readonly ReturnType<typeof shopEvent>[]) {
  const driver = new TopologyDriver(userFeatures, ports)
  await driver.send('user-events', ...events.map((value) => ({ value, loggedMs: openMs + latenessMs })))
  expect(driver.read('late-records')).toEqual([])
  return driver.read('feature-updates').at(-1)!.features
}

function byName(shares: readonly { name: string; weight: number }[]): Record<string, number> {
  return Object.fromEntries(shares.map(({ name, weight }) => [name, weight]))
}

function closeTo(shares: Record<string, number>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, expect.closeTo(share, 5)]))
}

function profileOf(userId: string): UserProfile {
  return { userId, ageGroup: 'unknown', gender: null, region: null, preferredCategories: [], consent: true, updatedMs: openMs }
}
