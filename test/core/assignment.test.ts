import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assignmentHashes,
  assignmentPoint,
  assignVariant,
  planOutPoint,
  variantAt,
  variantRanges,
} from '../../core/assignment.ts'

/** What the clients of GrowthBook and PlanOut say of inputs: GrowthBook's from its published cases, PlanOut's run beside ours. */
const growthBookPoints: [seed: string, unit: string, point: number][] = [
  ['seed', 'a', 0.0505],
  ['seed', 'b', 0.2696],
  ['foo', 'ab', 0.2575],
  ['foo', 'def', 0.2019],
  ['89123klj', '8952klfjas09ujkasdf', 0.124],
  ['90850943850283058242805', '123', 0.7516],
  ['()**(%$##$%#$#', '___)((*":&', 0.0128],
  // Its clients hash UTF-16 units, not bytes.
  ['', 'josé', 0.1315],
  ['', '用户123', 0.3071],
  ['', '😀', 0.4971],
  ['expérience', '123', 0.9001],
]
const growthBookRanges: [weights: number[], coverage: number, ranges: [number, number][]][] = [
  [
    [0.4, 0.6],
    1,
    [
      [0, 0.4],
      [0.4, 1],
    ],
  ],
  [
    [0.25, 0.25, 0.25, 0.25],
    1,
    [
      [0, 0.25],
      [0.25, 0.5],
      [0.5, 0.75],
      [0.75, 1],
    ],
  ],
  [
    [0.2, 0.3, 0.5],
    0.2,
    [
      [0, 0.04],
      [0.2, 0.26],
      [0.5, 0.6],
    ],
  ],
  [
    [0.5, 0.5],
    0,
    [
      [0, 0],
      [0.5, 0.5],
    ],
  ],
]
/** People who stand on the end of a range, where a rounding decides. */
const growthBookEdges: [unit: string, weights: number[], coverage: number, variant: number][] = [
  ['user-3436', [0.2, 0.2, 0.2, 0.2, 0.2], 0.1, 1],
  ['user-1177', [0.2, 0.2, 0.2, 0.2, 0.2], 0.72, -1],
  ['user-427', [0.1, 0.9], 0.01, 1],
  ['user-68525', [0.3, 0.7], 0.74, 1],
  ['user-866', [0.1, 0.2, 0.3, 0.4], 0.36, -1],
]
const planOutChoices: [salt: string, unit: string, weights: number[], variant: number, point: number][] = [
  ['exp1.button', '4', [1, 1], 1, 0.6982791822700308],
  ['exp1.button', 'user-1240', [0.5, 0.5], 0, 0.060048941917488524],
  ['exp1.button', '3601', [1, 1], 1, 0.9932448993474345],
  ['exp1.button', 'user-3860', [0.7, 0.1, 0.1, 0.1], 0, 0.13286087675602803],
  ['exp1.button', '3165', [9, 1], 0, 0.2682826820876987],
  ['exp1.button', '2573', [2, 1, 1], 0, 0.39929746077873984],
  ['ranker.variant', 'user-1740', [0.2, 0.2, 0.2, 0.2, 0.2], 1, 0.2484367568027274],
  ['ranker.variant', 'user-3150', [0.1, 0.2, 0.3, 0.4], 1, 0.20916715744832468],
  ['ranker.variant', '761', [2, 1, 1], 2, 0.7727284286756078],
  ['new.home.arm', '3351', [0.1, 0.2, 0.3, 0.4], 3, 0.9318954965283495],
  ['new.home.arm', '3023', [1, 0, 3], 0, 0.07639619201839962],
  ['new.home.arm', '251', [0.5, 0.5], 1, 0.8007975378957182],
]

describe('assignment', () => {
  it('gives the points, ranges and variants of GrowthBook', () => {
    for (const [seed, unit, point] of growthBookPoints) expect(assignmentPoint(seed, unit), unit).toBe(point)
    for (const [weights, coverage, ranges] of growthBookRanges) {
      const got = variantRanges(weights, coverage).flatMap(({ from, to }) => [from, to])
      ranges.flat().forEach((end, at) => {
        expect(got[at], `${weights} at ${coverage}`).toBeCloseTo(end, 12)
      })
    }
    for (const [unit, weights, coverage, variant] of growthBookEdges)
      expect(assignVariant('bucket-range-rounding', unit, weights, { coverage }), unit).toBe(variant)
  })

  it('gives the points and weighted choices of PlanOut', () => {
    for (const [salt, unit, weights, variant, point] of planOutChoices) {
      expect(planOutPoint(salt, unit), unit).toBe(point)
      expect(assignVariant(salt, unit, weights, { hash: 'planout' }), unit).toBe(variant)
    }
  })

  it('follows PlanOut up to the ends of ranges, by a count of the ends below', () => {
    const weights = [3, 0, 5, 2]
    const ends = [3, 3, 8, 10]
    for (let n = 0; n < 5_000; n++) {
      const place = planOutPoint('salt.arm', `${n}`) * 10
      const variant = ends.filter((end) => end < place).length
      expect(assignVariant('salt.arm', `${n}`, weights, { hash: 'planout' }), `${n}`).toBe(variant)
      const isIn = place <= ends[variant]! - 0.4 * weights[variant]!
      expect(assignVariant('salt.arm', `${n}`, weights, { hash: 'planout', coverage: 0.6 }), `${n}`).toBe(isIn ? variant : -1)
    }
  })

  it('shrinks each range in place', () => {
    expect(variantRanges([1, 1], 0.5)).toEqual([
      { from: 0, to: 0.25 },
      { from: 0.5, to: 0.75 },
    ])
    expect(variantAt(0.3, variantRanges([1, 1], 0.5))).toBe(-1)
    expect(variantAt(0.75, variantRanges([1, 1], 1))).toBe(1)
  })

  it('moves nobody when ramping up', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.string(), weights, share, share, fc.constantFrom(...assignmentHashes), (unit, all, a, b, hash) => {
        const before = assignVariant('salt', unit, all, { coverage: Math.min(a, b), hash })
        const after = assignVariant('salt', unit, all, { coverage: Math.max(a, b), hash })
        if (before !== -1) expect(after).toBe(before)
      }),
    )
  })

  it.each(assignmentHashes)('splits by weight, and independently under another seed, by %s', (hash) => {
    const counts = [0, 0, 0]
    let same = 0
    for (let n = 0; n < 20_000; n++) {
      const variant = assignVariant('first', `user-${n}`, [2, 1, 1], { hash })
      counts[variant]!++
      if (variant === assignVariant('second', `user-${n}`, [2, 1, 1], { hash })) same++
    }
    ;[10_000, 5000, 5000].forEach((expected, variant) => {
      expect(Math.abs(counts[variant]! - expected)).toBeLessThan(300)
    })
    expect(Math.abs(same - 20_000 * (0.25 + 0.0625 + 0.0625))).toBeLessThan(350)
  })

  it('refuses weights that mean nothing', () => {
    expect(() => variantRanges([0, 0])).toThrow('weights')
    expect(() => variantRanges([1, -1])).toThrow('weights')
    expect(() => variantRanges([1], 2)).toThrow('coverage')
    expect(() => assignVariant('salt', 'unit', [0, 0], { hash: 'planout' })).toThrow('weights')
  })
})
