import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignVariant, hashUnit } from '../../gateway/assign-variant.ts'

// GrowthBook's published cases for hash version 2 (packages/sdk-js/test/cases.json).
it.each([
  ['seed', 'a', 0.0505],
  ['seed', 'b', 0.2696],
  ['foo', 'ab', 0.2575],
  ['89123klj', '8952klfjas09ujkasdf', 0.124],
])('hashUnit(%s, %s) is %d', (seed, value, expected) => {
  expect(hashUnit(seed, value)).toBe(expected)
})

const half = (coverage: number) => ({
  name: 'seed',
  coverage,
  variants: [
    { name: 'a', weight: 0.5 },
    { name: 'b', weight: 0.5 },
  ],
})

it('coverage shrinks each range in place: [0, .25) and [.5, .75) at one half', () => {
  expect(assignVariant(half(0.5), 'a')).toBe('a') // .0505
  expect(assignVariant(half(0.5), 'b')).toBeNull() // .2696
  expect(assignVariant(half(1), 'b')).toBe('a')
})

it('ramping up moves nobody who is in', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (user, x, y) => {
        const before = assignVariant(half(Math.min(x, y)), user)
        if (before !== null) expect(assignVariant(half(Math.max(x, y)), user)).toBe(before)
      },
    ),
  )
})
