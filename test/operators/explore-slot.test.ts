import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type PolicyVersion, policyVersion } from '../../algorithms/bandits/policy-version.ts'
import type { CandidateSourceName } from '../../algorithms/candidate-set.ts'
import { type ExploreOptions, exploreSlot } from '../../operators/explore-slot.ts'
import { BanditTable } from '../../operators/tables/bandit-table.ts'
import { type BanditUpdate, learnedName } from '../../schemas/bandit-update.ts'
import type { ExplorationStop } from '../../schemas/exploration-stop.ts'
import { catalogueOf, type DraftParts, draftOf, orderOf } from './list-draft-fixture.ts'
import { batchOf } from './marbles.ts'

const catalogue = catalogueOf({ a: {}, b: {}, c: {}, d: {}, e: {} })
const explorer = policyVersion('beta-thompson')
const options: ExploreOptions = {
  enabled: true,
  surface: 'home',
  slot: 1,
  first: 3,
  policy: 'learned',
  explorer,
  epsilon: 0,
  share: 1,
  minimumRelevance: 0,
  segmentBy: 'none',
  itemsMax: 4,
  places: 2,
  marginalDraws: 0,
}
const candidates: DraftParts['candidates'] = {
  a: { popular: 1 },
  b: { popular: 0.9 },
  c: { popular: 0.8 },
  d: { session: 0.5, similar: 0.2 },
  e: { similar: 1 },
}

/** Posteriors of sources by [alpha, beta]. */
function banditOf(
  posteriors: Partial<Record<CandidateSourceName, readonly [number, number]>>,
  bandit = new BanditTable(),
): BanditTable {
  const learned = Object.entries(posteriors).map(([arm, [alpha, beta]]) => ({
    ...{ arm, decisions: alpha + beta - 2, rewardMilli: 1_000 * (alpha - 1) },
    ...{ sums: [alpha - 1, beta - 1], weighted: [] },
  }))
  const told = { policy: 'beta-thompson', version: explorer.version, segment: '' }
  const value = { policy: learnedName('learned', told), explorer: told, learned, referenceMs: 0, decisions: 0 } as never
  bandit.apply([{ key: 'learned/…/*', offset: 0, loggedMs: 0, value }])
  return bandit
}

/** Means of items as a policy without context has them, from 100 decisions each. */
function itemsLearned({ policy, version }: PolicyVersion, means: Readonly<Record<string, number>>): BanditTable {
  const table = new BanditTable()
  const learned = Object.entries(means).map(([arm, mean]) => ({
    ...{ arm, decisions: 100, rewardMilli: 0, lastMs: 0 },
    ...{ sums: [100, 100 * mean, 100 * mean], weighted: [] },
  }))
  const told = { policy: policy.name, version, segment: '' }
  const value = { policy: learnedName('learned', told), explorer: told, learned, referenceMs: 0, decisions: 0 } as never
  table.apply([{ key: 'learned/…/*', offset: 0, loggedMs: 0, value }])
  return table
}

async function explored(parts: Partial<DraftParts>, bandit: BanditTable, changed: Partial<ExploreOptions> = {}) {
  const draft = draftOf(catalogue, { candidates, ...parts })
  await lastValueFrom(of(batchOf(draft)).pipe(exploreSlot(bandit, catalogue, { ...options, ...changed })))
  return draft
}

/** The chance that each of some Beta posteriors of whole numbers is the largest, by Simpson's rule on 2,000 steps. */
function chances(posteriors: readonly (readonly [number, number])[]): number[] {
  const steps = 2_000
  const densities = posteriors.map(([alpha, beta]) => {
    const values = Array.from({ length: steps + 1 }, (_, at) => (at / steps) ** (alpha - 1) * (1 - at / steps) ** (beta - 1))
    const sums = [0]
    for (let at = 1; at <= steps; at++) sums.push(sums[at - 1]! + (values[at - 1]! + values[at]!) / 2)
    return { density: values.map((value) => value / (sums[steps]! / steps)), below: sums.map((sum) => sum / sums[steps]!) }
  })
  return densities.map(({ density }, arm) => {
    let integral = 0
    for (let at = 0; at <= steps; at++) {
      const weight = at === 0 || at === steps ? 1 : at % 2 === 1 ? 4 : 2
      integral +=
        weight * density[at]! * densities.reduce((all, other, index) => (index === arm ? all : all * other.below[at]!), 1)
    }
    return integral / 3 / steps
  })
}

