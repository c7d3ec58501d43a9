import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignmentPoint, assignVariant, variantAt, variantRanges } from '../../core/assignment.ts'

describe('assignment', () => {
  it('gives the golden points of GrowthBook', () => {
    expect(assignmentPoint('seed', 'a')).toBe(0.0505)
    expect(assignmentPoint('seed', 'b')).toBe(0.2696)
    expect(assignmentPoint('foo', 'ab')).toBe(0.2575)
    expect(assignmentPoint('89123klj', '8952klfjas09ujkasdf')).toBe(0.124)
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
      fc.property(fc.string(), weights, share, share, (unit, all, a, b) => {
        const before = assignVariant('salt', unit, all, Math.min(a, b))
        const after = assignVariant('salt', unit, all, Math.max(a, b))
        if (before !== -1) expect(after).toBe(before)
      }),
    )
  })

  it('splits by weight, and differently under another seed', () => {
    const counts = [0, 0, 0]
    let same = 0
    for (let n = 0; n < 20_000; n++) {
      const variant = assignVariant('first', `user-${n}`, [2, 1, 1])
      counts[variant]!++
      if (variant === assignVariant('second', `user-${n}`, [2, 1, 1])) same++
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
  })
})
