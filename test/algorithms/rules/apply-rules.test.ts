import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyRules } from '../../../algorithms/rules/apply-rules.ts'
import { checkList } from '../../../algorithms/rules/check-list.ts'
import { compileRules } from '../../../algorithms/rules/compile-rules.ts'
import type { RuleSpec, RuleSubject } from '../../../algorithms/rules/rule-spec.ts'
import type { RuleList } from '../../../algorithms/rules/ruled-list.ts'
import '../../property-seed.ts'
import { boost, never, only, pin, quota, ruleOf, subjectOf } from './rule-examples.ts'

/** Items a, b, c … of the brands given, scores from 1 down by .1. */
function listOf(brands: string, size: number, given: Partial<RuleList> = {}): RuleList {
  const subjects = [...brands].map((brand, n) => subjectOf(String.fromCharCode(97 + n), { brand: brand === '-' ? null : brand }))
  const scores = subjects.map((_, n) => (10 - n) / 10)
  return { subjects, scores, size, surface: 'home', timeMs: 1_000, ...given }
}

function apply(rules: readonly RuleSpec[], list: RuleList) {
  const ruled = applyRules(compileRules(rules), list)
  const all = [...list.subjects, ...ruled.added]
  const ids = Array.from(ruled.order, (index) => all[index]!.itemId)
  const shown = Array.from(ruled.order.subarray(0, ruled.size), (index) => all[index]!)
  return { ...ruled, ids: ids.join(''), shown, faults: checkList(rules, shown, list) }
}

