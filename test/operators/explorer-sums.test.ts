import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyVersion } from '../../algorithms/bandits/policy-version.ts'
import { weightedMean } from '../../algorithms/bandits/weighted-mean.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import { BanditTable } from '../../operators/tables/bandit-table.ts'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { type BanditUpdate, learnedName } from '../../schemas/bandit-update.ts'
import { explorationDefaults } from '../../schemas/exploration.ts'
import type { Reward } from '../../schemas/reward.ts'
import { bandit } from '../../topologies/bandit.ts'
import { decisionOf, rewardedSlot, rewardRowOf, slotOf } from './reward-fixture.ts'

/** What happened in one explored slot. */
interface Happening {
  readonly arm: string
  readonly reward: number
  readonly propensity: number
  readonly context: readonly number[]
  readonly timeMs: number
}

const thousandths = (most: number) => fc.integer({ min: 0, max: most }).map((value) => value / 1_000)
const happening: fc.Arbitrary<Happening> = fc.record({
  arm: fc.constantFrom('trend', 'fresh', 'session'),
  reward: fc.constantFrom(0, 0.3, 0.6, 1),
  propensity: thousandths(999).map((value) => value + 0.001),
  context: fc.array(thousandths(1_000), { minLength: 3, maxLength: 3 }),
  timeMs: fc.integer({ min: 1_000, max: 9_000_000 }),
})

function rewardsOf(happenings: readonly Happening[], policy: string, version: string): Reward[] {
  return happenings.map(({ arm, reward, propensity, context, timeMs }, at) => {
    const exploration = { ...explorationDefaults, slot: 0, policy, version, arms: [arm], chances: [1], draws: 0, context }
    const decision = decisionOf(`d${arm}${reward}${timeMs}${propensity}`, timeMs, { exploration })
    const slots = [rewardedSlot({ ...slotOf('a', 0, true, arm), propensity }, reward)]
    return rewardRowOf(decision, at, slots, { closedMs: timeMs + 5 })
  })
}

/** The state of all policies after rows in batches of `cut`, each sent twice, with a restart after every second batch. */
async function folded(rows: readonly Reward[], cut: number) {
  const store = new MemoryStateStore()
  const driver = new TopologyDriver(bandit, {}, { state: store })
  for (let from = 0, n = 0; from < rows.length; from += cut, n++) {
    await driver.send('rewards', ...rows.slice(from, from + cut))
    await driver.send('rewards', ...rows.slice(Math.max(0, from - 1), from + cut))
    if (n % 2 === 1) await driver.restart()
  }
  const states = [...(await driver.stateOf())].filter(([key]) => key.startsWith('learned:'))
  return { states, updates: driver.read('bandit-updates').filter(({ explorer }) => explorer.policy !== '') }
}

/** Σ of what each adds, rounded to 2⁻²⁰ and summed as whole numbers of any size. */
function exactly(values: readonly number[]): number {
  return Number(values.reduce((sum, value) => sum + BigInt(Math.round(value * 2 ** 20)), 0n)) / 2 ** 20
}

/** The sums of an arm by definition: of Beta–Bernoulli, or of a linear arm as lower triangle, Σrx, Σ1, Σr². */
const definitions: Readonly<Record<string, (seen: readonly Happening[]) => number[]>> = {
  'beta-thompson': (seen) => [exactly(seen.map(({ reward }) => reward)), exactly(seen.map(({ reward }) => 1 - reward))],
  'lin-ucb': (seen) => [
    ...[0, 1, 2].flatMap((i) =>
      Array.from({ length: i + 1 }, (_, j) => exactly(seen.map(({ context }) => context[i]! * context[j]!))),
    ),
    ...[0, 1, 2].map((i) => exactly(seen.map(({ context, reward }) => reward * context[i]!))),
    seen.length,
    exactly(seen.map(({ reward }) => reward * reward)),
  ],
}

