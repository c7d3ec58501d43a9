import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PolicyVersion, policyVersion } from '../../algorithms/bandits/policy-version.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import { armFamily, policyFamily } from '../../operators/fold-rewards.ts'
import type { WaitOptions } from '../../operators/outcome-waits.ts'
import type { StateFamily } from '../../ports/batch.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Decision } from '../../schemas/decision.ts'
import { explorationDefaults } from '../../schemas/exploration.ts'
import type { EventType, UserEvent } from '../../schemas/user-event.ts'
import { bandit } from '../../topologies/bandit.ts'
import { rewards } from '../../topologies/rewards.ts'
import { decisionOf, eventOf, slotOf } from '../operators/reward-fixture.ts'

it('bandit has the agreed shape', async () => {
  await expect(bandit.describe()).toMatchFileSnapshot('../golden/bandit.txt')
})

it('a click on an explored slot moves its arm, through both topologies', async () => {
  const join = new TopologyDriver(rewards, { rewards: { waitMs: 1_000, latenessMs: 0 } })
  await join.send('decisions', decisionOf('d', 1_000), decisionOf('far', 9_000, { listId: 'x' }))
  await join.send('user-events', eventOf('e', 1_100, 'purchase', { itemId: 'b' }), eventOf('x', 9_000, 'view', { listId: null }))
  const fold = new TopologyDriver(bandit, {})
  await fold.send('rewards', ...join.read('rewards'))
  expect(fold.readKeyed('bandit-updates').map(({ key, value }) => [key, value.decisions, value.rewardSum])).toEqual([
    ['learned/trend', 1, 1],
    ['learned/*', 3, 1],
  ])
})

describe('sufficient statistics', () => {
  const explorers = [policyVersion('lin-ucb'), policyVersion('beta-thompson'), policyVersion('bag')]
  const waits = { clickMs: 2_000, likeMs: 4_000, purchaseMs: 8_000, dismissMs: 1_000 }
  const waitOf: Readonly<Record<string, number>> = { click: 2_000, like: 4_000, purchase: 8_000, dismiss: 1_000 }
  const happening = fc.record({
    shown: fc.nat({ max: 9 }),
    type: fc.constantFrom('click', 'like', 'purchase', 'dismiss'),
    // Of its wait: how much later it happens, and how much later than that it is read.
    after: fc.integer({ min: 0, max: 49 }),
    delay: fc.integer({ min: 0, max: 49 }),
    repeated: fc.boolean(),
  })

  it('are the same whatever order, repetition or lateness inside the waits, held or provisional', async () => {
    let corrections = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat({ max: 99 })),
        async (all, dice) => {
          const roll = (below: number) => dice.next().value! % below
          const decisions = Array.from({ length: 10 }, (_, at) => showing(`d${at}`, 1_000 + 700 * at, explorers[at % 3]!))
          const events = all.map(({ shown, type, after, delay, repeated }, at) => {
            const { listId, timeMs } = decisions[shown]!
            const happenedMs = timeMs + Math.floor((after * waitOf[type]!) / 100)
            const event = eventOf(`e${at}`, happenedMs, type as EventType, { listId, itemId: at % 3 === 0 ? 'a' : 'b' })
            return { event, readMs: happenedMs + Math.floor((delay * waitOf[type]!) / 100), repeated }
          })
          const inTime = [...events].sort((a, b) => a.event.timeMs - b.event.timeMs).map(({ event }) => event)
          const arrived = [...events, ...events.filter(({ repeated }) => repeated)]
            .sort((a, b) => a.readMs - b.readMs)
            .map(({ event }) => event)
          const straight = await statistics(decisions, inTime, { waitMs: 8_000 }, () => 99)
          for (const update of ['hold', 'provisional'] as const) {
            const found = await statistics(decisions, arrived, { waitMs: 8_000, waits, update }, roll)
            corrections += found.corrections
            expect(found.sums).toEqual(straight.sums)
          }
          expect(straight.corrections).toBe(0)
        },
      ),
      { numRuns: 25 },
    )
    expect(corrections).toBeGreaterThan(100)
  })

  function showing(id: string, timeMs: number, { policy, version }: PolicyVersion) {
    const context = { context: [1, (timeMs % 9) / 10], arms: ['trend', 'session'], chances: [0.5, 0.5] }
    const exploration = { ...explorationDefaults, slot: 1, policy: policy.name, version, draws: 0, ...context }
    const slots = [slotOf('a', 0), slotOf('b', 1, true, timeMs % 2 ? 'trend' : 'newcomer')]
    return decisionOf(id, timeMs, { listId: `list of ${id}`, exploration, slots })
  }

  /** What bandits know after a log, without what only says how it came: all sums, by key of the state. */
  async function statistics(decisions: Decision[], events: UserEvent[], options: WaitOptions, roll: (below: number) => number) {
    const join = new TopologyDriver(rewards, { rewards: { ...options, latenessMs: 100, dismissed: -0.5, default: 0.1 } })
    const left = { decisions: [...decisions], 'user-events': [...events] }
    while (left.decisions.length + left['user-events'].length > 0) {
      const topic = left.decisions.length > 0 && (left['user-events'].length === 0 || roll(2) === 0) ? 'decisions' : 'user-events'
      await join.send(topic, ...(left[topic].splice(0, 1 + roll(4)) as never[]))
    }
    await join.send('decisions', decisionOf('end', 99_000, { listId: 'end' }))
    await join.send('user-events', eventOf('end', 99_000, 'view', { listId: null }))
    expect(join.read('late-records')).toEqual([])
    const rows = join.read('rewards')
    const fold = new TopologyDriver(bandit, {})
    for (let at = 0; at < rows.length; ) {
      const cut = 1 + roll(5)
      await fold.send('rewards', ...rows.slice(Math.max(0, at - roll(3)), at + cut))
      at += cut
      if (roll(7) === 0) await fold.restart()
    }
    const sums = [...(await fold.stateOf())].flatMap(([key, bytes]) => {
      const family = families.find(({ name }) => key.startsWith(`${name}:`))
      if (!family) return []
      const { version: _version, rows: _rows, eventTimeMs: _eventTimeMs, ...rest } = family.codec.decode(bytes)
      return [[key, rest] as const]
    })
    return { sums: new Map(sums), corrections: rows.filter(({ revision }) => revision > 0).length }
  }
})

// biome-ignore lint/suspicious/noExplicitAny: each family has its own value.
const families = [armFamily, policyFamily, learnedFamily] as readonly StateFamily<any>[]
