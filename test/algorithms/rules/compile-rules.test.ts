import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkList } from '../../../algorithms/rules/check-list.ts'
import { compileRules } from '../../../algorithms/rules/compile-rules.ts'
import { ruleFault } from '../../../algorithms/rules/rule-fault.ts'
import { numberFields, type RuleSpec, textFields } from '../../../algorithms/rules/rule-spec.ts'
import { MillraceError } from '../../../core/errors.ts'
import { ruleFields, ruleKinds, ruleSchema } from '../../../schemas/rule.ts'
import '../../property-seed.ts'
import { boost, never, only, pin, quota, ruleOf, subjectOf } from './rule-examples.ts'

describe('ruleFault', () => {
  it('accepts one of each kind', () => {
    const rules = [
      boost('a', 2, 'A'),
      never('b', 'A'),
      only('c', 'A'),
      pin('d', 'i1', 3),
      quota('e', 'A', 5, 1, 2),
      ruleOf({ id: 'f', kind: 'bury', field: 'ageDays', valueMin: 365 }),
      ruleOf({ id: 'g', kind: 'floor', field: 'stock', valueMin: 2 }),
    ]
    for (const rule of rules) expect(ruleFault(rule)).toBeNull()
    expect(new Set(rules.map(({ kind }) => kind))).toEqual(new Set(ruleKinds))
    expect([...textFields, ...numberFields]).toEqual([...ruleFields])
  })

  it('names the field and the fix of what is wrong', () => {
    const wrong: readonly (readonly [Partial<RuleSpec>, string])[] = [
      [{ id: 'a b' }, 'id "a b"'],
      [{ id: '' }, 'id ""'],
      [{ kind: 'hide' as never }, 'kind "hide": write one of'],
      [{ field: 'colour' as never }, 'field "colour": write one of'],
      [{ values: [] }, 'values: name at least one brand'],
      [{ values: new Array(1_001).fill('x') }, 'too many'],
      [{ valueMin: 3 }, 'use values'],
      [{ field: 'price' }, 'use valueMin'],
      [{ field: 'price', values: [] }, 'say which price'],
      [{ field: 'price', values: [], valueMin: Number.POSITIVE_INFINITY }, 'finite'],
      [{ field: 'price', values: [], valueMin: 3, valueMax: 2 }, 'above the largest'],
      [{ bias: -0.5 }, 'bias -0.5'],
      [{ bias: Number.NaN }, 'bias NaN'],
      [{ bias: 1 }, 'changes nothing'],
      [{ surfaces: [''] }, 'surfaces'],
      [{ fromMs: 5, toMs: 5 }, 'never hold'],
      [{ position: 2 }, 'only pins'],
      [{ first: 2 }, 'only quotas'],
      [{ kind: 'pin', bias: 1 }, 'exactly one itemId'],
      [{ kind: 'pin', bias: 1, field: 'itemId', position: 100 }, 'position 100'],
      [{ kind: 'bury' }, 'bias: means nothing'],
      [{ kind: 'floor', bias: 1 }, 'a floor is about a number'],
      [{ kind: 'quota', bias: 1, countMin: 1 }, 'first null'],
      [{ kind: 'quota', bias: 1, first: 3 }, 'say how many'],
      [{ kind: 'quota', bias: 1, first: 3, countMin: 4 }, 'countMin 4'],
      [{ kind: 'quota', bias: 1, first: 3, countMin: 2, countMax: 1 }, 'countMax 1'],
    ]
    for (const [given, said] of wrong) {
      const fault = ruleFault(ruleOf({ id: 'x', kind: 'bias', values: ['A'], bias: 2, ...given }))
      expect(fault, JSON.stringify(given)).toContain(said)
    }
  })
})

