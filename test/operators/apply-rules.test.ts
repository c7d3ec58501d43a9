import { lastValueFrom, of } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { CandidateSet, sourceCount } from '../../algorithms/candidate-set.ts'
import { rankerWidth } from '../../algorithms/ranker-features.ts'
import type { ListLimits } from '../../algorithms/rules/list-promises.ts'
import { numberFields, type RuleSpec, textFields } from '../../algorithms/rules/rule-spec.ts'
import { systemClock } from '../../core/clock.ts'
import { applyRules, type RuleOptions } from '../../operators/apply-rules.ts'
import { bringCandidate } from '../../operators/bring-candidate.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import { CatalogueTable } from '../../operators/tables/catalogue-table.ts'
import { RuleTable } from '../../operators/tables/rule-table.ts'
import { toListWrites } from '../../operators/to-list-writes.ts'
import { toRecommendations } from '../../operators/to-recommendations.ts'
import { silentLogger } from '../../ports/logger.ts'
import type { Item } from '../../schemas/item.ts'
import type { ItemUpdate } from '../../schemas/item-update.ts'
import type { Recommendation } from '../../schemas/recommendation.ts'
import { type Rule, ruleFields } from '../../schemas/rule.ts'
import type { ServedSnapshot } from '../../schemas/served-list.ts'
import { unpackRow } from '../../schemas/served-rows.ts'
import { boost, never, only, pin, quota, ruleOf } from '../algorithms/rules/rule-examples.ts'
import { draftOf, exploredAt, orderOf, sourceScore } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'

const sourced = <T>(key: string, value: T) => ({ key, value, offset: 0, loggedMs: 0 })

/** Items by name, with their brand. */
function itemsOf(brands: Readonly<Record<string, string>>): CatalogueTable {
  const table = new CatalogueTable()
  table.apply(
    Object.entries(brands).map(([itemId, brand]) => {
      const words = {
        title: itemId,
        description: '',
        category: [],
        tags: [],
        imageUrl: null,
        listPrice: null,
        sellerRating: null,
        releasedMs: null,
      }
      const item: Item = { itemId, ...words, brand, price: 10, margin: 1, stock: null, createdMs: 0 }
      const signals = {
        popularity: 1,
        trend: 0,
        counts: [],
        purchaseRate: 0,
        rating: 3.5,
        hourly: 0,
        people: 0,
        similar: [],
        together: [],
        bought: 0,
        followed: 0,
      }
      return sourced(itemId, { itemId, item, withdrawn: false, ...signals, eventTimeMs: 0 } satisfies ItemUpdate)
    }),
  )
  return table
}

function rulesOf(...rules: readonly Omit<Rule, 'note'>[]): RuleTable {
  const table = new RuleTable()
  table.apply(rules.map((rule) => sourced(rule.id, { note: '', ...rule })))
  return table
}

const items = itemsOf({ a: 'A', b: 'B', c: 'A', d: 'B', e: 'C', f: 'C', g: 'G', h: 'G' })
const { catalogue } = items
/** A list that promises nothing of itself. */
const anything: ListLimits = { first: 3, brandMax: 3, marginMin: 0, diversityMin: 0, categoryShareMax: 1, outsideShareMin: 0 }
const options: RuleOptions = { surface: 'home', itemsMax: 3, poolMax: 100, limits: anything, tasteMax: 3 }

/** Six candidates, of which the first four are ordered: three of the list and one in reserve. f scores above e. */
function draft(): ListDraft {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const made = draftOf(catalogue, {
    candidates: Object.fromEntries(names.map((name) => [name, { popular: 0.5 }])),
    scores: [0.9, 0.8, 0.7, 0.6, 0.1, 0.2],
  })
  made.order = Int32Array.of(0, 1, 2, 3)
  return made
}

async function ruled(rules: RuleTable, made = draft()): Promise<ListDraft> {
  await lastValueFrom(of(batchOf(made)).pipe(applyRules(rules, items, options)))
  return made
}

