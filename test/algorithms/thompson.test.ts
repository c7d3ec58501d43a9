import { describe, expect, it } from 'vitest'
import { addReward, correctReward, emptyArm, mergeArm, posteriorOf, sampleThompsonSlate } from '../../algorithms/thompson.ts'
import { createRandom } from '../../core/random.ts'

const golden = [
  { alpha: 2, beta: 10 },
  { alpha: 3, beta: 9 },
  { alpha: 1, beta: 12 },
]

describe('arm counts', () => {
  it('add a reward to both sides, clipped to 0 … 1', () => {
    const arm = emptyArm()
    for (const reward of [1, 0, 0.3, 5, -2]) addReward(arm, reward)
    expect(arm.successes).toBeCloseTo(2.3, 12)
    expect(arm.failures).toBeCloseTo(2.7, 12)
    expect(() => addReward(arm, Number.NaN)).toThrow('number')
  })

  it('end the same whether the reward is held back or assumed first and corrected', () => {
    const held = emptyArm()
    const provisional = emptyArm()
    for (const reward of [1, 0, 0.5, 0]) {
      addReward(held, reward)
      addReward(provisional, 0)
      correctReward(provisional, 0, reward)
    }
    expect(provisional).toEqual(held)
  })

  it('merge by addition and part by subtraction', () => {
    const sum = { successes: 3, failures: 4 }
    mergeArm(sum, { successes: 1, failures: 2 })
    expect(sum).toEqual({ successes: 4, failures: 6 })
    mergeArm(sum, { successes: 1, failures: 2 }, -1)
    expect(sum).toEqual({ successes: 3, failures: 4 })
  })

  it('have a posterior with mean and 95 % interval', () => {
    const { alpha, beta, mean, lower, upper } = posteriorOf({ successes: 1, failures: 9 })
    expect([alpha, beta]).toEqual([2, 10])
    expect(mean).toBeCloseTo(1 / 6, 15)
    expect(lower).toBeCloseTo(0.02283119829995966, 12) // scipy
    expect(upper).toBeCloseTo(0.4127799169883827, 12)
    expect(posteriorOf(emptyArm()).lower).toBeCloseTo(0.025, 12)
  })
})

describe('thompson sampling', () => {
  it('fills a slate: the first place follows the same propensities', () => {
    const random = createRandom('slate')
    let first = 0
    for (let n = 0; n < 20_000; n++) {
      const slate = sampleThompsonSlate(golden, 2, random)
      expect(new Set(slate).size).toBe(2)
      if (slate[0] === 1) first++
    }
    expect(Math.abs(first / 20_000 - 0.6705252)).toBeLessThan(5 * Math.sqrt(0.25 / 20_000))
  })
})