describe('compileRules', () => {
  it('refuses a wrong rule, one that comes twice, and too many quotas', () => {
    const refusal = (rules: readonly RuleSpec[]) => {
      try {
        compileRules(rules)
      } catch (error) {
        return error as MillraceError
      }
      return undefined
    }
    expect(refusal([boost('x', 1, 'A')])).toBeInstanceOf(MillraceError)
    expect(refusal([boost('x', 1, 'A')])).toMatchObject({ code: 'MILL_RULE_INVALID', reaction: 'refuse' })
    expect(refusal([boost('x', 1, 'A')])!.message).toContain('rule x, bias 1')
    expect(refusal([never('x', 'A'), never('x', 'B')])!.message).toContain('twice')
    expect(refusal(Array.from({ length: 31 }, (_, n) => quota(`q${n}`, 'A', 5, 1)))!.message).toContain('31 quotas')
    expect(refusal(Array.from({ length: 30 }, (_, n) => quota(`q${n}`, 'A', 5, 1)))).toBeUndefined()
  })

  it('knows what holds at any time, whatever was asked before', () => {
    const times = fc.option(fc.nat(6))
    const windows = fc.array(fc.tuple(times, times), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(windows, fc.array(fc.tuple(fc.nat(7), fc.constantFrom('home', 'cart')), { maxLength: 12 }), (given, asked) => {
        const specs = given
          .map(([fromMs, toMs], n) => ruleOf({ ...never(`r${n}`, 'A'), fromMs, toMs, surfaces: n % 2 === 0 ? [] : ['home'] }))
          .filter((rule) => ruleFault(rule) === null)
        const rules = compileRules(specs)
        for (const [timeMs, surface] of asked) {
          const holding = specs.filter(
            ({ fromMs, toMs, surfaces }) =>
              timeMs >= (fromMs ?? 0) && timeMs < (toMs ?? 99) && (surfaces.length === 0 || surface === 'home'),
          )
          const { isActive, count } = rules.active({ surface, timeMs })
          expect(rules.specs.filter((_, number) => isActive[number] === 1)).toEqual(holding)
          expect(count).toBe(holding.length)
        }
      }),
    )
  })

  it('counts a rule once for an item that it names twice', () => {
    const rules = compileRules([ruleOf({ id: 'x', kind: 'bias', field: 'tag', values: ['a', 'b', 'a'], bias: 2 })])
    const subjects = [subjectOf('i', { tags: ['a', 'b'] }), subjectOf('j'), subjectOf('k', { tags: ['b'] })]
    const { starts, rules: matched } = rules.matches(subjects, rules.active({ surface: 'home', timeMs: 0 }), 0)
    expect([...starts]).toEqual([0, 1, 1, 2])
    expect([...matched.subarray(0, 2)]).toEqual([0, 0])
  })
})

describe('checkList', () => {
  it('sees what is wrong without knowing how the list was made', () => {
    const shown = [subjectOf('a', { brand: 'A' }), subjectOf('b', { brand: 'B', stock: 0 }), subjectOf('a', { brand: 'A' })]
    const rules = [
      never('n', 'B'),
      only('o', 'A'),
      pin('p', 'c', 1),
      pin('q', 'c', 9),
      quota('r', 'A', 2, 2),
      quota('s', 'A', 9, null, 1),
      ruleOf({ id: 't', kind: 'floor', field: 'margin', valueMin: 3 }),
      ruleOf({ ...never('later', 'A'), fromMs: 6 }),
      ruleOf({ ...never('elsewhere', 'A'), surfaces: ['cart'] }),
    ]
    expect(checkList(rules, shown, { surface: 'home', timeMs: 5 }).map(({ ruleId, what }) => `${ruleId}: ${what}`)).toEqual([
      'null: b is sold out',
      'null: a is shown twice',
      'n: b is never to be shown',
      'o: b is none of those to be shown only',
      'p: c is not at place 1 but b',
      'q: c is not at place 9 but nothing',
      'r: 1 of the first 2, fewer than 2',
      's: 2 of the first 3, more than 1',
      't: a is below margin 3',
      't: b is below margin 3',
      't: a is below margin 3',
    ])
  })
})

describe('the rules topic', () => {
  it('carries a rule as it is', () => {
    const rule = { ...quota('r', 'A', 5, 1, 2), surfaces: ['home'], fromMs: 1, toMs: 2, valueMin: null, note: 'why' }
    expect(ruleSchema.decode(ruleSchema.encode(rule))).toEqual(rule)
  })
})