describe('applyRules', () => {
  it('takes out what is never shown, fills up from the candidates and counts it', () => {
    const made = draft()
    const batch = batchOf(made)
    marbles(({ cold, expectObservable }) => {
      const values = { x: batch, y: batchOf<ListDraft>() }
      expectObservable(cold('x--y--|', values).pipe(applyRules(rulesOf(never('n', 'A')), items, options))).toBe('x--y--|', values)
    })
    expect(orderOf(made, catalogue)).toEqual(['b', 'd', 'f', 'e'])
    expect([...made.removed]).toEqual([['rule', 2]])
    expect(made.ruled!.violations).toEqual([])
    expect(made.ruled!.moves.filter(({ kind }) => kind === 'back-filled')).toEqual([
      { ruleId: null, kind: 'back-filled', itemId: 'd', from: 3, to: 1 },
      { ruleId: null, kind: 'back-filled', itemId: 'f', from: 4, to: 2 },
    ])
  })

  it('leaves drafts alone where no rule is in force', async () => {
    const made = draft()
    const { order } = made
    await ruled(rulesOf({ ...never('n', 'A'), surfaces: ['cart'] }, { ...never('later', 'A'), fromMs: 6 }), made)
    expect(made.order).toBe(order)
    expect(made.ruled).toBeUndefined()
    // The newest event of the list was at 5 ms.
    expect(orderOf(await ruled(rulesOf({ ...never('now', 'A'), fromMs: 5, toMs: 6 })), catalogue)[0]).toBe('b')
  })

  it('boosts and pins what was not ordered, and keeps the length of the order', async () => {
    const made = await ruled(rulesOf(boost('x', 50, 'C'), pin('p', 'd', 1), quota('q', 'C', 3, null, 1)))
    expect(orderOf(made, catalogue)).toEqual(['f', 'd', 'a', 'e'])
  })

  it('takes no more candidates into account than it may', async () => {
    const made = draft()
    await lastValueFrom(of(batchOf(made)).pipe(applyRules(rulesOf(never('n', 'A')), items, { ...options, poolMax: 5 })))
    expect(orderOf(made, catalogue)).toEqual(['b', 'd', 'f'])
  })

  it('pins items that no source brought, at the scores of those they stand before and with no model input', async () => {
    const made = draft()
    made.exploration = exploredAt(2)
    await ruled(rulesOf(pin('p', 'h', 2), pin('q', 'g', 0)), made)
    expect(orderOf(made, catalogue)).toEqual(['g', 'a', 'h', 'b'])
    expect(made.ruled!.violations).toEqual([])
    expect([made.scores[made.order[0]!], made.scores[made.order[2]!]]).toEqual([0.9, 0.8])
    expect(made.features.length).toBe(6 * rankerWidth)
    expect(made.order[0]).toBeGreaterThanOrEqual(6)
    const finish = { surface: 'home', policy: 'learned', policyVersion: '1', itemsMax: 3 }
    const finished = of(batchOf(made)).pipe(toRecommendations(catalogue, systemClock, finish), toListWrites({ ttlS: 0 }))
    const [write] = (await lastValueFrom(finished)).records
    expect((write!.value as Recommendation).items[0]).toMatchObject({ itemId: 'g', sources: [], explored: false, propensity: 1 })
    const snapshot = write!.companions![1]!.value as ServedSnapshot
    expect([unpackRow(snapshot, 'g'), unpackRow(snapshot, 'a')?.length]).toEqual([null, 4 * rankerWidth])
    expect(made.exploration).toBeNull() // c went into the reserve's end and out of the order.
  })

  it('pins nothing that the person bought, does not want or has at hand', async () => {
    const made = draftOf(catalogue, {
      candidates: { a: { popular: 1 }, b: { popular: 0.5 } },
      scores: [0.9, 0.8],
      purchased: ['g'],
      dismissed: ['h'],
      cart: ['e'],
      session: ['c', 'd'],
    })
    await ruled(rulesOf(...['g', 'h', 'e', 'd', 'c'].map((itemId, n) => pin(`p${n}`, itemId, n === 4 ? 1 : 0))), made)
    expect(orderOf(made, catalogue)).toEqual(['a', 'c', 'b'])
    expect(made.ruled!.violations.map(({ ruleId }) => ruleId)).toEqual(['p0', 'p1', 'p2', 'p3'])
  })

  it('tells what cannot be kept', async () => {
    const { ruled: told } = await ruled(rulesOf(only('o', 'A'), pin('p', 'nowhere', 0), quota('q', 'B', 2, 1)))
    expect(told!.violations.map(({ ruleId }) => ruleId)).toEqual(['p', 'q'])
  })

  it('lets the exploration slot follow its item, and gives it up with the item', async () => {
    const explored = () => Object.assign(draft(), { exploration: exploredAt(2) })
    expect((await ruled(rulesOf(pin('p', 'c', 0)), explored())).exploration).toEqual(exploredAt(0))
    expect((await ruled(rulesOf(never('n', 'A')), explored())).exploration).toBeNull()
  })

  it('keeps what every list promises, rules or none, and says what it could not', async () => {
    // a and c are of A, b and d of B, e and f of C; the first three places.
    const limited = async (limits: Partial<ListLimits>, rules = rulesOf(), made = draft()) => {
      const own = { ...options, limits: { ...anything, ...limits } }
      await lastValueFrom(of(batchOf(made)).pipe(applyRules(rules, items, own)))
      return made
    }
    const one = await limited({ brandMax: 1 })
    expect(orderOf(one, catalogue)).toEqual(['a', 'b', 'f', 'c'])
    expect(one.ruled).toEqual({
      moves: [
        { ruleId: 'list:brand', kind: 'held-back', itemId: 'c', from: 2, to: 3 },
        { ruleId: null, kind: 'back-filled', itemId: 'f', from: 4, to: 2 },
      ],
      violations: [],
    })
    // A rule takes C out: two brands are left for three places.
    const impossible = await limited({ brandMax: 1 }, rulesOf(never('n', 'C')))
    expect(orderOf(impossible, catalogue)).toEqual(['a', 'b', 'c', 'd'])
    expect(impossible.ruled!.violations).toEqual([{ ruleId: 'list:brand', what: '2 of the first 3 are of A, more than 1' }])
    const kept = await limited({ brandMax: 2, diversityMin: 0.3 })
    expect(kept.ruled).toBeUndefined()
    const explored = Object.assign(draft(), { exploration: exploredAt(2) })
    expect((await limited({ brandMax: 1 }, rulesOf(), explored)).exploration).toMatchObject({ slot: 3 })
  })

  it('passes an error on', () => {
    marbles(({ cold, expectObservable }) =>
      expectObservable(cold('-#').pipe(applyRules(rulesOf(), items, options) as never)).toBe('-#'),
    )
  })
})

