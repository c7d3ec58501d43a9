import { expect, it } from 'vitest'
import { posteriorOf } from '../../algorithms/beta-posterior.ts'

it('is prior plus counts, with mean and 95 % interval', () => {
  const { alpha, beta, mean, lower, upper } = posteriorOf({ successes: 1, failures: 9 })
  expect([alpha, beta]).toEqual([2, 10])
  expect(mean).toBeCloseTo(1 / 6, 15)
  expect(lower).toBeCloseTo(0.02283119829995966, 12) // scipy
  expect(upper).toBeCloseTo(0.4127799169883827, 12)
  expect(posteriorOf({ successes: 0, failures: 0 }).lower).toBeCloseTo(0.025, 12)
})
