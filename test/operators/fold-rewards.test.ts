import { describe, expect, it } from 'vitest'
import { BanditTable } from '../../operators/tables/bandit-table.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Reward, RewardSlot } from '../../schemas/reward.ts'
import { bandit } from '../../topologies/bandit.ts'
import { decisionOf, rewardedSlot, rewardRowOf, slotOf } from './reward-fixture.ts'

function rewardSlot(arm: string | null, reward: number): RewardSlot {
  return rewardedSlot(slotOf('a', 0, arm !== null, arm ?? 'session'), reward)
}

function rewardOf(sequence: number, slots: readonly RewardSlot[], fields: Partial<Reward> = {}): Reward {
  return rewardRowOf(decisionOf(`d${sequence}`, 1_000 + sequence), sequence, slots, fields)
}

describe('foldRewards', () => {
  it('counts showings and clicks of each new item in the exploration slot, once however often a row is sent', async () => {
    const driver = new TopologyDriver(bandit, {})
    const shown = (itemId: string, clicked: boolean) => rewardedSlot(slotOf(itemId, 0, true, 'newcomer'), clicked ? 0.3 : 0)
    const rewards = [rewardOf(0, [shown('n', true)]), rewardOf(1, [shown('n', false)]), rewardOf(2, [shown('m', false)])]
    await driver.send('rewards', ...rewards)
    await driver.send('rewards', rewards[1]!)
    const table = new BanditTable()
    table.apply(driver.readKeyed('bandit-updates').map(({ key, value }) => ({ key: key!, value, offset: 0, loggedMs: 0 })))
    const trials = table.newcomerTrials('learned')
    expect(['n', 'm', 'x'].map((itemId) => trials.of(itemId))).toEqual([
      { impressions: 2, clicks: 1 },
      { impressions: 1, clicks: 0 },
      { impressions: 0, clicks: 0 },
    ])
    // One click on three slots, with one pseudo-click of two.
    expect(trials.meanRate).toBeCloseTo(2 / 5, 12)
    expect(new BanditTable().newcomerTrials('learned').meanRate).toBe(0.05)
  })

  it('gives each arm that moved its posterior, and the policy its click-through', async () => {
    const driver = new TopologyDriver(bandit, {})
    await driver.send(
      'rewards',
      rewardOf(0, [rewardSlot(null, 0), rewardSlot('trend', 0.3)]),
      rewardOf(1, [rewardSlot(null, 1), rewardSlot('trend', 0.6)]),
      rewardOf(2, [rewardSlot(null, 0), rewardSlot('fresh', 0)]),
    )
    const [trend, fresh, policy, ...rest] = driver.readKeyed('bandit-updates')
    expect(rest).toEqual([])
    // Beta(1.9, 2.1) and Beta(1, 2): quantiles of the second are 1 − √(1 − p) exactly.
    expect(trend).toMatchObject({
      key: 'learned/trend',
      value: {
        policy: 'learned',
        arm: 'trend',
        decisions: 2,
        rewardSum: 0.9,
        alpha: 1.9,
        beta: 2.1,
        mean: 0.475,
        version: 2,
        eventTimeMs: 5_001,
      },
    })
    expect(fresh!.value).toMatchObject({ arm: 'fresh', decisions: 1, rewardSum: 0, alpha: 1, beta: 2, version: 3 })
    expect(fresh!.value.lower).toBeCloseTo(1 - Math.sqrt(0.975), 12)
    expect(fresh!.value.upper).toBeCloseTo(1 - Math.sqrt(0.025), 12)
    // Clicks 1, 2, 0 of 2 slots each: mean 1/2, deviation of the mean (1/2)·√(1/3).
    const half = (1.959963984540054 * Math.sqrt(1 / 3)) / 2
    expect(policy).toMatchObject({
      key: 'learned/*',
      value: { decisions: 6, rewardSum: 3, mean: 0.5, alpha: 4, beta: 4, version: 3 },
    })
    expect(policy!.value.lower).toBeCloseTo(Math.max(0, 0.5 - half), 6)
    expect(policy!.value.upper).toBeCloseTo(Math.min(1, 0.5 + half), 6)
  })

  it('applies a row once: repeats by the joining task are skipped, other tasks and gaps are not', async () => {
    const driver = new TopologyDriver(bandit, {})
    const click = [rewardSlot('trend', 0.3)]
    await driver.send('rewards', rewardOf(3, click), rewardOf(7, click))
    await driver.send('rewards', rewardOf(3, click), rewardOf(7, click), rewardOf(8, click))
    await driver.restart()
    await driver.send('rewards', rewardOf(7, click), rewardOf(0, click, { sourcePartition: 1 }))
    const updates = driver.read('bandit-updates').filter((update) => update.arm === 'trend')
    expect(updates.map((update) => update.decisions)).toEqual([2, 3, 4])
  })

  it('a rate without any spread keeps an interval that is not a point', async () => {
    const driver = new TopologyDriver(bandit, {})
    await driver.send('rewards', rewardOf(0, [rewardSlot(null, 0)]), rewardOf(1, [rewardSlot(null, 0)]))
    const [policy] = driver.read('bandit-updates')
    // Beta(1, 3).
    expect(policy).toMatchObject({ arm: '*', mean: 0 })
    expect(policy!.upper).toBeCloseTo(1 - 0.025 ** (1 / 3), 12)
  })

  it('a reward that is no number is set aside and spoils nothing; sums are exact in any order', async () => {
    const values = Array.from({ length: 1_000 }, (_, i) => [0.3, 0.6, 1, 0][i % 4]!)
    const sums: string[] = []
    for (const order of [values, [...values].sort(), [...values].sort().reverse()]) {
      const driver = new TopologyDriver(bandit, {})
      await driver.send(
        'rewards',
        rewardOf(0, [rewardSlot('trend', Number.NaN)]),
        ...order.map((value, i) => rewardOf(i + 1, [rewardSlot('trend', value)])),
      )
      expect(driver.read('dead-letters').map((letter) => [letter.offset, letter.code])).toEqual([[0, 'MILL_FEATURE_NOT_FINITE']])
      sums.push(Buffer.concat([...(await driver.stateOf()).values()]).toString('hex'))
      expect(driver.read('bandit-updates')[0]).toMatchObject({ decisions: 1_000, rewardSum: 475, alpha: 476, beta: 526 })
    }
    expect(new Set(sums).size).toBe(1)
  })
})
