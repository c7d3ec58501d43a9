import { describe, expect, it } from 'vitest'
import {
  checkWeights,
  directMethod,
  doublyRobust,
  ips,
  type OffPolicyLog,
  selfNormalizedDoublyRobust,
  shrunkDoublyRobust,
  snips,
  switchDoublyRobust,
} from '../../algorithms/off-policy.ts'
import { createRandom } from '../../core/random.ts'

const toy: OffPolicyLog = {
  weights: Float64Array.of(0.5, 2, 0, 1.5, 4),
  rewards: Float64Array.of(1, 0, 1, 1, 0),
  predicted: Float64Array.of(0.4, 0.3, 0.2, 0.5, 0.1),
  expected: Float64Array.of(0.35, 0.25, 0.3, 0.45, 0.2),
}

describe('off-policy estimators', () => {
  it('give the golden values of the toy log', () => {
    expect(ips(toy).value).toBeCloseTo(0.4, 12)
    expect(ips(toy).standardError).toBeCloseTo(0.2915476, 7)
    expect(snips(toy).value).toBeCloseTo(0.25, 12)
    expect(snips(toy).standardError).toBeCloseTo(0.2037251, 7)
    expect(directMethod(toy).value).toBeCloseTo(0.31, 12)
    expect(doublyRobust(toy).value).toBeCloseTo(0.32, 12)
    expect(selfNormalizedDoublyRobust(toy).value).toBeCloseTo(0.31625, 12)
    expect(switchDoublyRobust(toy, 2).value).toBeCloseTo(0.4, 12)
    expect(shrunkDoublyRobust(toy, 5).value).toBeCloseTo(0.3848768, 7)
    expect(checkWeights(toy.weights).effectiveSize).toBeCloseTo(2.844444, 6)
    expect(checkWeights(toy.weights).maxWeight).toBe(4)
  })

  it('meet at their ends', () => {
    expect(ips(toy, 1).value).toBeCloseTo(1.5 / 5, 12)
    expect(shrunkDoublyRobust(toy, 0).value).toBeCloseTo(directMethod(toy).value, 12)
    expect(shrunkDoublyRobust(toy, Number.POSITIVE_INFINITY).value).toBeCloseTo(doublyRobust(toy).value, 12)
    expect(switchDoublyRobust(toy, 100).value).toBeCloseTo(doublyRobust(toy).value, 12)
    expect(() => doublyRobust({ weights: toy.weights, rewards: toy.rewards })).toThrow('predicted')
  })

  it('find the truth from the log of another policy, with a wrong reward model too', () => {
    const random = createRandom('log')
    const rates = [0.1, 0.3, 0.6]
    const logging = [0.6, 0.3, 0.1]
    const judged = [0.1, 0.2, 0.7]
    const truth = judged.reduce((sum, chance, arm) => sum + chance * rates[arm]!, 0)
    const size = 20_000
    const log = {
      weights: new Float64Array(size),
      rewards: new Float64Array(size),
      predicted: new Float64Array(size).fill(0.5),
      expected: new Float64Array(size).fill(0.5),
    }
    for (let n = 0; n < size; n++) {
      const u = random.next()
      const arm = u < 0.6 ? 0 : u < 0.9 ? 1 : 2
      log.weights[n] = judged[arm]! / logging[arm]!
      log.rewards[n] = random.next() < rates[arm]! ? 1 : 0
    }
    expect(checkWeights(log.weights).refusal).toBe(null)
    for (const estimator of [ips, snips, doublyRobust, selfNormalizedDoublyRobust]) {
      const { value, standardError } = estimator(log)
      expect(Math.abs(value - truth)).toBeLessThan(4 * standardError)
      expect(standardError).toBeLessThan(0.03)
    }
    expect(Math.abs(directMethod(log).value - truth)).toBeGreaterThan(0.01) // the wrong model alone
  })

  it('refuse a headline over a log that cannot carry it', () => {
    expect(checkWeights(toy.weights).refusal).toContain('effective sample size 2.8')
    const off = Float64Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? 2.9 : 3.1))
    expect(checkWeights(off).refusal).toContain('mean weight 3.000')
    expect(checkWeights(new Float64Array(0)).refusal).toContain('effective')
  })
})
