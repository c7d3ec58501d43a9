import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import { createDraftReranker, type RerankOptions, rerank, rerankStages } from '../../operators/rerank.ts'
import { catalogueOf, draftOf, orderOf } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'

const options: RerankOptions = {
  itemsMax: 10,
  poolMax: 10,
  margin: { marginWeight: 0, stockWeight: 0, stockLow: 5 },
  serendipityWeight: 0,
  diversity: { method: 'mmr', lambda: 1, theta: 0.7, window: 10, places: 10 },
  fairness: { method: 'none', field: 'brand', shares: {}, alpha: 0.1 },
  caps: { first: 10, brandMax: 10, leafCategoryMax: 10, topCategoryMax: 10 },
}

const mixed = (diversity: Partial<RerankOptions['diversity']>) => ({ diversity: { ...options.diversity, ...diversity } })
const capped = (caps: Partial<RerankOptions['caps']>) => ({ caps: { ...options.caps, ...caps } })

/** A catalogue with no items of its own: what tags ask of. */
const itemsOf = (catalogue: Catalogue) => ({ catalogue, get: () => undefined })

/** The order of candidates a, b, c … with these scores. */
async function ordered(
  catalogue: Catalogue,
  scores: readonly number[],
  changed: Partial<RerankOptions> = {},
  taste: Readonly<Record<string, number>> = {},
  recent: readonly string[] = [],
) {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, scores.length)
  const draft = draftOf(catalogue, { candidates: Object.fromEntries(names.map((name) => [name, { popular: 1 }])), scores })
  const categories = new Map(Object.entries(taste).map(([name, weight]) => [catalogue.categories.find(name), weight]))
  const recentRows = Int32Array.from(recent, (name) => catalogue.rowOf(name))
  Object.assign(draft, { ranker: { ...draft.ranker, categories }, user: { ...draft.user, recentRows } })
  await lastValueFrom(of(batchOf(draft)).pipe(rerank(itemsOf(catalogue), { ...options, ...changed })))
  return orderOf(draft, catalogue).join('')
}

const plain = catalogueOf({ a: {}, b: {}, c: {}, d: {} })

