import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyRules } from '../../../algorithms/rules/apply-rules.ts'
import { checkLimits } from '../../../algorithms/rules/check-limits.ts'
import { checkList } from '../../../algorithms/rules/check-list.ts'
import { compileRules } from '../../../algorithms/rules/compile-rules.ts'
import { type ListLimits, listPromiseIds, listPromises } from '../../../algorithms/rules/list-promises.ts'
import type { RuleSpec, RuleSubject } from '../../../algorithms/rules/rule-spec.ts'
import type { RuleList } from '../../../algorithms/rules/ruled-list.ts'
import '../../property-seed.ts'
import { never, pin, quota, subjectOf } from './rule-examples.ts'

const anything: ListLimits = { first: 4, brandMax: 4, marginMin: 0, diversityMin: 0, categoryShareMax: 1, outsideShareMin: 0 }
const noTaste: readonly string[] = []

/** The list a, b, c … after rules and promises, its first `size` shown. */
function promised(
  subjects: readonly RuleSubject[],
  limits: ListLimits,
  given: { readonly size?: number; readonly rules?: readonly RuleSpec[]; readonly taste?: readonly string[] } = {},
) {
  const { size = subjects.length, rules = [], taste = noTaste } = given
  const list: RuleList = {
    subjects,
    scores: subjects.map((_, n) => 1 - n / 100),
    size,
    surface: 'home',
    timeMs: 0,
    promises: (all, count) => listPromises(limits, all, count, taste),
  }
  const { order, size: length, moves, violations } = applyRules(compileRules(rules), list)
  const shown = Array.from(order.subarray(0, length), (at) => subjects[at]!)
  const broken = checkLimits(limits, shown, taste).map(({ ruleId }) => ruleId!)
  const ids = shown.map(({ itemId }) => itemId).join('')
  return { ids, shown, moves, violations, broken: [...new Set(broken)] }
}

/** Items a, b, c … of `brand/top/leaf`, one letter each; `-` = none. */
function itemsOf(...kinds: readonly string[]): RuleSubject[] {
  return kinds.map((kind, n) => {
    const [brand, top, leaf] = [...kind]
    const category = top === '-' || top === undefined ? [] : leaf === undefined ? [top] : [top, leaf]
    return subjectOf(String.fromCharCode(97 + n), { brand: brand === '-' ? null : brand!, category })
  })
}

describe('listPromises', () => {
  it('holds back what is one too many of a brand, and fills up from the reserve', () => {
    const { ids, moves, broken } = promised(itemsOf('A', 'A', 'A', 'B', 'A', 'C'), { ...anything, brandMax: 2 }, { size: 4 })
    expect([ids, broken]).toEqual(['abdf', []])
    expect(moves).toContainEqual({ ruleId: 'list:brand', kind: 'held-back', itemId: 'c', from: 2, to: 4 })
    expect(moves).toContainEqual({ ruleId: null, kind: 'back-filled', itemId: 'f', from: 5, to: 3 })
  })

  it('keeps a page diverse: likeness is .3 for the first level of the path, .3 for the last, .4 for the brand', () => {
    const kinds = itemsOf('Axy', 'Axy', 'Axy', 'Axz', 'B-', 'Axy')
    // a, b, c, d: three pairs of likeness 1 and three of .7 make .85.
    expect(promised(kinds, { ...anything, diversityMin: 0.15 }).ids.slice(0, 4)).toBe('abcd')
    expect(promised(kinds, { ...anything, diversityMin: 0.16 }).ids.slice(0, 4)).toBe('abce')
    // With e three pairs are alike by 0: abce differ by .5, abde by (0 + .3 + .3 + 3) / 6 = .6.
    expect(promised(kinds, { ...anything, diversityMin: 0.6 }).ids.slice(0, 4)).toBe('abde')
    const { ids, moves, broken } = promised(kinds, { ...anything, diversityMin: 0.7 })
    expect([ids.slice(0, 4), broken]).toEqual(['abcd', ['list:diversity']])
    expect(moves).toEqual([])
  })

  it('lets no category fill the page, and brings something from outside those the person knows', () => {
    const kinds = itemsOf('-x', '-x', '-x', '-x', '-y', '-z')
    expect(promised(kinds, { ...anything, categoryShareMax: 0.6 }).ids.slice(0, 4)).toBe('abef')
    const outside = { ...anything, outsideShareMin: 0.25 }
    expect(promised(kinds, outside, { taste: ['x', 'y'] }).ids.slice(0, 4)).toBe('abcf')
    expect(promised(kinds, outside, { taste: ['x'] }).ids.slice(0, 4)).toBe('abce')
    expect(promised(kinds, outside).ids.slice(0, 4)).toBe('abcd')
    expect(promised(kinds, outside, { taste: ['x', 'y', 'z'] }).broken).toEqual(['list:outside'])
  })

  it('where not all is possible diversity yields before margin, and margin before brand', () => {
    // Two brands with margins: b, c, d are dear, a and e are cheap.
    const margins = [1, 3, 3, 3, 1]
    const items = itemsOf('A', 'B', 'B', 'B', 'C').map((item, n) => ({ ...item, margin: margins[n]! }))
    const limits = { ...anything, first: 3, marginMin: 2 }
    expect(promised(items, limits)).toMatchObject({ ids: 'bcdae', broken: [] })
    // Two of brand B at most: one cheap item must come, the better one.
    expect(promised(items, { ...limits, brandMax: 2 })).toMatchObject({ ids: 'abcde', broken: ['list:margin'] })
    // b, c and d are alike by .4: difference .6 is not more than .8, and margin counts more.
    expect(promised(items, { ...limits, diversityMin: 0.8 })).toMatchObject({ ids: 'bcdae', broken: ['list:diversity'] })
    expect(promised(items, { ...limits, brandMax: 1, diversityMin: 0.8 })).toMatchObject({ broken: ['list:margin'] })
    // One of each brand is not possible with two brands: as few as can be.
    const two = itemsOf('A', 'A', 'A', 'B', 'B')
    expect(promised(two, { ...anything, brandMax: 1 })).toMatchObject({ ids: 'abdec', broken: ['list:brand'] })
  })

  it('rules come first: pins stay, and what they break is told', () => {
    const rules = [pin('p', 'a', 0), pin('q', 'b', 1), quota('r', 'A', 4, 3)]
    const { ids, broken, violations } = promised(itemsOf('A', 'A', 'A', 'B', 'C'), { ...anything, brandMax: 2 }, { rules })
    expect([ids, broken, violations]).toEqual(['abcde', ['list:brand'], []])
  })

  it('equals the slow definition for random catalogues, rules and limits', () => {
    const subject = fc.record({
      kind: fc.constantFrom('Axy', 'Axz', 'Bxy', 'Bu', 'C-', '-xy', '-u'),
      margin: fc.integer({ min: 1, max: 3 }),
    })
    const shape = fc.record({
      subjects: fc.array(subject, { minLength: 2, maxLength: 6 }),
      size: fc.integer({ min: 2, max: 6 }),
      limits: fc.record({
        first: fc.integer({ min: 2, max: 4 }),
        brandMax: fc.integer({ min: 1, max: 4 }),
        marginMin: fc.constantFrom(0, 2, 3),
        diversityMin: fc.constantFrom(0, 0.3, 0.6, 0.8),
        categoryShareMax: fc.constantFrom(1, 0.6, 0.4),
        outsideShareMin: fc.constantFrom(0, 0.25, 0.5),
      }),
      rules: fc.constantFrom([], [pin('p', 'b', 0)], [quota('q', 'A', 3, 1, 1)], [never('n', 'B'), pin('p', 'c', 1)]),
      taste: fc.constantFrom([], ['x'], ['x', 'u']),
    })
    let broken = 0
    fc.assert(
      fc.property(shape, ({ subjects, size, limits, rules, taste }) => {
        const items = itemsOf(...subjects.map(({ kind }) => kind)).map((item, n) => ({ ...item, margin: subjects[n]!.margin }))
        const found = promised(items, limits, { size, rules, taste })
        const unlimited = rules.filter(({ kind }) => kind !== 'quota')
        const plain = promised(items, { ...anything, first: 1 }, { size: items.length, rules: unlimited })
        const slow = bestOf(plain.shown, { limits, rules, taste, size })
        expect(found.ids).toBe(slow.map(({ itemId }) => itemId).join(''))
        if (found.broken.length > 0) broken++
      }),
      { numRuns: 300 },
    )
    expect(broken).toBeGreaterThan(30)
  })
})

