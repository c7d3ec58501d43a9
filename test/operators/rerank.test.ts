import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import { type RerankOptions, rerank } from '../../operators/rerank.ts'
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
async function ordered(catalogue: Catalogue, scores: readonly number[], changed: Partial<RerankOptions> = {}) {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, scores.length)
  const draft = draftOf(catalogue, { candidates: Object.fromEntries(names.map((name) => [name, { popular: 1 }])), scores })
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
})