describe('applyRules', () => {
  it('leaves a list alone that no rule is about', () => {
    const { ids, moves, violations, size } = apply([never('n', 'Z'), boost('b', 2, 'Y')], listOf('ABAB', 3))
    expect({ ids, moves, violations, size }).toEqual({ ids: 'abcd', moves: [], violations: [], size: 3 })
  })

  it('takes out what is never shown, sold out or below a floor, and fills up from the reserve', () => {
    const list = listOf('ABABAB', 3)
    const subjects = list.subjects.map((item) => ({
      ...item,
      stock: item.itemId === 'd' ? 0 : 5,
      margin: item.itemId === 'e' ? 1 : 2,
    }))
    const floor = ruleOf({ id: 'f', kind: 'floor', field: 'margin', valueMin: 1.5 })
    const { ids, moves, faults } = apply([never('n', 'A'), floor], { ...list, subjects })
    expect(ids).toBe('bf')
    expect(faults).toEqual([])
    expect(moves).toEqual([
      { ruleId: 'n', kind: 'excluded', itemId: 'a', from: 0, to: -1 },
      { ruleId: 'n', kind: 'excluded', itemId: 'c', from: 2, to: -1 },
      { ruleId: null, kind: 'sold-out', itemId: 'd', from: 3, to: -1 },
      { ruleId: 'f', kind: 'excluded', itemId: 'e', from: 4, to: -1 },
      { ruleId: null, kind: 'back-filled', itemId: 'f', from: 5, to: 1 },
    ])
  })

  it('shows only what every include-only rule names', () => {
    const tagged = listOf('AABB', 4)
    const subjects = tagged.subjects.map((item) => ({ ...item, tags: item.itemId === 'b' || item.itemId === 'c' ? ['new'] : [] }))
    const rules = [only('o', 'A'), ruleOf({ id: 't', kind: 'bias', field: 'tag', values: ['new', 'sale'], bias: -1 })]
    expect(apply(rules, { ...tagged, subjects }).ids).toBe('b')
  })

  it('boosts by score, and one that nothing boosts keeps its order though scores are out of order', () => {
    // Scores by place: 1 .9 .8 .7; c counts .8 · 1.2 = .96.
    const { ids, moves } = apply([boost('b', 1.2, 'C')], listOf('ABCD', 4))
    expect(ids).toBe('acbd')
    expect(moves).toEqual([{ ruleId: 'b', kind: 'boosted', itemId: 'c', from: 2, to: 1 }])
    // The list was diversified: c scores more than b, and still stands behind it. d: min(.9) · 1.05 > .9.
    expect(apply([boost('b', 1.05, 'D')], listOf('ABCD', 4, { scores: [1, 0.9, 0.99, 0.9] })).ids).toBe('adbc')
    expect(apply([boost('b', 2, 'B')], listOf('AB', 2, { scores: [-1, -1.5] })).ids).toBe('ba')
    expect(apply([boost('b', 2, 'B')], listOf('ABC', 2, { scores: [Number.NaN, Number.NaN, 1] })).ids).toBe('abc')
  })

  it('buries behind all others, below the list if the reserve allows', () => {
    const bury = ruleOf({ id: 'y', kind: 'bury', values: ['A'] })
    const { ids, moves } = apply([bury, boost('b', 50, 'A')], listOf('ABAB', 2))
    expect(ids).toBe('bdac')
    expect(moves.filter(({ kind }) => kind === 'buried').map(({ itemId, to }) => [itemId, to])).toEqual([
      ['a', 2],
      ['c', 3],
    ])
  })

  it('pins candidates and items from outside, never what may not be shown', () => {
    const list = listOf('ABCD', 3)
    const rules = [pin('p1', 'd', 0), pin('p2', 'z', 2), never('n', 'B'), pin('p3', 'b', 1), pin('p4', 'y', 1)]
    const find = (itemId: string) => (itemId === 'z' ? subjectOf('z') : undefined)
    const { ids, moves, violations, faults } = apply(rules, { ...list, find })
    expect(ids).toBe('dazc')
    expect(moves.slice(1)).toEqual([
      { ruleId: 'p1', kind: 'pinned', itemId: 'd', from: 2, to: 0 },
      { ruleId: 'p2', kind: 'pinned', itemId: 'z', from: -1, to: 2 },
    ])
    expect(violations.map(({ ruleId, what }) => `${ruleId} ${what}`)).toEqual([
      'p3 b is not at place 1: rule n keeps it out',
      'p4 y is not at place 1: it is no candidate and cannot be brought',
    ])
    expect(faults.map(({ ruleId }) => ruleId)).toEqual(['p3', 'p4'])
  })

  it('makes a short list longer by what pins bring', () => {
    const find = (itemId: string) => subjectOf(itemId)
    const { ids, violations } = apply([pin('p', 'y', 3), pin('q', 'z', 2)], listOf('AB', 9, { find }))
    expect(ids).toBe('abzy')
    expect(violations).toEqual([])
    expect(apply([pin('p', 'y', 3), pin('q', 'a', 1)], listOf('AB', 9, { find })).violations).toMatchObject([
      { ruleId: 'p', what: 'y is not at place 3: the list has 2 places' },
    ])
  })

  it('lets a pin beat an include-only rule, for the pinned item only', () => {
    const { ids, faults } = apply([only('o', 'A'), pin('p', 'b', 0)], listOf('ABAB', 4))
    expect(ids).toBe('bac')
    expect(faults).toEqual([])
    // Its pin does not hold: then it is none of those to be shown.
    expect(apply([only('o', 'A'), pin('p', 'b', 9)], listOf('ABAB', 4)).ids).toBe('ac')
  })

  it('gives a place to the pin with the lower id, and none beyond the list', () => {
    const { ids, violations } = apply([pin('b', 'c', 0), pin('a', 'b', 0), pin('c', 'b', 2), pin('d', 'a', 3)], listOf('ABCD', 3))
    expect(ids).toBe('bacd')
    expect(violations.map(({ ruleId }) => ruleId)).toEqual(['b', 'c', 'd'])
    expect(violations[0]!.what).toBe('c is not at place 0: rule a pins b there')
  })

  it('lifts and holds back for quotas, around the pins, and says how far it fell short', () => {
    const { ids, moves, violations } = apply(
      [quota('q', 'B', 3, 2), quota('r', 'A', 4, null, 2), pin('p', 'e', 0)],
      listOf('AAAABB', 5),
    )
    expect(ids).toBe('eafbcd')
    expect(moves.filter(({ kind }) => kind === 'lifted')).toEqual([{ ruleId: 'q', kind: 'lifted', itemId: 'f', from: 5, to: 2 }])
    expect(violations).toEqual([])
    const short = apply([quota('q', 'B', 3, 3)], listOf('AAAABB', 5))
    expect(short.ids).toBe('aefbcd')
    expect(short.violations.map(({ what }) => what)).toEqual([
      '2 of the first 3 instead of at least 3: candidates, pins and the rules before it leave no other way',
    ])
  })

  it('never shortens a list for a quota', () => {
    const { ids, violations, size } = apply([quota('q', 'A', 4, null, 1)], listOf('AAAB', 4))
    expect(size).toBe(4)
    expect(ids).toBe('abcd')
    expect(violations.map(({ ruleId }) => ruleId)).toEqual(['q'])
  })

  it('keeps to surface and event time, and finds a rule that begins later', () => {
    const rules = compileRules([ruleOf({ ...never('n', 'A'), surfaces: ['cart'], fromMs: 500, toMs: 2_000 })])
    const count = (surface: string, timeMs: number) => applyRules(rules, listOf('AB', 2, { surface, timeMs })).order.length
    expect([count('home', 1_000), count('cart', 499), count('cart', 500), count('cart', 1_999), count('cart', 2_000)]).toEqual([
      2, 2, 1, 1, 2,
    ])
  })

  it('asks for any level of a category, for a price, for an age', () => {
    const item = { category: ['Home', 'Kitchen', 'Pans'], price: 30, createdMs: 0 }
    const list = listOf('--', 2, { timeMs: 10 * 86_400_000 })
    const subjects = [
      subjectOf('a', item),
      subjectOf('b', { ...item, category: ['Garden'], price: 5, createdMs: 9 * 86_400_000 }),
    ]
    const ids = (rule: Partial<RuleSpec>) =>
      apply([ruleOf({ id: 'x', kind: 'bias', bias: 0, ...rule })], { ...list, subjects }).ids
    expect(ids({ field: 'category', values: ['Kitchen'] })).toBe('b')
    expect(ids({ field: 'price', valueMax: 5 })).toBe('a')
    expect(ids({ field: 'price', valueMin: 5.01, valueMax: 40 })).toBe('b')
    expect(ids({ field: 'ageDays', valueMax: 7 })).toBe('a')
    expect(ids({ field: 'stock', valueMax: 100 })).toBe('ab') // Not counted: no number to match.
  })
})

