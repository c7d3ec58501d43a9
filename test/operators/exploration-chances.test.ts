import { lastValueFrom, of } from 'rxjs'
import { expect, it } from 'vitest'
import { type ExploredKind, policyVersion, readPolicyVersion } from '../../algorithms/bandits/policy-version.ts'
import { replayExploration } from '../../operators/exploration-chances.ts'
import { exploreSlot } from '../../operators/explore-slot.ts'
import type { ExploredSlot, ListDraft } from '../../operators/list-draft.ts'
import { BanditTable } from '../../operators/tables/bandit-table.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { type BanditUpdate, learnedName } from '../../schemas/bandit-update.ts'
import type { Exploration } from '../../schemas/exploration.ts'
import type { Reward } from '../../schemas/reward.ts'
import { bandit } from '../../topologies/bandit.ts'
import { catalogueOf, draftOf } from './list-draft-fixture.ts'
import { batchOf } from './marbles.ts'
import { decisionOf, rewardedSlot, rewardRowOf, slotOf } from './reward-fixture.ts'

const catalogue = catalogueOf({ a: {}, b: {}, c: {}, d: {}, e: {}, f: {} })
const candidates = {
  a: { popular: 1 },
  b: { popular: 0.9 },
  c: { trend: 0.8 },
  d: { session: 0.5 },
  e: { similar: 1 },
  f: { fresh: 1, popular: 0.1 },
}

/** A list of somebody who did `n` things on their phone, or not. */
function draftNumber(n: number): ListDraft {
  const draft = draftOf(catalogue, { candidates, listId: `list-${n}` })
  const features = {
    counts: [n, 2],
    session: { events: n % 7, cart: n % 3 === 0 ? ['a'] : [], mainCategory: n % 2 ? 'Toys' : null },
    device: n % 2 ? 'mobile' : 'desktop',
    categories: [],
  }
  return Object.assign(draft, { update: { userId: 'u', eventTimeMs: 1_000_000 + n * 60_000, features } })
}

interface Given {
  readonly name: string
  readonly settings?: Readonly<Record<string, number>>
  readonly halfLifeMs?: number
  readonly over?: ExploredKind
  readonly looked?: readonly number[]
}

const policies = [
  { name: 'beta-thompson' },
  { name: 'softmax' },
  { name: 'lin-ucb' },
  { name: 'lin-ucb-hybrid', settings: { shared: 2 } },
  { name: 'linear-thompson', settings: { shared: 1, draws: 50 } },
  { name: 'logistic-thompson', halfLifeMs: 600_000 },
  { name: 'square-cb', halfLifeMs: 600_000 },
  { name: 'bag' },
  { name: 'neural-linear' },
  { name: 'beta-thompson', over: 'item' },
  { name: 'linear-thompson', settings: { shared: 1, draws: 50 }, over: 'item' },
  { name: 'softmax', over: 'slate' },
  { name: 'lin-ucb', over: 'slate', looked: [1, 0.5] },
  { name: 'bag', over: 'slate', halfLifeMs: 600_000 },
] as const

it.each<Given>(policies.map((given) => ({ over: 'source', ...given })))(
  '$name over $over: a logged decision is taken again from its list id and what the log had told by then',
  async (given) => {
    const scope = { over: given.over ?? 'source', looked: given.looked ?? [], itemContext: 'columns' } as const
    const explorer = policyVersion(given.name, given.settings ?? {}, given.halfLifeMs ?? 0, scope)
    expect(readPolicyVersion(given.name, explorer.version)).toMatchObject({ ...scope, version: explorer.version })
    const guards = { epsilon: 0.1, share: 1, minimumRelevance: 0, marginalDraws: 0 }
    const options = {
      enabled: true,
      surface: 'home',
      slot: 1,
      first: 2,
      policy: 'learned',
      explorer,
      itemsMax: 5,
      places: 3,
      ...guards,
    } as const
    const table = new BanditTable()
    const operator = exploreSlot(table, catalogue, { ...options, segmentBy: 'device' })
    const fold = new TopologyDriver(bandit, {})
    const logged: { listId: string; exploration: Exploration; drawn: readonly ExploredSlot[] }[] = []
    const told: BanditUpdate[] = []
    const applied = (value: BanditUpdate) => [{ key: `${value.policy}/${value.arm}`, value, offset: 0, loggedMs: 0 }]
    for (let n = 0; n < 60; n++) {
      const draft = draftNumber(n)
      await lastValueFrom(of(batchOf(draft)).pipe(operator))
      const { drawn, ...exploration } = draft.exploration!
      logged.push({ listId: draft.listId, exploration, drawn })
      await fold.send('rewards', rewardOf(n, drawn, exploration))
      // The log tells it some lists later.
      if (n % 3 !== 2) continue
      for (const update of fold.read('bandit-updates')) {
        told.push(update)
        table.apply(applied(update))
      }
    }
    expect(new Set(logged.map(({ exploration }) => exploration.segment))).toEqual(new Set(['mobile', 'desktop']))
    expect(logged.at(-1)!.exploration.learned).toBeGreaterThan(20)
    expect(new Set(logged.map(({ drawn }) => drawn[0]!.arm)).size).toBeGreaterThan(1)
    for (const { listId, exploration, drawn } of logged) {
      const name = learnedName('learned', exploration)
      const then = new BanditTable()
      for (const update of told) if (update.policy === name && update.version === exploration.learned) then.apply(applied(update))
      const known = then.learned(name, exploration.fadedToMs, explorer.halfLifeMs)
      const again = replayExploration(exploration, listId, known)
      expect([...again.chances.values]).toEqual(exploration.chances)
      expect(again.drawn.map(({ arm, propensity }) => [exploration.arms[arm], propensity])).toEqual(
        drawn.map(({ arm, propensity }) => [arm, propensity]),
      )
    }
  },
)

function rewardOf(sequence: number, drawn: readonly ExploredSlot[], exploration: Exploration): Reward {
  const decision = decisionOf(`d${sequence}`, 1_000_000 + sequence * 60_000, { exploration })
  const slots = drawn.map(({ slot: position, arm, propensity }, at) => {
    const reward = (sequence * 7 + at) % 5 < (arm === 'fresh' || arm === 'e' ? 3 : 1) ? 0.3 : 0
    return rewardedSlot({ ...slotOf(arm, position, true, arm), propensity }, reward)
  })
  return rewardRowOf(decision, sequence, slots, { closedMs: decision.timeMs })
}
