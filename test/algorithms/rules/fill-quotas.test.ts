import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fillQuotas as fill, type Quota } from '../../../algorithms/rules/fill-quotas.ts'
import '../../property-seed.ts'

const none = Number.MAX_SAFE_INTEGER

/** Quota q counts the candidates whose mask has bit q. */
interface QuotaInput {
  readonly order: Int32Array
  readonly masks: Int32Array
  readonly pinned: Int32Array
  readonly quotas: readonly Omit<Quota, 'members'>[]
}

function fillQuotas({ order, masks, pinned, quotas }: QuotaInput): Int32Array | null {
  const counted = quotas.map((quota, q) => ({ ...quota, members: Uint8Array.from(masks, (mask) => (mask >>> q) & 1) }))
  return fill({ order, pinned, quotas: counted })
}

describe('fillQuotas', () => {
  it('takes the best that leaves the rest possible', () => {
    const input = {
      order: Int32Array.of(0, 1, 2, 3, 4),
      masks: Int32Array.of(0, 0, 0, 1, 1),
      pinned: new Int32Array(5).fill(-1),
    }
    expect([...fillQuotas({ ...input, quotas: [{ first: 3, min: 2, max: none }] })!]).toEqual([0, 3, 4, 1, 2])
    expect([...fillQuotas({ ...input, quotas: [{ first: 5, min: 0, max: none }] })!]).toEqual([0, 1, 2, 3, 4])
    expect(fillQuotas({ ...input, quotas: [{ first: 3, min: 3, max: none }] })).toBeNull()
    expect(fillQuotas({ ...input, quotas: [{ first: 5, min: 0, max: 1 }] })).toBeNull()
    expect([...fillQuotas({ ...input, quotas: [] })!]).toEqual([0, 1, 2, 3, 4])
  })

  it('finds what taking the best at each place would miss: one candidate that serves two quotas', () => {
    // One place of two may be of quota 0 or 1; only candidate 3 serves both.
    const input: QuotaInput = {
      order: Int32Array.of(0, 1, 2, 3),
      masks: Int32Array.of(0, 1, 2, 3),
      pinned: Int32Array.of(-1, -1, -1, -1),
      quotas: [
        { first: 2, min: 1, max: 1 },
        { first: 2, min: 1, max: 1 },
      ],
    }
    expect([...fillQuotas(input)!]).toEqual([0, 3, 1, 2])
  })

  it('equals the first fitting permutation, and says no only where none fits', () => {
    const shape = fc.record({
      masks: fc.array(fc.nat(7), { minLength: 1, maxLength: 7 }),
      pins: fc.array(fc.option(fc.nat(6)), { maxLength: 3 }),
      quotas: fc.array(
        fc.record({ first: fc.integer({ min: 1, max: 6 }), min: fc.nat(3), max: fc.oneof(fc.constant(none), fc.nat(3)) }),
        { maxLength: 3 },
      ),
    })
    let impossible = 0
    fc.assert(
      fc.property(shape, ({ masks, pins, quotas }) => {
        const size = masks.length
        const pinned = new Int32Array(size).fill(-1)
        pins.forEach((candidate, place) => {
          if (candidate !== null && candidate < size && place < size && !pinned.includes(candidate)) pinned[place] = candidate
        })
        const order = Int32Array.from(masks.keys()).filter((candidate) => !pinned.includes(candidate))
        const found = fillQuotas({ order, masks: Int32Array.from(masks), pinned, quotas })
        const slow = firstFitting(order, masks, pinned, quotas)
        if (slow === undefined) impossible++
        expect(found === null ? undefined : [...found]).toEqual(slow)
      }),
      { numRuns: 400 },
    )
    expect(impossible).toBeGreaterThan(20)
  })

  it('stays within its bound where hundreds of candidates are in many quotas', () => {
    const masks = Int32Array.from({ length: 300 }, (_, candidate) => (candidate * 2654435761) & 0x3fff)
    const quotas = Array.from({ length: 14 }, (_, q) => ({ first: 10 + q, min: 3, max: 6 }))
    const order = Int32Array.from(masks.keys())
    const found = fillQuotas({ order, masks, pinned: new Int32Array(300).fill(-1), quotas })
    for (const [q, { first, min, max }] of quotas.entries()) {
      if (!found) break
      const count = [...found.subarray(0, first)].filter((candidate) => (masks[candidate]! >>> q) & 1).length
      expect(count).toBeGreaterThanOrEqual(min)
      expect(count).toBeLessThanOrEqual(max)
    }
  })
})

/** All permutations of the free places in lexicographic order, until one keeps every quota. */
function firstFitting(
  order: Int32Array,
  masks: readonly number[],
  pinned: Int32Array,
  quotas: QuotaInput['quotas'],
  list: readonly number[] = [],
): number[] | undefined {
  if (list.length === pinned.length) {
    const fits = quotas.every(({ first, min, max }, q) => {
      const count = list.slice(0, first).filter((candidate) => (masks[candidate]! >>> q) & 1).length
      return count >= min && count <= max
    })
    return fits ? [...list] : undefined
  }
  const choices = pinned[list.length]! >= 0 ? [pinned[list.length]!] : order
  for (const candidate of choices) {
    if (list.includes(candidate)) continue
    const found = firstFitting(order, masks, pinned, quotas, [...list, candidate])
    if (found) return found
  }
  return undefined
}