describe('rerank', () => {
  it('orders a draft by score where difference counts nothing', () => {
    const draft = draftOf(plain, {
      candidates: { a: { popular: 1 }, b: { popular: 1 }, c: { popular: 1 } },
      scores: [0.2, 0.9, 0.5],
    })
    const batch = batchOf(draft)
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('x--y--|', { x: batch, y: batchOf() }).pipe(rerank(itemsOf(plain), options) as never)).toBe(
        'x--y--|',
        {
          x: batch,
          y: batchOf(),
        },
      )
    })
    expect(orderOf(draft, plain)).toEqual(['b', 'c', 'a'])
  })

  it('weighs relevance against likeness: leaf .6, only the top .3, brand .4', async () => {
    const shop = catalogueOf({
      a: { category: ['x', 'y'], brand: 'n' },
      b: { category: ['x', 'y'], brand: 'n' }, // As a: likeness 1.
      c: { category: ['x', 'z'], brand: 'n' }, // 0.7
      d: { category: ['x', 'z'] }, // 0.3
      e: { category: ['w'] }, // 0
    })
    // Scaled to 1, .9, .8, .4, 0: halves of relevance minus likeness to a are −.05, .05, .05, 0; c comes first, being first of equals.
    expect(await ordered(shop, [1, 0.9, 0.8, 0.4, 0], { ...mixed({ lambda: 0.5 }), itemsMax: 2 })).toBe('ac')
    // With more weight on difference the one that shares nothing comes second.
    expect(await ordered(shop, [1, 0.9, 0.8, 0.4, 0], { ...mixed({ lambda: 0.2 }), itemsMax: 2 })).toBe('ae')
    expect(await ordered(shop, [1, 0.9, 0.8, 0.4, 0], { ...mixed({ lambda: 0.9 }), itemsMax: 2 })).toBe('ab')
  })

  it('unknown categories and brands are not alike', async () => {
    expect(await ordered(plain, [1, 0.9, 0.8, 0.7], mixed({ lambda: 0.1 }))).toBe('abcd')
  })

  it('holds the caps per brand and category within the first places, and never shortens a list', async () => {
    const shop = catalogueOf({
      a: { brand: 'n' },
      b: { brand: 'n' },
      c: { brand: 'n' },
      d: { category: ['x'] },
      e: { category: ['x'] },
      f: {},
    })
    const scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    expect(await ordered(shop, scores, capped({ first: 4, brandMax: 2, leafCategoryMax: 1 }))).toBe('abdfce')
    expect(await ordered(shop, scores, capped({ first: 6, brandMax: 1, leafCategoryMax: 1 }))).toBe('adfbce')
  })

  it('takes the best of the pool only, and no more than the list holds', async () => {
    expect(await ordered(plain, [0.1, 0.4, 0.3, 0.2], { poolMax: 3 })).toBe('bcd')
    expect(await ordered(plain, [0.1, 0.4, 0.3, 0.2], { itemsMax: 2 })).toBe('bc')
  })

  const three = catalogueOf({
    a: { category: ['x'], brand: 'n' },
    b: { category: ['x'], brand: 'n' },
    c: { category: ['x'] },
    d: { category: ['y'], brand: 'm' },
  })
  const scores = [1, 0.9, 0.6, 0.5]

  it('dpp: the determinant of a and d grows most, though b scores more; what has no gain left follows by score', async () => {
    // θ 0: quality counts nothing. a (first of equals), then the one that is not like it, then c (.6 like a), and b is a again.
    expect(await ordered(three, scores, mixed({ method: 'dpp', theta: 0 }))).toBe('adcb')
    // Scaled to 1, .8, .2, 0 and θ .9: q = e^(4.5 r). Next to a, b has gain 0, c q²(1 − .36) = 6.05 · .64 and d 1.
    expect(await ordered(three, scores, mixed({ method: 'dpp', theta: 0.9 }))).toBe('acdb')
    expect(await ordered(three, scores, mixed({ method: 'dpp', theta: 0, places: 1 }))).toBe('abcd')
  })

  it('sliding-dpp: only so many places in a row must differ', async () => {
    // a, d; then only d counts: b and c differ from it alike, b comes first; in a window of 1 nothing counts.
    expect(await ordered(three, scores, mixed({ method: 'sliding-dpp', theta: 0, window: 2 }))).toBe('adbc')
    expect(await ordered(three, scores, mixed({ method: 'sliding-dpp', theta: 0, window: 1 }))).toBe('abcd')
    expect(await ordered(three, scores, mixed({ method: 'sliding-dpp', theta: 0, window: 4 }))).toBe('adcb')
  })

  it('xquad and calibrated give a smaller taste its place; without a taste the score decides', async () => {
    const taste = { x: 0.6, y: 0.2 }
    // λ .3, wanted .75 of x and .25 of y, each item serves half: after a, b .3 · .8 + .7 · .1875 against d .7 · .125; then c .3 · .2 + .7 · .094.
    expect(await ordered(three, scores, mixed({ method: 'xquad', lambda: 0.3 }), taste)).toBe('abcd')
    // λ 0: x .375 against y .125; then x .1875, .09375 against .125.
    expect(await ordered(three, scores, mixed({ method: 'xquad', lambda: 0 }), taste)).toBe('abdc')
    // λ 0: of the first two places none may be y, as 3 : 1 is nearest with x, x; of three and four one of them.
    expect(await ordered(three, scores, mixed({ method: 'calibrated', lambda: 0 }), taste)).toBe('adbc')
    for (const method of ['xquad', 'calibrated'] as const)
      expect(await ordered(three, scores, mixed({ method, lambda: 0.3 }))).toBe('abcd')
    expect(await ordered(three, scores, mixed({ method: 'none', lambda: 0 }))).toBe('abcd')
  })

  it('margin decides among alike scores, low stock steps back, and surprise earns its share', async () => {
    const shop = catalogueOf({
      a: { category: ['x'], margin: 1, stock: 1 },
      b: { category: ['x'], margin: 3, stock: 9 },
      c: { category: ['y'], margin: 9 },
    })
    const weighed = (changed: Partial<RerankOptions['margin']>) => ({ margin: { ...options.margin, ...changed } })
    // z within x is −1 and 1, alone in y 0: 1 · .8 and .9 · 1.2 and .95.
    expect(await ordered(shop, [1, 0.9, 0.95], weighed({ marginWeight: 0.2 }))).toBe('bca')
    // 1 of 5 pieces: shortage .8; 1 · (1 − .04) and 1 · (1 − .12).
    expect(await ordered(shop, [1, 0.9, 0.95], weighed({ stockWeight: 0.05 }))).toBe('acb')
    expect(await ordered(shop, [1, 0.9, 0.95], weighed({ stockWeight: 0.15 }))).toBe('cba')
    // Nobody has a history: all are as surprising.
    expect(await ordered(shop, [1, 0.9, 0.95], { serendipityWeight: 1 })).toBe('acb')
    // Scaled to 1, .5, 0; a and b are as alike (.6) to what was touched as can be, c is not, but earns nothing on 0.
    expect(await ordered(shop, [1, 0.6, 0.9], { serendipityWeight: 0.9 }, {}, ['b'])).toBe('cab')
  })

  it('groups get their shares of the first places: given, of the candidates, or one that is guarded', async () => {
    const shop = catalogueOf({
      a: { brand: 'n' },
      b: { brand: 'n' },
      c: { brand: 'n' },
      d: { brand: 'm', category: ['y'] },
      e: { brand: 'm' },
      f: {},
    })
    const best = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    const fair = (changed: Partial<RerankOptions['fairness']>) => ({ fairness: { ...options.fairness, ...changed } })
    for (const method of ['det-const-sort', 'det-greedy'] as const) {
      // Half of n, half of m; then whoever is left.
      expect(await ordered(shop, best, fair({ method, shares: { n: 0.5, m: 0.5 } })), method).toBe('adbecf')
      // What is not named shares what is left: one in four must be y.
      expect((await ordered(shop, best, fair({ method, field: 'category', shares: { y: 0.25 } }))).indexOf('d'), method).toBe(3)
    }
    // Of six candidates a half is n, a third m, a sixth of no brand: one m is due at three, the second at six.
    expect(await ordered(shop, best, fair({ method: 'det-const-sort' }))).toBe('abdcef')
    // DetGreedy gives a place that nobody is due to whoever may still have one: m at two and four.
    expect(await ordered(shop, best, fair({ method: 'det-greedy' }))).toBe('adbecf')
    // m(n) of FA*IR at p = .9 and a large alpha asks for m early.
    const guarded = await ordered(shop, best, fair({ method: 'fa-ir', shares: { m: 0.9 }, alpha: 0.4 }))
    expect(guarded.slice(0, 2)).toBe('de')
    expect([...guarded].sort().join('')).toBe('abcdef')
  })

  it('tells the order after each stage', () => {
    const draft = draftOf(three, {
      candidates: { a: { popular: 1 }, b: { popular: 1 }, c: { popular: 1 }, d: { popular: 1 } },
      scores,
    })
    const told = [
      ...createDraftReranker(itemsOf(three), {
        ...options,
        ...mixed({ lambda: 0.1 }),
        ...capped({ first: 2, topCategoryMax: 1 }),
      })(draft),
    ]
    expect(told.map(({ stage }) => stage)).toEqual([...rerankStages])
    expect(told.map(({ places }) => [...places()].join(''))).toEqual(['0123', '0321', '0321', '0321'])
  })
})
