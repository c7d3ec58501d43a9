import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { filterCandidates } from '../../operators/filter-candidates.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import { candidatesOf, catalogueOf, draftOf, sourceScore } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'

const shop = {
  a: {},
  b: { stock: 0 },
  c: { stock: 3 },
  gone: { withdrawn: true },
  bought: {},
  disliked: {},
  held: {},
  seen: {},
  looking: {},
}

describe('filterCandidates', () => {
  it('takes out what is out of stock and counts it', () => {
    const catalogue = catalogueOf(shop)
    const draft = draftOf(catalogue, { candidates: { a: { popular: 1 }, b: { popular: 0.5 }, c: { popular: 0.25, trend: 1 } } })
    const batch = batchOf(draft)
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('x--y--|', { x: batch, y: batchOf<ListDraft>() }).pipe(filterCandidates(catalogue))).toBe('x--y--|', {
        x: batch,
        y: batchOf<ListDraft>(),
      })
    })
    expect(candidatesOf(draft, catalogue)).toEqual(['a', 'c'])
    expect([...draft.removed]).toEqual([['stock', 1]])
    // What is left keeps its own scores.
    expect([sourceScore(draft, 1, 'popular'), sourceScore(draft, 1, 'trend'), sourceScore(draft, 2, 'popular')]).toEqual([
      0.25, 1, 0,
    ])
  })

  it('names one reason for each, and lets the item before the current one stay', async () => {
    const catalogue = catalogueOf(shop)
    const candidates = Object.fromEntries(Object.keys(shop).map((itemId) => [itemId, { popular: 0.5 }]))
    const draft = draftOf(catalogue, {
      candidates,
      purchased: ['bought', 'gone', 'unheard of'],
      dismissed: ['disliked'],
      cart: ['held'],
      session: ['seen', 'looking'],
    })
    await lastValueFrom(of(batchOf(draft)).pipe(filterCandidates(catalogue)))
    expect(candidatesOf(draft, catalogue)).toEqual(['a', 'c', 'seen'])
    const reasons = { withdrawn: 1, stock: 1, purchased: 1, dismissed: 1, cart: 1, current: 1 }
    expect(Object.fromEntries(draft.removed)).toEqual(reasons)
  })

  it('passes an error on', () => {
    marbles(({ cold, expectObservable }) =>
      expectObservable(cold('-#').pipe(filterCandidates(catalogueOf({})) as never)).toBe('-#'),
    )
  })
})
