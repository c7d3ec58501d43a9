import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TermRows } from '../../algorithms/term-rows.ts'
import { TfIdfIndex } from '../../algorithms/tf-idf.ts'
import { tokensOf } from '../../algorithms/tokens-of.ts'
import { createRandom } from '../../core/random.ts'

const documents = [
  ['red', 'wool', 'coat', 'wool'],
  ['blue', 'wool', 'hat'],
  ['red', 'silk', 'dress'],
  ['blue', 'cotton', 'coat', 'coat', 'coat'],
  ['garden', 'hose'],
]

function indexOf(all: readonly (readonly string[])[], termsMax = 100): TfIdfIndex {
  const index = new TfIdfIndex({ termsMax })
  all.forEach((tokens, item) => {
    index.add(item, tokens)
  })
  index.fit()
  return index
}

describe('TfIdfIndex', () => {
  // Computed with scikit-learn 1.x: TfidfVectorizer(sublinear_tf=True, smooth_idf=True), X Xᵀ.
  it('gives the cosines of scikit-learn', () => {
    const index = indexOf(documents)
    const expected: [number, number, number][] = [
      [0, 0, 1],
      [0, 1, 0.4081323159],
      [0, 2, 0.2246182859],
      [0, 3, 0.3610924207],
      [1, 3, 0.2018511538],
      [1, 2, 0],
      [0, 4, 0],
    ]
    for (const [a, b, value] of expected) {
      expect(index.similarity(a, b)).toBeCloseTo(value, 9)
      expect(index.similarity(b, a)).toBeCloseTo(value, 9)
    }
  })

  it('finds the nearest to a profile; what was disliked pushes away', () => {
    const index = indexOf(documents)
    const profile = index.profile([
      { item: 0, weight: 1 },
      { item: 3, weight: -0.5 },
      { item: 99, weight: 1 },
    ])
    const { indices, scores } = index.nearest(profile, 10)
    expect([...indices]).toEqual([0, 1, 2]) // 3 is negative, 4 shares no term
    expect(scores[0]).toBeCloseTo(0.8691528596, 9)
    expect(scores[1]).toBeCloseTo(0.3258385269, 9)
    expect(scores[2]).toBeCloseTo(0.238241165, 9)
    expect([...index.nearest(profile, 1, (item) => item === 0).indices]).toEqual([1])
    expect([...index.nearest(profile, 10).indices]).toEqual([0, 1, 2])
  })

  it('is the same after any adds, replacements and removals as when made at once', () => {
    const words = fc.array(fc.constantFrom('a1', 'b1', 'c1', 'd1', 'e1', 'f1'), { maxLength: 6 })
    const change = fc.record({ item: fc.integer({ min: 0, max: 6 }), tokens: fc.option(words) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const moved = new TfIdfIndex({ termsMax: 100 })
        const held = new Map<number, string[]>()
        for (const { item, tokens } of changes) {
          if (tokens === null) {
            expect(moved.remove(item)).toBe(held.delete(item))
          } else {
            moved.add(item, tokens)
            held.set(item, tokens)
          }
        }
        moved.fit()
        const fresh = new TfIdfIndex({ termsMax: 100 })
        for (const [item, tokens] of held) fresh.add(item, tokens)
        fresh.fit()
        expect(moved.itemCount).toBe(held.size)
        expect(moved.termCount).toBe(new Set([...held.values()].flat()).size)
        for (const a of held.keys()) {
          for (const b of held.keys()) expect(moved.similarity(a, b)).toBeCloseTo(fresh.similarity(a, b), 12)
          const near = moved.nearest(moved.vector(a), 10)
          near.indices.forEach((b, n) => {
            expect(near.scores[n]).toBeCloseTo(moved.similarity(a, b), 12)
          })
        }
      }),
    )
  })

  it('holds at most termsMax terms, and takes new ones when old ones go', () => {
    const index = indexOf(
      [
        ['aa', 'bb'],
        ['cc', 'dd'],
      ],
      3,
    )
    expect(index.termCount).toBe(3)
    expect(index.similarity(1, 1)).toBeCloseTo(1, 12)
    index.remove(0)
    index.add(2, ['dd', 'cc'])
    expect(index.termCount).toBe(2)
    expect(index.similarity(1, 2)).toBeGreaterThan(0)
    expect(index.add(-1, ['x'])).toBe(false)
  })
})

describe('tokensOf', () => {
  it('keeps words of any script, lower case, two characters or more', () => {
    expect(tokensOf('Ein Überwurf, 100% WOLLE – x')).toEqual(['ein', 'überwurf', '100', 'wolle'])
    expect(tokensOf('')).toEqual([])
  })
})

describe('TermRows', () => {
  it('holds what was put last, whatever came and went, and uses the places of what went again', () => {
    const random = createRandom('term rows')
    const rows = new TermRows()
    const held = new Map<number, number[]>()
    for (let step = 0; step < 4000; step++) {
      const item = random.below(1500)
      if (held.delete(item)) rows.delete(item)
      if (step % 3 === 0) continue
      const terms = Array.from({ length: random.below(12) }, () => random.below(1000))
      held.set(item, terms)
      rows.set(
        item,
        Int32Array.from(terms),
        Float64Array.from(terms, (term) => term / 8),
      )
    }
    expect(rows.size).toBe(held.size)
    expect([...rows.items()]).toEqual([...held.keys()].sort((a, b) => a - b))
    for (const [item, terms] of held) {
      const from = rows.starts[item]!
      expect([...rows.termsOf(item)]).toEqual(terms)
      expect([...rows.frequencies.subarray(from, from + terms.length)]).toEqual(terms.map((term) => term / 8))
    }
    expect(rows.has(1500)).toBe(false)
    expect(rows.terms.length).toBeLessThanOrEqual(1 << 14)
  })
})
