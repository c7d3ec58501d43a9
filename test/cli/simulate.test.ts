import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { ArmTally, pairedMeasures } from '../../cli/simulation/arm-tally.ts'
import { configOfArms, shopArmsOf, weightsOf } from '../../cli/simulation/shop-arms.ts'
import { ShopLoop } from '../../cli/simulation/shop-loop.ts'
import { armReports } from '../../cli/simulation/simulation-report.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { UserEvent } from '../../schemas/user-event.ts'

/** No model is served: `learned` is made on the linear rung. */
const away: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker answers')),
}

const config = loadConfig(undefined, {
  simulator: { users: 300, items: 200, eventsPerSecond: 50 },
  rewards: { waitMs: 20_000 },
})

/** A small shop with these arms, run to its end. */
async function runShop(names: string, seed: string, { warm = 500, events = 2_000, paired = false } = {}) {
  const arms = shopArmsOf(names)
  const loop = new ShopLoop({ config, seed, arms, weights: weightsOf(arms), scorer: away, paired })
  const tally = new ArmTally()
  const rewards: Reward[] = []
  const clicked: UserEvent[] = []
  await loop.open()
  await loop.run(warm, tally)
  tally.start()
  await loop.run(warm + events, {
    shown: tally.shown.bind(tally),
    compared: tally.compared.bind(tally),
    event(arm, event) {
      tally.event(arm, event)
      if (event.type === 'click' && event.listId !== null) clicked.push(event)
    },
    reward: (reward) => rewards.push(reward),
  })
  return { arms, loop, tally, rewards, clicked, report: armReports(arms, [tally.result(arms.map(({ label }) => label))]) }
}

function differenceTo(report: ReturnType<typeof armReports>, arm: string, measure = 'clickThrough') {
  return report.differences.find((one) => one.b === arm && one.measure === measure)!
}

/** The paired measures, between groups of people. */
const groupMeasures = ['clickThrough', 'expectedPurchasesPerThousand'] as const

function intervalWidth(report: ReturnType<typeof armReports>, arm: string, measure?: string): number {
  const [lower, upper] = differenceTo(report, arm, measure).interval
  return upper - lower
}

