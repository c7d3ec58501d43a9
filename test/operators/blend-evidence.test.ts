import { expect, it } from 'vitest'
import type { CandidateUser } from '../../algorithms/candidates/candidate-source.ts'
import type { TrendList } from '../../algorithms/candidates/trend-lists.ts'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import { blendEvidence } from '../../operators/blend-evidence.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import type { Batch } from '../../ports/batch.ts'
import { candidatesOf, catalogueOf, type DraftParts, draftOf } from './list-draft-fixture.ts'
import { marbles } from './marbles.ts'

const options = { personalHalf: 5, itemsMax: 20, choicesHalf: 2, groupHalf: 50, depth: 4 }
const catalogue = catalogueOf({
  own: {},
  chosen: { category: ['books', 'novels'] },
  grouped: {},
  rising: {},
})
const books = catalogue.categories.find('books')
const candidates: DraftParts['candidates'] = {
  own: { session: 1 },
  chosen: { category: 0.9 },
  grouped: { group: 1 },
  rising: { trend: 1, popular: 0.5 },
}

/** A person who touched so many items and chose so many categories. */
function draft(touched: number, chosen: number, user: Partial<CandidateUser> = {}): ListDraft {
  const made = draftOf(catalogue, { candidates, scores: [9, 3, 2, 1] })
  const strengths = new Float32Array(touched + 1).fill(0.3)
  strengths[touched] = 0 // Dismissed: no taste.
  Object.assign(made.user, { recentStrengths: strengths, groups: [], region: null, ...user })
  const declared = new Set(Array.from({ length: chosen }, (_, at) => books + at))
  return { ...made, ranker: { ...made.ranker, declared } }
}

function blended(made: ListDraft, people = 0, over: Catalogue = catalogue) {
  const trends = new Map([['scope:group:x', { people } as TrendList]])
  marbles(({ cold, expectObservable }) => {
    const batch = { records: [made] } as unknown as Batch<ListDraft>
    expectObservable(cold('x--|', { x: batch }).pipe(blendEvidence(trends, over, options))).toBe('x--|', { x: batch })
  })
  return Object.fromEntries(candidatesOf(made, catalogue).map((item, place) => [item, made.scores[place]!]))
}

it('blendEvidence: one who did nothing gets what they chose, then their group, then the trend, and the ranker no say', () => {
  const nobody = draft(0, 2, { groups: ['scope:group:x'] })
  // 2 choices take half, 75 people .6 of what is left; each tier has one item but the ranker's, which counts nothing.
  const found = blended(nobody, 75)
  expect(found['own']).toBeCloseTo(0, 8)
  expect(found['own']).toBeGreaterThan(0)
  expect(found['chosen']).toBeCloseTo(0.5, 8)
  expect(found['grouped']).toBeCloseTo(0.3, 8)
  expect(found['rising']).toBeCloseTo(0.2, 8)
  expect(nobody.personalShare).toBe(0)
})

it('blendEvidence: the own taste grows with each item, n / (n + 5), and has all of the say from 20 items on', () => {
  // The ranker's four places get 1, 3/4, 2/4, 1/4 of its share; without choices and group the rest is the trend's.
  const some = draft(5, 0)
  for (const [itemId, points] of Object.entries({ own: 0.5, chosen: 0.375, grouped: 0.25, rising: 0.5 * 0.25 + 0.5 }))
    expect(blended({ ...some, scores: Float64Array.of(9, 3, 2, 1) })[itemId]).toBeCloseTo(points, 8)
  blended(some)
  expect(some.personalShare).toBe(0.5)
  const regular = draft(20, 2)
  expect(blended(regular)).toEqual({ own: 9, chosen: 3, grouped: 2, rising: 1 })
  expect(regular.personalShare).toBe(1)
})

it('blendEvidence: where there is nothing but the ranker, its scores stand', () => {
  const alone = {
    ...draft(0, 0),
    set: draftOf(catalogue, { candidates: { own: { session: 1 } } }).set,
    scores: Float64Array.of(9),
  }
  expect(blended(alone)).toEqual({ own: 9 })
  expect(alone.personalShare).toBe(1)
})