interface SlowInput {
  readonly limits: ListLimits
  readonly rules: readonly RuleSpec[]
  readonly taste: readonly string[]
  readonly size: number
}

/**
 * Every arrangement of what rules left over, nearest to the order first; of those the ones that break the rules least, of those the
 * ones that break the most important promise least, and so on; of those the first.
 */
function bestOf(items: readonly RuleSubject[], { limits, rules, taste, size }: SlowInput): RuleSubject[] {
  let left = arrangements(items).map((list) => list.slice(0, Math.min(size, items.length)))
  const keep = (missOf: (list: readonly RuleSubject[]) => number) => {
    const misses = left.map(missOf)
    const least = Math.min(...misses)
    left = left.filter((_, n) => misses[n] === least)
  }
  const unlimited = rules.filter(({ kind }) => kind !== 'quota')
  keep((list) => checkList(unlimited, list, { surface: 'home', timeMs: 0 }).length)
  for (const { first, values, countMin, countMax } of rules.filter(({ kind }) => kind === 'quota'))
    keep((list) => {
      const count = list.slice(0, first!).filter(({ brand }) => brand === values[0]).length
      return Math.max(0, countMin! - count, count - countMax!)
    })
  for (const id of listPromiseIds) keep((list) => missOf(id, limits, list, taste))
  return left[0]!
}

/** By how much a promise is missed; for diversity, whether it is. */
function missOf(id: string, limits: ListLimits, list: readonly RuleSubject[], taste: readonly string[]): number {
  const page = list.slice(0, limits.first)
  const over = (names: readonly (string | null | undefined)[], max: number) =>
    Math.max(0, ...names.map((name) => (name ? names.filter((other) => other === name).length - max : 0)))
  switch (id) {
    case 'list:brand':
      return over(
        page.map(({ brand }) => brand),
        limits.brandMax,
      )
    case 'list:margin':
      return page.filter(({ margin }) => margin < limits.marginMin).length
    case 'list:category':
      return over(
        page.map(({ category }) => category[0]),
        Math.floor(limits.categoryShareMax * page.length + 1e-9),
      )
    case 'list:outside': {
      const outside = page.filter(({ category }) => !category.some((name) => taste.includes(name))).length
      return taste.length === 0 ? 0 : Math.max(0, Math.floor(limits.outsideShareMin * page.length + 1e-9) - outside)
    }
    default:
      return checkLimits(limits, list, taste).some(({ ruleId }) => ruleId === id) ? 1 : 0
  }
}

/** All orders, lexicographically by the places in the order given. */
function arrangements(items: readonly RuleSubject[]): RuleSubject[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item) => arrangements(items.filter((other) => other !== item)).map((rest) => [item, ...rest]))
}
