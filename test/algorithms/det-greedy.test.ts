import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detConstSort } from '../../algorithms/det-const-sort.ts'
import { type DetRule, detGreedy } from '../../algorithms/det-greedy.ts'
import '../property-seed.ts'

const ranked = (count: number) => Int32Array.from({ length: count }, (_, row) => row)
const rules: readonly DetRule[] = ['greedy', 'conservative', 'relaxed']

describe('detGreedy', () => {
  it('gives the golden orders', () => {
    const groups = Int32Array.of(0, 0, 0, 1, 0, 0, 0, 1)
    expect([...detGreedy(ranked(8), groups, Float64Array.of(0.5, 0.5), { count: 4 })]).toEqual([0, 3, 1, 7])
    const letters = Int32Array.from('aaaabbaacbcacbbc', (letter) => 'abc'.indexOf(letter))
    const by = (rule: DetRule) => [...detGreedy(ranked(16), letters, Float64Array.of(0.5, 0.3, 0.2), { count: 10, rule })]
    expect(by('greedy')).toEqual([0, 4, 1, 5, 8, 2, 3, 9, 6, 10])
    expect(by('conservative')).toEqual([0, 4, 1, 8, 2, 5, 3, 9, 6, 10])
    expect(by('relaxed')).toEqual([0, 4, 1, 8, 2, 5, 3, 9, 6, 10])
  })

  it('is not fooled by .14 · 50 = 7.000000000000001', () => {
    // The first group has its 7 of 50, and neither other group is below its 21.5: best heads alone would give it an 8th.
    const groups = Int32Array.from({ length: 150 }, (_, row) => (row < 50 ? 0 : 1 + (row % 2)))
    const rows = detGreedy(ranked(150), groups, Float64Array.of(0.14, 0.43, 0.43), { count: 50 })
    expect(rows.filter((row) => row < 50).length).toBe(7)
  })

  it('keeps ⌊n · share⌋ ≤ count ≤ ⌈n · share⌉ at every place for up to three groups', () => {
    fc.assert(
      fc.property(groupsAndShares(3), ({ groups, parts }) => {
        const shares = sharesOf(parts)
        for (const rule of rules) {
          const rows = detGreedy(ranked(groups.length), Int32Array.from(groups), shares, { count: groups.length, rule })
          expect(new Set(rows).size).toBe(groups.length)
          expectMinimums(rows, groups, parts)
        }
      }),
    )
  })

  it('goes on with rows of no group when the groups are used up', () => {
    const rows = detGreedy(ranked(4), Int32Array.of(-1, 0, -1, 1), Float64Array.of(0.5, 0.5), { count: 9 })
    expect([...rows]).toEqual([1, 3, 0, 2])
  })
})

describe('detConstSort', () => {
  it('keeps every minimum with any number of groups', () => {
    fc.assert(
      fc.property(groupsAndShares(7), ({ groups, parts }) => {
        const rows = detConstSort(ranked(groups.length), Int32Array.from(groups), sharesOf(parts), groups.length)
        expect([...rows].sort((a, b) => a - b)).toEqual([...ranked(groups.length)])
        expectMinimums(rows, groups, parts)
      }),
    )
  })

  it('keeps them where the greedy rule fails, several groups being due at one place', () => {
    let greedyFails = 0
    fc.assert(
      fc.property(groupsAndShares(6, 6), ({ groups, parts }) => {
        const shares = sharesOf(parts)
        const row = detGreedy(ranked(groups.length), Int32Array.from(groups), shares, { count: groups.length })
        if (firstMiss(row, groups, parts) >= 0) greedyFails++
        expect(
          firstMiss(detConstSort(ranked(groups.length), Int32Array.from(groups), shares, groups.length), groups, parts),
        ).toBe(-1)
      }),
      { numRuns: 300 },
    )
    expect(greedyFails).toBeGreaterThan(0)
  })

  it('is the plain order where that is fair already, and lets better rows rise as far as the minimums allow', () => {
    expect([...detConstSort(ranked(6), Int32Array.of(0, 1, 0, 1, 0, 1), Float64Array.of(0.5, 0.5), 6)]).toEqual([
      0, 1, 2, 3, 4, 5,
    ])
    expect([...detConstSort(ranked(6), Int32Array.of(0, 0, 0, 1, 1, 1), Float64Array.of(0.5, 0.5), 6)]).toEqual([
      0, 3, 1, 4, 2, 5,
    ])
  })

  it('goes on with what is left when a group is used up or has no share', () => {
    expect([...detConstSort(ranked(5), Int32Array.of(0, 0, 0, 0, 1), Float64Array.of(0.2, 0.8), 5)]).toEqual([0, 4, 1, 2, 3])
    expect([...detConstSort(ranked(3), Int32Array.of(0, 1, -1), Float64Array.of(0, 1), 3)]).toEqual([1, 0, 2])
    expect(detConstSort(new Int32Array(0), new Int32Array(0), Float64Array.of(1), 3).length).toBe(0)
  })
})

/** Rows' groups and whole-number parts of the list, enough rows in each group for its share. */
function groupsAndShares(groupsMax: number, groupsMin = 1) {
  return fc.array(fc.integer({ min: 1, max: 9 }), { minLength: groupsMin, maxLength: groupsMax }).chain((parts) => {
    const one = parts.flatMap((part, group) => new Array<number>(part).fill(group))
    return fc.shuffledSubarray([...one, ...one], { minLength: 2 * one.length }).map((groups) => ({ groups, parts }))
  })
}

function sharesOf(parts: readonly number[]): Float64Array {
  const sum = parts.reduce((a, b) => a + b)
  return Float64Array.from(parts, (part) => part / sum)
}

function expectMinimums(rows: Int32Array, groups: readonly number[], parts: readonly number[]): void {
  expect(firstMiss(rows, groups, parts)).toBe(-1)
}

/** The first place at which a group has fewer rows than ⌊n · part / sum⌋, in whole numbers; -1 if none has. */
function firstMiss(rows: Int32Array, groups: readonly number[], parts: readonly number[]): number {
  const sum = parts.reduce((a, b) => a + b)
  const counts = parts.map(() => 0)
  for (let n = 0; n < rows.length; n++) {
    counts[groups[rows[n]!]!]!++
    if (parts.some((part, group) => counts[group]! < Math.floor(((n + 1) * part) / sum))) return n
  }
  return -1
}
