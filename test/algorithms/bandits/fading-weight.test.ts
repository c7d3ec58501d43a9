import { expect, it } from 'vitest'
import { fadingReference, fadingWeight, moveReference } from '../../../algorithms/bandits/fading-weight.ts'
import { createRandom } from '../../../core/random.ts'

it('sums kept at a reference time are those that fade, in any order of time and over moves of the reference', () => {
  const random = createRandom('fading')
  const halfLifeMs = 1_000
  const rows = Array.from({ length: 500 }, () => ({ timeMs: random.below(200_000), value: random.next() }))
  const sums = Float64Array.of(0)
  let referenceMs = 0
  for (const { timeMs, value } of rows) {
    const next = fadingReference(timeMs, referenceMs, halfLifeMs)
    moveReference(sums, referenceMs, next, halfLifeMs)
    referenceMs = next
    sums[0]! += value * fadingWeight(timeMs, referenceMs, halfLifeMs)
  }
  expect(referenceMs).toBeGreaterThan(100_000)
  const nowMs = 201_000
  const slow = rows.reduce((sum, { timeMs, value }) => sum + value * 2 ** -((nowMs - timeMs) / halfLifeMs), 0)
  expect(sums[0]! * fadingWeight(referenceMs, nowMs, halfLifeMs)).toBeCloseTo(slow, 9)
  expect([fadingWeight(5, 0, 0), fadingReference(1e15, 0, 0)]).toEqual([1, 0])
})