describe('bringCandidate', () => {
  /** Three candidates in a full set, each with its own numbers. */
  function full(order: readonly number[]): ListDraft {
    const made = draft()
    const set = new CandidateSet(3)
    const features = new Float32Array(3 * rankerWidth)
    for (const [place, name] of ['a', 'b', 'c'].entries()) {
      set.add(0, catalogue.rowOf(name), (place + 1) / 4, place)
      features.fill(place + 1, place * rankerWidth, (place + 1) * rankerWidth)
    }
    return Object.assign(made, { set, features, scores: Float64Array.of(0.3, 0.1, 0.2), order: Int32Array.from(order) })
  }

  it('takes the place of the worst that is not in the order, and the others keep what is theirs', () => {
    const made = full([2, 0])
    const place = bringCandidate(made, catalogue.rowOf('g'), 0.25)
    expect(place).toBe(2)
    expect(orderOf(made, catalogue)).toEqual(['c', 'a'])
    const named = (at: number) => catalogue.items.text(made.set.rows[at]!)
    expect([named(0), named(1), named(2), made.set.count]).toEqual(['a', 'c', 'g', 3])
    expect([...made.scores]).toEqual([0.3, 0.2, 0.25])
    expect([sourceScore(made, 1, 'session'), sourceScore(made, 2, 'session')]).toEqual([0.75, 0])
    expect([made.set.because[sourceCount], made.set.because[2 * sourceCount]]).toEqual([2, -1])
    expect([...new Set(made.features.subarray(rankerWidth))]).toEqual([3])
    expect(made.features.length).toBe(2 * rankerWidth)
  })

  it('answers the place of a candidate, and −1 where all are in the order', () => {
    expect(bringCandidate(full([0, 1, 2]), catalogue.rowOf('b'), 1)).toBe(1)
    expect(bringCandidate(full([0, 1, 2]), catalogue.rowOf('g'), 1)).toBe(-1)
  })
})

describe('RuleTable', () => {
  it('holds the newest of each rule, and forgets what is removed', async () => {
    const rules = rulesOf(never('n', 'A'))
    expect(orderOf(await ruled(rules), catalogue)[0]).toBe('b')
    rules.apply([sourced('n', { ...never('n', 'B'), note: '' })])
    expect(orderOf(await ruled(rules), catalogue)).toEqual(['a', 'c', 'f', 'e'])
    rules.apply([sourced('n', null)])
    expect(orderOf(await ruled(rules), catalogue)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('leaves out a rule that is wrong, and what is too many, and says so', async () => {
    const quotas = Array.from({ length: 31 }, (_, n) => quota(`q${String(n).padStart(2, '0')}`, 'Z', 3, 0))
    const rules = rulesOf(ruleOf({ id: 'wrong', kind: 'bias', values: ['A'], bias: -7 }), never('n', 'A'), ...quotas)
    expect(orderOf(await ruled(rules), catalogue)[0]).toBe('b')
    expect([...rules.faults.keys()]).toEqual(['q30', 'wrong'])
    expect(rules.faults.get('wrong')).toContain('bias -7')
    expect(rules.compiled.specs.length).toBe(31)
  })

  it('logs a rule that is left out once, and again when it is wrong in another way', () => {
    const told: string[] = []
    const table = new RuleTable({ ...silentLogger, warn: (fields) => told.push(`${fields['rule']}: ${fields['fault']}`) })
    const set = (bias: number) =>
      table.apply([sourced('wrong', { ...ruleOf({ id: 'wrong', kind: 'bias', values: ['A'], bias }), note: '' })])
    set(-7)
    for (let asked = 0; asked < 3; asked++) expect(table.compiled.specs.length).toBe(0)
    set(-7)
    expect(table.faults.size).toBe(1)
    expect(told).toEqual([expect.stringContaining('wrong: bias -7')])
    set(-8)
    expect(table.faults.size).toBe(1)
    table.apply([sourced('wrong', null)])
    expect(table.faults.size).toBe(0)
    set(-8)
    expect(table.faults.size).toBe(1)
    expect(told.length).toBe(3)
  })

  it('takes records as they are: a rule of the topic is what compileRules asks for, and nothing is missing', () => {
    expectTypeOf<Omit<Rule, 'note'>>().toEqualTypeOf<RuleSpec>()
    expect([...textFields, ...numberFields]).toEqual([...ruleFields])
  })
})