const brand = fc.constantFrom('A', 'B', 'C')
const item = fc.constantFrom(...'abcdefghij')
const whole = (max: number) => fc.nat(max)
const randomRule: fc.Arbitrary<Omit<RuleSpec, 'id'>> = fc.oneof(
  fc.tuple(brand, fc.constantFrom(-1, 0, 0.5, 3)).map(([value, bias]) => ruleOf({ id: '', kind: 'bias', values: [value], bias })),
  fc.tuple(item, whole(6)).map(([value, position]) => pin('', value, position)),
  fc.tuple(item, whole(6)).map(([value, position]) => pin('', value, position)),
  brand.map((value) => ruleOf({ id: '', kind: 'bury', values: [value] })),
  whole(4).map((valueMin) => ruleOf({ id: '', kind: 'floor', field: 'margin', valueMin })),
  fc
    .tuple(brand, whole(5), whole(3), whole(3))
    .map(([value, first, a, b]) => quota('', value, first + 1, Math.min(a, b, first + 1), Math.max(a, b))),
  fc.tuple(brand, whole(5), whole(3)).map(([value, first, min]) => quota('', value, first + 1, Math.min(min, first + 1))),
)
const randomRules = fc.array(randomRule, { maxLength: 6 }).map((rules) => rules.map((rule, n) => ({ ...rule, id: `r${n}` })))
const randomList = fc
  .record({
    subjects: fc.array(
      fc.record({ itemId: item, brand: fc.option(brand), margin: whole(5), stock: fc.constantFrom(null, 0, 3, 9) }),
      { maxLength: 9 },
    ),
    size: whole(7),
    scores: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
    outside: fc.uniqueArray(item, { maxLength: 3 }),
  })
  .map(
    ({ subjects, size, scores, outside }): RuleList => ({
      subjects: subjects.map((subject) => subjectOf(subject.itemId, subject)),
      scores,
      size,
      surface: 'home',
      timeMs: 0,
      find: (itemId) => (outside.includes(itemId) ? subjectOf(itemId, { brand: 'A' }) : undefined),
    }),
  )

