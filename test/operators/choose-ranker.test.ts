import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { policyVersion } from '../../algorithms/bandits/policy-version.ts'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { type ChooseRankerOptions, chooseRanker } from '../../operators/choose-ranker.ts'
import { type ExploreOptions, exploreSlot } from '../../operators/explore-slot.ts'
import { learnedFamily } from '../../operators/explorer-sums.ts'
import { scoreCandidates } from '../../operators/score-candidates.ts'
import { BanditTable } from '../../operators/tables/bandit-table.ts'
import { toRecommendations } from '../../operators/to-recommendations.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { bandit } from '../../topologies/bandit.ts'
import { catalogueOf, draftOf } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'
import { decisionOf, outcomeOf, rewardedSlot, rewardRowOf, slotOf } from './reward-fixture.ts'

const catalogue = catalogueOf({ a: {}, b: {}, c: {} })
const scope = { over: 'ranker', looked: [], itemContext: 'columns' } as const
const explorer = policyVersion('softmax', {}, 0, scope)
const options: ChooseRankerOptions & ExploreOptions = {
  enabled: true,
  surface: 'home',
  policy: 'learned',
  explorer,
  epsilon: 0.1,
  share: 1,
  segmentBy: 'none',
  marginalDraws: 0,
  slot: 1,
  first: 3,
  itemsMax: 3,
  places: 2,
  minimumRelevance: 0,
  model: 'ranker',
  rankers: ['1', '2', 'linear'],
}
const scoring = { model: 'ranker', version: '', versionInstead: null, rung: 'ranker', rowsMax: 64, shedAfterMs: 1_000 } as const

/** A scorer with these versions, of which some are away or too slow. */
function scorerOf({ away = [], slow = [] }: { away?: readonly string[]; slow?: readonly string[] } = {}): Scorer {
  return {
    ready: (_model, version = '') => !away.includes(version),
    score: async (_model, _features, rows, outputs, version = '') => {
      if (slow.includes(version)) throw new MillraceError('MILL_INFERENCE_TIMEOUT', 'slow')
      return { outputs: outputs.map(() => new Float32Array(rows).fill(Number(version) / 10)), version }
    },
  }
}

/** Lists made through choosing, scoring and exploring, and what leaves. */
async function made(lists: number, scorer = scorerOf(), changed: Partial<typeof options> = {}) {
  const drafts = Array.from({ length: lists }, (_, n) =>
    draftOf(catalogue, { candidates: { a: { session: 1 }, b: { popular: 1 }, c: { trend: 1 } }, listId: `${n}` }),
  )
  const table = new BanditTable()
  const own = { ...options, ...changed }
  const clock = new ManualClock(7)
  const finished = await lastValueFrom(
    of(batchOf(...drafts)).pipe(
      chooseRanker(table, scorer, own),
      scoreCandidates(scorer, catalogue, clock, { ...scoring, keepsHidden: false }),
      exploreSlot(table, catalogue, own),
      toRecommendations(catalogue, clock, { surface: 'home', policy: 'learned', policyVersion: '1', itemsMax: 3 }),
    ),
  )
  return finished.records.map(({ recommendation }) => recommendation)
}

describe('chooseRanker', () => {
  it('each list is scored by the one that was drawn, as often as it says, and every item has that chance', async () => {
    const lists = await made(1_500)
    const counts = new Map<string, number>()
    for (const { rung, modelVersion, items, exploration } of lists) {
      const arm = rung === 'ranker' ? modelVersion : rung
      counts.set(arm, (counts.get(arm) ?? 0) + 1)
      const chance = exploration!.chances[exploration!.arms.indexOf(arm)]
      expect(items.map(({ explored, propensity }) => [explored, propensity])).toEqual(items.map(() => [true, chance]))
      if (rung === 'ranker') expect(items[0]!.score).toBeCloseTo(Number(modelVersion) / 10, 6)
    }
    expect(lists[0]!.exploration).toMatchObject({ over: 'ranker', arms: ['1', '2', 'linear'], version: explorer.version })
    // Nobody has learned anything: each has a third. Five standard deviations.
    for (const arm of options.rankers) expect(Math.abs(counts.get(arm)! - 500)).toBeLessThan(5 * Math.sqrt((1_500 * 2) / 9))
  })

  it('does not draw a version that is away, and tells nothing of a list that another one scored in the end', async () => {
    const away = await made(30, scorerOf({ away: ['1'] }))
    expect(new Set(away.map(({ exploration }) => exploration!.arms.join()))).toEqual(new Set(['2,linear']))
    const slow = await made(60, scorerOf({ slow: ['1'] }))
    const lost = slow.filter(({ exploration }) => exploration === null)
    expect([lost.length > 5, lost.every(({ rung }) => rung === 'linear')]).toEqual([true, true])
    expect(lost.every(({ items }) => items.every(({ explored, propensity }) => !explored && propensity === 1))).toBe(true)
  })

  it('leaves lists alone when it is off, and where something else is explored', async () => {
    for (const { exploration } of await made(5, scorerOf(), { enabled: false })) expect(exploration).toBeNull()
    const source = { explorer: policyVersion('softmax') }
    const [list] = await made(1, scorerOf(), source)
    expect([list!.exploration?.over, list!.modelVersion]).toEqual(['source', ''])
  })

  it('its arm learns what the best slot of the list brought, and what a correction makes of it', async () => {
    const told = { slot: 0, policy: 'softmax', version: explorer.version, segment: '', arms: ['1', '2'], chances: [0.5, 0.5] }
    const rest = { draws: 0, epsilon: 0.1, learned: 0, fadedToMs: 0, context: [], places: 1, marginals: [], marginalDraws: 0 }
    const exploration = { ...told, ...rest, over: 'ranker' }
    const decision = decisionOf('d', 1_000, { exploration, rung: 'ranker', modelVersion: '2' })
    const slots = [0.3, 0, 0.6].map((reward, at) => rewardedSlot(slotOf(`i${at}`, at, true), reward))
    const later = slots.map((slot, at) => ({ ...slot, ...outcomeOf(at === 0 ? 1 : slot.reward), before: outcomeOf(slot.reward) }))
    const driver = new TopologyDriver(bandit, {})
    await driver.send('rewards', rewardRowOf(decision, 0, slots), rewardRowOf({ ...decision, modelVersion: '9' }, 1, slots))
    expect(driver.read('dead-letters').map(({ reason }) => reason)).toEqual(['9 is none that it drew from'])
    const learned = async () => {
      const [state] = [...(await driver.stateOf())].filter(([key]) => key.startsWith('learned:'))
      return learnedFamily.codec.decode(state![1]).arms
    }
    const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5))
    expect(await learned()).toMatchObject([{ arm: '2', decisions: 1, rewardMilli: 600, sums: near([1, 0.6, 0.36]) }])
    await driver.send('rewards', rewardRowOf(decision, 2, later, { revision: 1 }))
    expect(await learned()).toMatchObject([{ arm: '2', decisions: 1, rewardMilli: 1_000, sums: near([1, 1, 1]) }])
  })

  it('passes an error on', () => {
    marbles(({ cold, expectObservable }) =>
      expectObservable(cold<never>('-#').pipe(chooseRanker(new BanditTable(), scorerOf(), options))).toBe('-#'),
    )
  })
})