describe('exploreSlot', () => {
  it('lets 500 segments of a version learn for themselves, also those the log tells of, and the others together, counted', async () => {
    const bandit = new BanditTable()
    const told = { policy: 'beta-thompson', version: explorer.version, segment: 'logged' }
    const update = { policy: learnedName('learned', told), explorer: told, learned: [], referenceMs: 0, decisions: 1 }
    bandit.apply([{ key: `${update.policy}/*`, value: update as unknown as BanditUpdate, offset: 0, loggedMs: 0 }])
    const segmentFor = async (region: string) => {
      const draft = draftOf(catalogue, { candidates })
      const features = { ...draft.update.features, profile: { region } } as typeof draft.update.features
      const here = { ...draft, update: { ...draft.update, features } }
      await lastValueFrom(of(batchOf(here)).pipe(exploreSlot(bandit, catalogue, { ...options, segmentBy: 'region' })))
      return here.exploration!.segment
    }
    for (let at = 1; at < 500; at++) expect(await segmentFor(`r${at}`)).toBe(`r${at}`)
    expect(bandit.shared).toBe(0)
    expect([await segmentFor('r500'), await segmentFor('r1'), await segmentFor('logged'), await segmentFor('')]).toEqual([
      'other',
      'r1',
      'logged',
      '',
    ])
    expect(bandit.shared).toBe(1)
    // Another version begins with none.
    expect(bandit.admit('learned', { ...told, version: 'alpha=2,beta=1', segment: 'r500' })).toBe('r500')
  })

  it('moves a source’s best item outside the first places into the slot, what stood there one down', async () => {
    // Only `session` has anything beyond the first three but for `similar`; the posterior of `similar` is hopeless.
    const draft = await explored({}, banditOf({ session: [900, 1], similar: [1, 900], popular: [1, 900] }))
    expect(orderOf(draft, catalogue)).toEqual(['a', 'd', 'b', 'c', 'e'])
    expect(draft.exploration).toMatchObject({ slot: 1, drawn: [{ slot: 1, arm: 'session' }] })
    expect(draft.exploration!.drawn[0]!.propensity).toBeCloseTo(1, 6)
  })

  it('sends the last item of the same first-level category out of the first places, so that no cap is broken', async () => {
    const shelves = catalogueOf({
      a: { category: ['Shoes'] },
      b: { category: ['Shoes', 'Boots'] },
      c: { category: ['Hats'] },
      d: { category: ['Shoes', 'Clogs'] },
      e: { category: ['Coats'] },
    })
    const orderAfter = async (winner: CandidateSourceName, changed: Partial<typeof options> = {}) => {
      const draft = draftOf(shelves, { candidates: { ...candidates, d: { session: 1 }, e: { similar: 1 } } })
      const hopeless = { session: [1, 1e6], similar: [1, 1e6], popular: [1, 1e6] } as const
      const operator = exploreSlot(banditOf({ ...hopeless, [winner]: [1e6, 1] }), shelves, { ...options, ...changed })
      await lastValueFrom(of(batchOf(draft)).pipe(operator))
      return orderOf(draft, shelves).join('')
    }
    // A shoe comes: the last shoe behind the slot goes. A coat comes: there is none, the last item goes.
    expect(await orderAfter('session')).toBe('adcbe')
    expect(await orderAfter('similar')).toBe('aebcd')
    // In the last place the only other shoes stand before it.
    expect(await orderAfter('session', { slot: 2 })).toBe('abdce')
  })

  it('logs the closed-form chance of two arms: Beta(2, 1) beats Beta(1, 1) in two of three draws', async () => {
    const only = { a: { popular: 1 }, b: { popular: 0.9 }, c: { popular: 0.8 }, d: { session: 1 }, e: { similar: 1 } } as const
    const told: Partial<Record<string, number>> = {}
    for (let list = 0; list < 50; list++) {
      const { exploration } = await explored(
        { candidates: only, listId: `l${list}` },
        banditOf({ session: [2, 1], popular: [1, 1e6] }),
      )
      const { arm, propensity } = exploration!.drawn[0]!
      told[arm] = propensity
      expect(exploration!.chances[exploration!.arms.indexOf(arm)]).toBe(propensity)
      expect(exploration!.chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12)
    }
    expect(told['session']).toBeCloseTo(2 / 3, 4)
    expect(told['similar']).toBeCloseTo(1 / 3, 4)
  })

  it('logs the chances of quadrature, and draws as often as it says', async () => {
    const posteriors = { session: [3, 7], similar: [2, 5], popular: [4, 9] } as const
    const expected = chances([posteriors.session, posteriors.similar, posteriors.popular])
    expect(expected.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5)
    const bandit = banditOf(posteriors)
    const counts: Record<string, number> = { session: 0, similar: 0, popular: 0 }
    const lists = 3_000
    const drafts = Array.from({ length: lists }, (_, list) => draftOf(catalogue, { candidates, listId: `list-${list}` }))
    await lastValueFrom(of(batchOf(...drafts)).pipe(exploreSlot(bandit, catalogue, options)))
    for (const { exploration } of drafts) {
      const { arm, propensity } = exploration!.drawn[0]!
      counts[arm]!++
      expect(propensity).toBeCloseTo(expected[['session', 'similar', 'popular'].indexOf(arm)]!, 4)
    }
    // Five standard deviations.
    for (const [at, count] of Object.values(counts).entries())
      expect(Math.abs(count / lists - expected[at]!)).toBeLessThan(5 * Math.sqrt((expected[at]! * (1 - expected[at]!)) / lists))
  })

  it('no arm falls below epsilon over the number of arms', async () => {
    const hopeless = banditOf({ session: [1, 5_000], similar: [5_000, 1], popular: [5_000, 1] })
    const seen = new Set<number>()
    for (let list = 0; list < 200; list++) {
      const { exploration } = await explored({ listId: `l${list}` }, hopeless, { epsilon: 0.3 })
      const { arm, propensity } = exploration!.drawn[0]!
      if (arm === 'session') seen.add(propensity)
    }
    expect([...seen].map((one) => one.toFixed(9))).toEqual(['0.100000000'])
  })

  it('draws by the list’s own id, and forgets what it knew when a posterior moves', async () => {
    const bandit = banditOf({ session: [3, 7], similar: [2, 5], popular: [4, 9] })
    const operator = exploreSlot(bandit, catalogue, options)
    const once = async () => {
      const draft = draftOf(catalogue, { candidates, listId: 'the same' })
      await lastValueFrom(of(batchOf(draft)).pipe(operator))
      return draft.exploration
    }
    const first = await once()
    expect(await once()).toEqual(first)
    banditOf({ session: [9_000, 1], similar: [1, 9_000], popular: [1, 9_000] }, bandit)
    expect((await once())!.drawn).toMatchObject([{ arm: 'session' }])
  })

  it('explores the share of lists it is given, the same ones each time, and none when it is off', async () => {
    const table = banditOf({})
    const turned = (surface: string, value: ExplorationStop | null) =>
      table.stops.apply([{ key: surface, value, offset: 0, loggedMs: 0 }])
    const explores = async (changed: Partial<ExploreOptions>) => {
      const drafts = Array.from({ length: 1_000 }, (_, list) => draftOf(catalogue, { candidates, listId: `list-${list}` }))
      await lastValueFrom(of(batchOf(...drafts)).pipe(exploreSlot(table, catalogue, { ...options, ...changed })))
      return drafts.filter(({ exploration }) => exploration !== null).map(({ listId }) => listId)
    }
    const some = await explores({ share: 0.3 })
    // Five standard deviations.
    expect(Math.abs(some.length - 300)).toBeLessThan(5 * Math.sqrt(1_000 * 0.3 * 0.7))
    expect(await explores({ share: 0.3 })).toEqual(some)
    expect(await explores({ enabled: false })).toEqual([])
    turned('home', { id: 'home', reason: 'sale day', sinceMs: 0 })
    expect([await explores({}), (await explores({ surface: 'cart', share: 0.3 })).length]).toEqual([[], some.length])
    turned('home', null)
    expect(await explores({ share: 0.3 })).toEqual(some)
  })

  it('does not explore candidates below the relevance floor', async () => {
    const scores = [10, 9, 8, 4, 2]
    const arms = async (minimumRelevance: number) => {
      const draft = draftOf(catalogue, { candidates, scores })
      await lastValueFrom(of(batchOf(draft)).pipe(exploreSlot(banditOf({}), catalogue, { ...options, minimumRelevance })))
      return [draft.exploration?.arms, draft.exploration?.arms.length]
    }
    // d is at (4 − 2)/8 = .25 of the way to the best, e at 0; b keeps its own place open to `popular`.
    expect(await arms(0)).toEqual([['session', 'similar', 'popular'], 3])
    expect(await arms(0.25)).toEqual([['session', 'similar', 'popular'], 3])
    expect((await arms(0.26))[0]).toEqual(['popular'])
  })

  it('a contextual policy logs what it saw in thousandths, and follows it', async () => {
    const explorer = policyVersion('lin-ucb', { alpha: 0 })
    const told = { policy: 'lin-ucb', version: explorer.version, segment: '' }
    const table = new BanditTable()
    // θ of `session` pays on phones, that of `popular` elsewhere: one observation each, of x = (1, phone) and x = (1, 0).
    const sumsOf = (phone: number) => {
      const x = [1, 0, 0, 0, 0, 0, phone, 0]
      return [...x.flatMap((a, i) => x.slice(0, i + 1).map((b) => 100 * a * b)), ...x.map((a) => 100 * a), 100, 100]
    }
    const learned = [
      { arm: 'popular', decisions: 100, rewardMilli: 0, sums: sumsOf(0), weighted: [] },
      { arm: 'session', decisions: 100, rewardMilli: 0, sums: sumsOf(1), weighted: [] },
    ]
    const counts = { decisions: 200, version: 201 }
    const value = { policy: learnedName('learned', told), explorer: told, learned, referenceMs: 0, ...counts } as never
    table.apply([{ key: 'learned/…/*', offset: 0, loggedMs: 0, value }])
    const drawnOn = async (device: string) => {
      const draft = draftOf(catalogue, { candidates })
      const session = { events: 4, cart: [], mainCategory: null }
      Object.assign(draft.update, { eventTimeMs: 6 * 3_600_000, features: { counts: [4, 1], session, device } })
      await lastValueFrom(of(batchOf(draft)).pipe(exploreSlot(table, catalogue, { ...options, explorer })))
      return draft.exploration!
    }
    const phone = await drawnOn('mobile')
    // ln 5 / ln 21, ln 6 / ln 1001, and six in the morning.
    expect(phone).toMatchObject({ drawn: [{ arm: 'session' }], context: [1, 0.529, 0.259, 0, 1, 0, 1, 1], learned: 201 })
    expect((await drawnOn('desktop')).drawn).toMatchObject([{ arm: 'popular' }])
  })

  describe('over items', () => {
    const scope = { looked: [], itemContext: 'columns' } as const
    const over = (kind: 'item' | 'slate', name = 'softmax') => ({
      explorer: policyVersion(name, {}, 0, { over: kind, ...scope }),
    })

    /** How often each outcome came among lists of a seed each, with the chance that each said it had. */
    async function counted(changed: Partial<ExploreOptions>, table: BanditTable, lists: number) {
      const drafts = Array.from({ length: lists }, (_, n) =>
        draftOf(catalogue, { candidates, scores: [5, 4, 3, 2, 1], listId: `${n}` }),
      )
      await lastValueFrom(of(batchOf(...drafts)).pipe(exploreSlot(table, catalogue, { ...options, epsilon: 0.1, ...changed })))
      const outcomes = new Map<string, { count: number; chance: number; drafts: typeof drafts }>()
      for (const draft of drafts) {
        const { drawn } = draft.exploration!
        const key = drawn.map(({ arm }) => arm).join('')
        const chance = drawn.reduce((product, one) => product * one.propensity, 1)
        const known = outcomes.get(key) ?? { count: 0, chance, drafts: [] }
        expect(known.chance).toBeCloseTo(chance, 12)
        outcomes.set(key, { count: known.count + 1, chance, drafts: [...known.drafts, draft] })
      }
      for (const { count, chance } of outcomes.values())
        expect(Math.abs(count - chance * lists)).toBeLessThan(4.5 * Math.sqrt(lists * chance * (1 - chance)) + 1)
      return outcomes
    }

    it('an item slot is filled from its own item and the best behind the first places, as often as it says', async () => {
      const table = itemsLearned(over('item').explorer, { b: 0.1, d: 0.3, e: 0 })
      const outcomes = await counted({ ...over('item'), first: 3 }, table, 2_000)
      expect([...outcomes.keys()].sort()).toEqual(['b', 'd', 'e'])
      const [draft] = outcomes.get('d')!.drafts
      expect(draft!.exploration).toMatchObject({ slot: 1, arms: ['b', 'd', 'e'], places: 1 })
      expect(orderOf(draft!, catalogue)).toEqual(['a', 'd', 'b', 'c', 'e'])
      const few = await counted({ ...over('item'), first: 3, itemsMax: 2 }, table, 50)
      expect([...few.keys()].sort()).toEqual(['b', 'd'])
    })

    it('a slate fills the first places without replacement, each by its chance among those that are left', async () => {
      const table = itemsLearned(over('slate').explorer, { a: 0.1, b: 0.2, c: 0.4, d: 0 })
      const outcomes = await counted({ ...over('slate'), marginalDraws: 5 }, table, 4_000)
      // Two of the first four: e is too many.
      expect(outcomes.size).toBe(12)
      expect([...outcomes.values()].reduce((sum, { chance }) => sum + chance, 0)).toBeCloseTo(1, 9)
      const [draft] = outcomes.get('ca')!.drafts
      expect(orderOf(draft!, catalogue)).toEqual(['c', 'a', 'b', 'd', 'e'])
      expect(draft!.exploration).toMatchObject({
        slot: 0,
        places: 2,
        drawn: [
          { slot: 0, arm: 'c' },
          { slot: 1, arm: 'a' },
        ],
      })
      // The marginal chance of `a` in the second place: over all that may stand above it.
      const { marginals, marginalDraws } = draft!.exploration!
      const above = ['b', 'c', 'd'].map((first) => outcomes.get(`${first}a`)!.chance)
      expect([marginalDraws, marginals[0]]).toEqual([0, draft!.exploration!.drawn[0]!.propensity])
      expect(marginals[1]).toBeCloseTo(
        above.reduce((sum, chance) => sum + chance, 0),
        9,
      )
    })

    it('counts marginal chances where that is less work, and says from how many slates', async () => {
      const table = itemsLearned(over('slate').explorer, { a: 0.1, b: 0.2, c: 0.4, d: 0 })
      const exact = await counted({ ...over('slate'), marginalDraws: 5 }, table, 100)
      const [draft] = exact.get('cb')!.drafts
      const again = draftOf(catalogue, { candidates, scores: [5, 4, 3, 2, 1], listId: draft!.listId })
      const operator = exploreSlot(table, catalogue, { ...options, epsilon: 0.1, ...over('slate'), marginalDraws: 4 })
      await lastValueFrom(of(batchOf(again)).pipe(operator))
      expect(again.exploration!.drawn).toEqual(draft!.exploration!.drawn)
      expect(again.exploration!.marginalDraws).toBe(5)
      for (const marginal of again.exploration!.marginals)
        expect([0.2, 0.4, 0.6, 0.8, 1]).toContainEqual(expect.closeTo(marginal, 9))
    })

    it('takes no item below the relevance floor, and shows fewer places then', async () => {
      const outcomes = await counted({ ...over('slate'), minimumRelevance: 0.76 }, itemsLearned(over('slate').explorer, {}), 20)
      // Only a is within a quarter of the best.
      expect([...outcomes.keys()]).toEqual(['a'])
    })

    it('a contextual policy sees each item by its columns, and nothing where a list has none', async () => {
      const changed = over('item', 'lin-ucb')
      const draft = draftOf(catalogue, { candidates, scores: [5, 4, 3, 2, 1] })
      draft.features.fill(0.25)
      await lastValueFrom(of(batchOf(draft)).pipe(exploreSlot(new BanditTable(), catalogue, { ...options, ...changed })))
      const rest = [0.25, 0.25, 0.25, 0.083, 0.25, 0.25]
      expect(draft.exploration).toMatchObject({
        arms: ['b', 'd', 'e'],
        context: [1, 0.75, ...rest, 1, 0.25, ...rest, 1, 0, ...rest],
      })
      const shed = Object.assign(draftOf(catalogue, { candidates, scores: [5, 4, 3, 2, 1] }), { features: new Float32Array(0) })
      await lastValueFrom(of(batchOf(shed)).pipe(exploreSlot(new BanditTable(), catalogue, { ...options, ...changed })))
      expect(shed.exploration).toBeNull()
    })
  })

  it('by the last layer: what one version of the network has taught is not used with another’s', async () => {
    const scope = { over: 'item', looked: [], itemContext: 'hidden' } as const
    const explorer = policyVersion('neural-linear', {}, 0, scope)
    const table = new BanditTable()
    // θ of d is large in the first number of the layer, by a thousand observations of x = (1, 1, 0).
    const sums = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1].map((value) => 1_000 * value)
    const told = { policy: 'neural-linear', version: explorer.version, segment: '@7' }
    const learned = [{ arm: 'd', decisions: 1_000, rewardMilli: 0, lastMs: 0, sums, weighted: [] }]
    const value = {
      policy: learnedName('learned', told),
      explorer: told,
      learned,
      referenceMs: 0,
      decisions: 1_000,
      version: 1_000,
    } as never
    table.apply([{ key: 'learned/…/*', offset: 0, loggedMs: 0, value }])
    const drawn = async (modelVersion: string, hidden: readonly number[]) => {
      const draft = Object.assign(draftOf(catalogue, { candidates }), { modelVersion, hidden: Float32Array.from(hidden) })
      await lastValueFrom(of(batchOf(draft)).pipe(exploreSlot(table, catalogue, { ...options, explorer })))
      return draft.exploration
    }
    const layer = [0, 0, 0, 0, 0, 0, 1.23456, 0, 0, 1]
    const seventh = await drawn('7', layer)
    expect(seventh).toMatchObject({ arms: ['b', 'd', 'e'], segment: '@7', learned: 1_000 })
    expect(seventh!.context).toEqual([1, 0, 0, 1, 1.235, 0, 1, 0, 1])
    expect(seventh!.chances[1]).toBeGreaterThan(0.75)
    const eighth = await drawn('8', layer)
    expect(eighth).toMatchObject({ segment: '@8', learned: 0 })
    expect(eighth!.chances[1]).toBeLessThan(0.6)
    // A graph that does not tell its last layer: nothing can be seen, nothing is explored.
    expect(await drawn('9', [])).toBeNull()
  })

  it('leaves a list alone that is too short or has no source with anything more to show', async () => {
    const short = await explored({ candidates: { a: { popular: 1 } } }, banditOf({}))
    expect([orderOf(short, catalogue), short.exploration]).toEqual([['a'], null])
  })
})