describe('the simulated shop as an experiment', () => {
  it('tells the best list there could be from chance, and an arm from itself not at all', { timeout: 60_000 }, async () => {
    const { report, clicked, loop } = await runShop('oracle,random,learned,oracle:again', 'yardsticks', { paired: true })
    expect(differenceTo(report, 'random').interval[0]).toBeGreaterThan(0.05)
    expect(differenceTo(report, 'learned').difference).toBeGreaterThan(0)
    const [lower, upper] = differenceTo(report, 'again').interval
    expect(lower).toBeLessThan(0)
    expect(upper).toBeGreaterThan(0)
    // The same requests answered by each: sharper by far, and exactly nothing between an arm and itself.
    for (const arm of ['random', 'learned']) {
      for (const [n, { name }] of pairedMeasures.entries()) {
        const [sharpLower, sharpUpper] = differenceTo(report, arm, name).interval
        expect(sharpLower, `${arm} ${name}`).toBeGreaterThan(0)
        expect(sharpUpper - sharpLower).toBeLessThan(intervalWidth(report, arm, groupMeasures[n]))
      }
    }
    for (const { name } of pairedMeasures)
      expect(differenceTo(report, 'again', name)).toMatchObject({ difference: 0, interval: [0, 0], shopInterval: null })
    // Counted once more, by the arm of whoever clicked on something that a list had brought.
    for (const { arm, clicks } of report.arms)
      expect(clicks, arm).toBe(clicked.filter(({ userId }) => loop.armOf(userId) === arm).length)
    // What is expected and what happens are two roads to one rate.
    for (const { measures } of report.arms) {
      const [from, to] = measures['clickThrough']!.interval!
      const expected = measures['expectedClickThrough']!.value
      expect(expected).toBeGreaterThan(from - (to - from) / 2)
      expect(expected).toBeLessThan(to + (to - from) / 2)
    }
  })

  it('learns the rules that an arm shows, and the lists of the other arms go without them', () => {
    const of = (names: string, given = config) => configOfArms(given, shopArmsOf(names)).recommendations
    const { sessionRules, sources } = of('learned,association')
    expect([sessionRules, sources]).toEqual([{ association: true, sequential: false }, { association: 0 }])
    expect(of('learned,session')).toEqual(config.recommendations)
    const on = { ...config.recommendations, sessionRules: { association: true, sequential: true }, sources: { sequential: 2 } }
    expect(of('learned,sequential', { ...config, recommendations: on })).toEqual(on)
  })

  it('is the same again for one seed and another shop for another', { timeout: 60_000 }, async () => {
    const names = 'learned,trend,random'
    const small = { warm: 100, events: 800 }
    const first = await runShop(names, 'one', small)
    const again = await runShop(names, 'one', small)
    const other = await runShop(names, 'two', small)
    expect(again.report).toEqual(first.report)
    expect(again.rewards).toEqual(first.rewards)
    expect(other.report).not.toEqual(first.report)
  })

  it('shows a single source its own items in its own order, then popular ones, and logs who was shown what', {
    timeout: 60_000,
  }, async () => {
    const { rewards, loop } = await runShop('learned,category,fresh', 'sources', { warm: 0, events: 2_500 })
    for (const arm of ['category', 'fresh']) {
      const lists = rewards.filter(({ variant, policy }) => variant === arm && policy === arm)
      expect(lists.length, arm).toBeGreaterThan(5)
      for (const list of lists) {
        expect(loop.armOf(list.userId)).toBe(arm)
        const sources = list.slots.map(({ slot }) => slot.source)
        const own = sources.filter((source) => source === arm).length
        expect(sources).toEqual([...Array(own).fill(arm), ...Array(sources.length - own).fill('popular')])
        const scores = list.slots.map(({ slot }) => slot.score)
        expect(scores).toEqual(scores.toSorted((a, b) => b - a))
        expect(list.slots.some(({ slot }) => slot.explored)).toBe(false)
      }
    }
    const learned = rewards.filter(({ variant, rung }) => variant === 'learned' && rung !== 'trend')
    expect(learned.some(({ slots }) => new Set(slots.map(({ slot }) => slot.source)).size > 2)).toBe(true)
    expect(learned.some(({ slots }) => slots.some(({ clicked }) => clicked))).toBe(true)
  })

  it('counts people, not rows, and pools shops by the mean of their differences', () => {
    const arms = shopArmsOf('oracle,random')
    const request = (userId: string) => ({ userId, surface: 'home', count: 10, timeMs: 0 }) as const
    const list = { listId: 'l', policy: '', items: Array.from({ length: 10 }, (_, n) => `i${n}`) }
    const shopOf = (clicks: Record<string, readonly number[]>) => {
      const tally = new ArmTally()
      tally.shown('oracle', request('before'), list, { clicks: 5, purchases: 2 })
      tally.start()
      for (const [arm, ofPeople] of Object.entries(clicks))
        for (const [person, count] of ofPeople.entries()) {
          const userId = `${arm}${person}`
          tally.shown(arm, request(userId), list, { clicks: 0, purchases: person / 100 })
          for (let n = 0; n < count; n++) tally.event(arm, { userId, type: 'click', listId: 'l' } as UserEvent)
          tally.event(arm, { userId, type: 'purchase', listId: person === 0 ? 'l' : null, price: 5, quantity: 2 } as UserEvent)
        }
      return tally.result(['oracle', 'random'])
    }
    // Means .3 and .1, then .7 and .5: shops differ by far more than arms.
    const shops = [shopOf({ oracle: [2, 4], random: [0, 2] }), shopOf({ oracle: [6, 8], random: [4, 6] })]
    const report = armReports(arms, shops)
    expect(report.arms[0]).toMatchObject({ arm: 'oracle', visitors: 4, lists: 4, showings: 40, clicks: 20, purchases: 4 })
    expect(report.arms[0]).toMatchObject({ listPurchases: 2, revenue: 40 })
    expect(report.arms[0]!.measures['clickThrough']!.value).toBeCloseTo(0.5, 12)
    expect(report.arms[0]!.measures['listPurchasesPerThousand']!.value).toBeCloseTo(50, 12)
    expect(report.arms[0]!.measures['revenuePerVisitor']!.value).toBeCloseTo(10, 12)
    expect(report.arms[0]!.measures['expectedPurchasesPerThousand']!.value).toBeCloseTo(0.5, 12)
    const { difference, interval } = differenceTo(report, 'random')
    expect(difference).toBeCloseTo(0.2, 12)
    // Each mean of two people has variance (.1² + .1²) / 1 / 2 = .01; two shops: .005; two arms: .01. t(.975, 6) = 2.4469.
    expect(interval[1] - difference).toBeCloseTo(2.4469 * Math.sqrt(0.01), 4)
  })

  it('compares the same requests by person', () => {
    const tally = new ArmTally()
    tally.start()
    const list = (size: number) => ({ listId: '', policy: '', items: Array.from({ length: size }, (_, n) => `i${n}`) })
    const compare = (userId: string, arm: string, size: number, expected: number) =>
      tally.compared(arm, { userId, surface: 'home', count: 10, timeMs: 0 }, list(size), {
        clicks: expected,
        purchases: 2 * expected,
      })
    // Rates .4 and .2; residuals per mean list: u1 (4 − 4) / 10 − (1 − 2) / 10 = .1, u2 0 − (3 − 2) / 10 = −.1.
    compare('u1', 'oracle', 10, 4)
    compare('u1', 'random', 10, 1)
    compare('u2', 'oracle', 10, 4)
    compare('u2', 'random', 10, 3)
    const result = tally.result(['oracle', 'random'])
    const [clicks, purchases] = result.paired['random']!
    expect(clicks!.mean).toBeCloseTo(0.2, 12)
    expect(clicks!.variance).toBeCloseTo(0.02, 12)
    expect(clicks!.count).toBe(2)
    // Twice as many, per 1,000.
    expect(purchases!.mean).toBeCloseTo(400, 9)
    expect(purchases!.variance).toBeCloseTo(0.02 * 2000 ** 2, 6)
    expect(new ArmTally().result(['oracle', 'random']).paired['random']![0]!.count).toBe(0)
    // Three shops of .2, .2 and .5: standard error .1, t(.975, 2) = 4.3027.
    const other = { ...result, paired: { random: result.paired['random']!.map((one) => ({ ...one, mean: 0.5 })) } }
    const { shopInterval } = differenceTo(
      armReports(shopArmsOf('oracle,random'), [result, result, other]),
      'random',
      pairedMeasures[0].name,
    )
    expect(shopInterval![1]).toBeCloseTo(0.3 + 0.43027, 4)
  })

  it('refuses what cannot be an experiment', () => {
    expect(() => shopArmsOf('learned,nobody')).toThrow(/no arm "nobody"; there are learned, rival/)
    expect(() => shopArmsOf('learned,learned')).toThrow(/two arms have one label/)
    expect(shopArmsOf('learned,learned:again').map(({ label }) => label)).toEqual(['learned', 'again'])
    const weights = weightsOf(shopArmsOf('learned,linear,trend,popular,fresh'))
    expect(weights[0]! / weights[1]!).toBeCloseTo(2, 12)
    expect(weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12)
  })
})