describe('for random rules and lists', () => {
  it('every promise holds, or the very rule that is broken is told', () => {
    let broken = 0
    let clean = 0
    fc.assert(
      fc.property(randomRules, randomList, (rules, list) => {
        const ruled = apply(rules, list)
        const told = [...new Set(ruled.violations.map(({ ruleId }) => ruleId))].sort()
        const found = [...new Set(ruled.faults.map(({ ruleId }) => ruleId))].sort()
        expect(told).toEqual(found)
        if (told.length > 0) broken++
        else if (ruled.moves.length > 0) clean++
      }),
      { numRuns: 2_000 },
    )
    expect(Math.min(broken, clean)).toBeGreaterThan(300)
  })

  it('no item comes twice or from nowhere, none is lost, and all of it can be told again', () => {
    fc.assert(
      fc.property(randomRules, randomList, (rules, list) => {
        const ruled = apply(rules, list)
        expect(new Set(ruled.order).size).toBe(ruled.order.length)
        expect(new Set(ruled.ids).size).toBe(ruled.ids.length)
        expect(ruled.size).toBe(Math.min(list.size, ruled.order.length))
        const gone = ruled.moves.filter(({ to }) => to === -1).length
        expect(ruled.order.length).toBe(list.subjects.length - gone + ruled.added.length)
        expect(apply([...rules].reverse(), list)).toEqual({ ...ruled, faults: expect.anything() })
        for (const move of ruled.moves) {
          if (move.kind === 'pinned') expect(ruled.ids[move.to]).toBe(move.itemId)
          if (move.to === -1) expect(ruled.ids).not.toContain(move.kind === 'repeated' ? '?' : move.itemId)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('a quota is told as broken only if no order of the candidates keeps the quotas', () => {
    let broken = 0
    fc.assert(
      fc.property(randomRules, randomList, (rules, list) => {
        const small = { ...list, subjects: list.subjects.slice(0, 6) }
        const ruled = apply(rules, small)
        const quotas = rules.filter(({ kind }) => kind === 'quota')
        if (!ruled.violations.some(({ ruleId }) => quotas.some(({ id }) => id === ruleId))) return
        broken++
        const all = [...small.subjects, ...ruled.added]
        const held = new Map(ruled.moves.filter(({ kind }) => kind === 'pinned').map(({ itemId, to }) => [itemId, to]))
        const pins = rules.filter(({ id, kind }) => kind === 'pin' && !ruled.violations.some(({ ruleId }) => ruleId === id))
        for (const { values, position } of pins) held.set(values[0]!, position!)
        const subjects = Array.from(ruled.order, (index) => all[index]!)
        for (const order of permutations(subjects)) {
          if ([...held].some(([itemId, place]) => order[place]?.itemId !== itemId)) continue
          expect(checkList(quotas, order.slice(0, ruled.size), small)).not.toEqual([])
        }
      }),
      { numRuns: 400 },
    )
    expect(broken).toBeGreaterThan(20)
  })
})

function* permutations(items: readonly RuleSubject[]): Generator<RuleSubject[]> {
  if (items.length === 0) yield []
  for (let n = 0; n < items.length; n++)
    for (const rest of permutations([...items.slice(0, n), ...items.slice(n + 1)])) yield [items[n]!, ...rest]
}