describe('ExplorerSums', () => {
  it.each(Object.keys(definitions))('%s: sums are those of the definition, to the last bit', async (name) => {
    const { version } = policyVersion(name)
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 9 }), async (all, cut) => {
        const { states } = await folded(rewardsOf(all, name, version), cut)
        const { arms, rewards } = learnedFamily.codec.decode(states[0]![1])
        expect(rewards).toBe(all.length)
        expect(arms.map(({ arm }) => arm)).toEqual([...new Set(all.map(({ arm }) => arm))].sort())
        for (const { arm, sums, decisions, weighted } of arms) {
          const seen = all.filter((one) => one.arm === arm)
          expect([decisions, sums]).toEqual([seen.length, definitions[name]!(seen)])
          const w = seen.map(({ propensity }) => 1 / propensity)
          const mean =
            w.reduce((sum, weight, at) => sum + weight * seen[at]!.reward, 0) / w.reduce((sum, weight) => sum + weight, 0)
          expect(weightedMean(weighted).mean).toBeCloseTo(mean, 4)
        }
      }),
      { numRuns: 15 },
    )
  })

  it.each(['gaussian-thompson', 'linear-thompson', 'lin-ucb-hybrid', 'bag', 'square-cb', 'neural-linear'])(
    '%s: the same state in any order, however rows are cut, repeated and restarted',
    async (name) => {
      const { version } = policyVersion(name, name === 'linear-thompson' ? { shared: 1 } : {})
      const orders = fc
        .array(happening, { minLength: 2, maxLength: 30 })
        .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })))
      await fc.assert(
        fc.asyncProperty(orders, fc.integer({ min: 1, max: 9 }), async ([all, other], cut) => {
          const once = await folded(rewardsOf(all, name, version), all.length)
          const again = await folded(rewardsOf(other, name, version), cut)
          expect(again.states).toEqual(once.states)
          expect(again.updates.at(-1)).toEqual(once.updates.at(-1))
        }),
        { numRuns: 8 },
      )
    },
  )

  it('what fades is, at any time, what each reward has faded to', async () => {
    const halfLifeMs = 20_000
    const { policy, version } = policyVersion('beta-thompson', {}, halfLifeMs)
    const name = learnedName('learned', { policy: policy.name, version, segment: '' })
    const nowMs = 9_100_000
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 30 }), async (all) => {
        const { updates } = await folded(rewardsOf(all, policy.name, version), 4)
        const { sums } = tableOf(updates).learned(name, nowMs, halfLifeMs)
        for (const [arm, [successes]] of sums) {
          const seen = all.filter((one) => one.arm === arm)
          const expected = seen.reduce((sum, { reward, timeMs }) => sum + reward * 2 ** ((timeMs - nowMs) / halfLifeMs), 0)
          const size = seen.reduce((sum, { timeMs }) => sum + 2 ** ((timeMs - nowMs) / halfLifeMs), 0)
          expect(Math.abs(successes! - expected)).toBeLessThanOrEqual(1e-6 * size)
        }
      }),
      { numRuns: 15 },
    )
  })

  it('other settings and other segments have a state of their own; the log policy sums them up', async () => {
    const one = { arm: 'trend', reward: 1, propensity: 0.5, context: [], timeMs: 1_000 }
    const versions = [policyVersion('beta-thompson').version, policyVersion('beta-thompson', { alpha: 2 }).version]
    const rows = versions.flatMap((version) => rewardsOf([one, { ...one, reward: 0 }], 'beta-thompson', version))
    const driver = new TopologyDriver(bandit, {})
    await driver.send('rewards', ...rows.map((row, sequence) => ({ ...row, sequence })))
    const told = driver.readKeyed('bandit-updates').map(({ key, value }) => [key, value.decisions, value.learned[0]?.sums])
    expect(told).toEqual([
      ['learned/trend', 4, undefined],
      ['learned/*', 4, undefined],
      ['learned/beta-thompson/alpha=1,beta=1//*', 2, [1, 1]],
      ['learned/beta-thompson/alpha=2,beta=1//*', 2, [1, 1]],
    ])
  })

  describe('of slates', () => {
    const items = ['a', 'b', 'c']
    /** Rows of slates of the three items in some order, with what became of each place. */
    const slate = fc.record({
      order: fc.shuffledSubarray(items, { minLength: 3, maxLength: 3 }),
      rewards: fc.array(fc.constantFrom(0, 0, 0.3, 1), { minLength: 3, maxLength: 3 }),
      timeMs: fc.integer({ min: 1_000, max: 9_000 }),
    })

    function rowsOf(
      slates: readonly { order: readonly string[]; rewards: readonly number[]; timeMs: number }[],
      looked: number[],
    ) {
      const { version } = policyVersion('beta-thompson', {}, 0, { over: 'slate', looked, itemContext: 'columns' })
      return slates.map(({ order, rewards, timeMs }, sequence) => {
        const slots = order.map((item, place) =>
          rewardedSlot({ ...slotOf(item, place, true, 'session'), propensity: 1 / (3 - place) }, rewards[place]!),
        )
        const told = { ...explorationDefaults, slot: 0, policy: 'beta-thompson', version, arms: items, chances: [], draws: 0 }
        const decision = decisionOf(`d${sequence}`, timeMs, { exploration: { ...told, places: 3 } })
        return rewardRowOf(decision, sequence, slots, { closedMs: timeMs })
      })
    }

    it.each([
      { name: 'cascade', looked: [], weightOf: cascadeWeight },
      { name: 'position', looked: [1, 0.7, 0.3], weightOf: positionWeight },
    ])('$name: what its places say of each other, to the last bit, in any order and cut', async ({ looked, weightOf }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(slate, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 7 }), async (all, cut) => {
          const { states } = await folded(rowsOf(all, looked), cut)
          const again = await folded(rowsOf([...all].reverse(), looked), all.length)
          expect(again.states).toEqual(states)
          const { arms } = learnedFamily.codec.decode(states[0]![1])
          for (const item of items) {
            const seen = all.flatMap(({ order, rewards }) => {
              const place = order.indexOf(item)
              const weight = weightOf(rewards, place)
              return weight === null ? [] : [{ weight, reward: rewards[place]! }]
            })
            expect(arms.find(({ arm }) => arm === item)?.sums ?? [0, 0]).toEqual([
              exactly(seen.map(({ weight, reward }) => weight * reward)),
              exactly(seen.map(({ weight, reward }) => weight * (1 - reward))),
            ])
          }
        }),
        { numRuns: 10 },
      )
    })

    it.each([{ looked: [] }, { looked: [1, 0.7, 0.3] }])(
      'corrections leave what the last rows alone would, also where a place is seen no more: looked $looked',
      async ({ looked }) => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.tuple(slate, slate), { minLength: 1, maxLength: 12 }), async (all) => {
            const last = rowsOf(
              all.map(([first, { rewards }]) => ({ ...first, rewards })),
              looked,
            )
            const first = rowsOf(
              all.map(([one]) => one),
              looked,
            )
            const corrections = last.map((row, at) => ({
              ...row,
              ...{ revision: 1, sequence: last.length + at },
              slots: row.slots.map((slot, place) => {
                const { slot: _slot, before: _before, ...before } = first[at]!.slots[place]!
                return { ...slot, before }
              }),
            }))
            const armsAfter = async (rows: readonly Reward[]) => {
              const { states } = await folded(rows, 5)
              const { arms, rewards } = learnedFamily.codec.decode(states[0]![1])
              // A place that is seen no more was still heard of: `lastMs` says when.
              return { rewards, arms: arms.filter(({ decisions }) => decisions > 0).map((arm) => ({ ...arm, lastMs: 0 })) }
            }
            expect(await armsAfter([...first, ...corrections])).toEqual(await armsAfter(last))
          }),
          { numRuns: 15 },
        )
      },
    )

    it('a thousand items are remembered; one more takes the place of the one that was shown longest ago', async () => {
      const { version } = policyVersion('beta-thompson', {}, 0, { over: 'item', looked: [], itemContext: 'columns' })
      const shown = (item: string, timeMs: number) => ({ arm: item, reward: 1, propensity: 0.5, context: [], timeMs })
      const names = Array.from({ length: 1_000 }, (_, n) => `i${n}`)
      // i3 is shown first and again last; i7 is then the one shown longest ago.
      const times = names.map((name, n) => shown(name, name === 'i3' ? 10 : name === 'i7' ? 20 : 100 + n))
      const rows = rewardsOf([...times, shown('i3', 5_000), shown('new', 6_000)], 'beta-thompson', version).map((row) => {
        const [{ slot, ...outcome }] = row.slots as [Reward['slots'][number]]
        return { ...row, slots: [{ slot: { ...slot, itemId: slot.source, source: 'trend' }, ...outcome }] }
      })
      const { states } = await folded(rows, 500)
      const { arms, rewards } = learnedFamily.codec.decode(states[0]![1])
      expect([arms.length, rewards]).toEqual([1_000, 1_002])
      const kept = new Set(arms.map(({ arm }) => arm))
      expect(['i3', 'i7', 'new'].map((name) => kept.has(name))).toEqual([true, false, true])
      // What i7 is told now has nothing to take back; a later decision has.
      const again = (at: number, sequence: number) => ({
        ...rows[at]!,
        ...{ revision: 1, sequence },
        slots: rows[at]!.slots.map(({ slot, before: _before, ...before }) => ({ ...rewardedSlot(slot, 0), before })),
      })
      const corrected = await folded([...rows, again(7, 1_002), again(1_001, 1_003)], 500)
      const after = learnedFamily.codec.decode(corrected.states[0]![1])
      expect([after.rewards, after.rows, after.arms.find(({ arm }) => arm === 'i7')]).toEqual([1_002, 1_003, undefined])
      expect(after.arms.find(({ arm }) => arm === 'new')).toMatchObject({ decisions: 1, rewardMilli: 0, sums: [0, 1] })
    })
  })

  it('sets aside what it cannot learn from, and counts none of it', async () => {
    const one = { arm: 'trend', reward: 1, propensity: 0.5, context: [0.5], timeMs: 1_000 }
    const { version } = policyVersion('lin-ucb')
    const rows = [
      ...rewardsOf([one, { ...one, context: [0.5, 1] }, { ...one, context: [Number.NaN] }], 'lin-ucb', version),
      ...rewardsOf([one], 'nobody', version),
      ...rewardsOf([one], 'lin-ucb', 'alpha=-1'),
      ...rewardsOf([one], 'lin-ucb-hybrid', 'shared=2'),
    ]
    const driver = new TopologyDriver(bandit, {})
    await driver.send('rewards', ...rows.map((row, sequence) => ({ ...row, sequence })))
    expect(driver.read('dead-letters').map(({ offset, reason }) => [offset, reason])).toEqual([
      [1, 'its context of 2 numbers takes 7 sums, but there are 4'],
      [2, 'the context of its exploration is not all numbers'],
      [3, `nobody knows the policy nobody with ${version}`],
      [4, 'nobody knows the policy lin-ucb with alpha=-1'],
      [5, 'a context of 1 numbers is not for lin-ucb-hybrid with shared=2'],
    ])
    expect(driver.read('bandit-updates').map(({ decisions }) => decisions)).toEqual([1, 1, 1])
  })
})

function tableOf(updates: readonly BanditUpdate[]): BanditTable {
  const table = new BanditTable()
  table.apply(updates.map((value) => ({ key: `${value.policy}/${value.arm}`, value, offset: 0, loggedMs: 0 })))
  return table
}

/** What stands below the first click was not seen. */
function cascadeWeight(rewards: readonly number[], place: number): number | null {
  return rewards.slice(0, place).some((reward) => reward > 0) ? null : 1
}

/** A click was seen; what was not clicked as often as its place is looked at. */
function positionWeight(rewards: readonly number[], place: number): number {
  return rewards[place]! > 0 ? 1 : [1, 0.7, 0.3][place]!
}
