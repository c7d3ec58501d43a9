import { describe, expect, it } from 'vitest'
import { CandidateSet, candidateSources, sourceCount } from '../../algorithms/candidate-set.ts'
import type { CandidateSource, CandidateUser } from '../../algorithms/candidates/candidate-source.ts'
import { togetherCandidates } from '../../algorithms/candidates/together-candidates.ts'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import { catalogueOf } from '../operators/list-draft-fixture.ts'

/** Somebody nobody knows, but for what is given. */
function person(fields: Partial<CandidateUser>): CandidateUser {
  const none = new Int32Array(0)
  return {
    nowMs: 0,
    recentRows: none,
    recentStrengths: new Float32Array(0),
    sessionRows: none,
    basketRows: none,
    categories: [],
    region: null,
    vector: null,
    ...fields,
  }
}

/** What a source brings: its scores and what they follow from, by item. */
function brought(source: CandidateSource, catalogue: Catalogue, user: CandidateUser, countMax = 10) {
  const set = new CandidateSet(countMax)
  source.retrieve(user, set, countMax)
  const column = candidateSources.indexOf(source.name)
  return Object.fromEntries(
    Array.from(set.rows.subarray(0, set.count), (row, place) => {
      const because = set.because[place * sourceCount + column]!
      return [
        catalogue.items.text(row),
        [set.scores[place * sourceCount + column]!, because < 0 ? '' : catalogue.items.text(because)],
      ]
    }),
  )
}

describe('together', () => {
  it('brings what follows the cart more often than by chance, no substitutes, nothing seen below five times', () => {
    const catalogue = catalogueOf({
      phone: { category: ['phones'] },
      phone2: { category: ['phones'] },
      case: { category: ['cases'] },
      milk: { category: ['food'] },
      rare: { category: ['cases'] },
    })
    const row = (itemId: string) => catalogue.items.find(itemId)
    const bought = { phone: 20, phone2: 10, case: 10, milk: 58, rare: 2 }
    for (const [itemId, count] of Object.entries(bought)) catalogue.purchases.set(row(itemId), count, 0)
    catalogue.followed[row('phone')] = 40
    const nothing = { rows: new Int32Array(0), weights: new Float32Array(0) }
    const follows = { rows: Int32Array.from(['case', 'milk', 'phone2', 'rare'], row), weights: Float32Array.of(12, 12, 12, 4) }
    catalogue.relate(row('phone'), nothing, follows)
    // Chance makes 40 · 10 % = 4 cases and 40 · 58 % = 23.2 milk of the 40 that followed.
    const user = person({ basketRows: Int32Array.of(row('phone')) })
    expect(brought(togetherCandidates(catalogue), catalogue, user)).toEqual({ case: [1, 'phone'] })
    catalogue.purchases.set(row('milk'), 2, 0)
    // Milk is as rare as others now: 44 purchases, of which 2 are milk and 10 cases; both lifts count.
    const lifts = { milk: 17 / ((40 * 2) / 44 + 5), case: 17 / ((40 * 10) / 44 + 5) }
    const found = brought(togetherCandidates(catalogue), catalogue, user)
    expect(Object.keys(found)).toEqual(['milk', 'case'])
    expect(found['case']![0]).toBeCloseTo(lifts.case / lifts.milk, 6)
  })

  it('brings nothing while the cart is empty', () => {
    expect(brought(togetherCandidates(catalogueOf({ a: {} })), catalogueOf({ a: {} }), person({}))).toEqual({})
  })
})
