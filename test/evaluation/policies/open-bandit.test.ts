import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openBandit, openBanditArms } from '../../../connectors/files/open-bandit.ts'
import { judgePolicy } from '../../../evaluation/policies/judge-policy.ts'
import { thompsonSlatePolicy, uniformPolicy } from '../../../evaluation/policies/judged-policy.ts'
import type { PolicyEstimate, PolicyJudgement } from '../../../evaluation/policies/policy-judgement.ts'
import { PolicyLog } from '../../../evaluation/policies/policy-log.ts'
import { describeWithData } from '../../algorithms/describe-with-data.ts'
import { zozoMenPrior } from '../../algorithms/zozo-men-prior.ts'

const options = { limit: 100, shrinkage: 100, folds: 5, seed: 1, resamples: 200 }

async function readLog(behaviour: 'random' | 'bts'): Promise<PolicyLog> {
  const folder = fileURLToPath(new URL(`../../../../shared/data/open-bandit-sample/${behaviour}/men`, import.meta.url))
  const log = new PolicyLog()
  for (const arm of await openBanditArms(folder)) log.numberOf(arm)
  for await (const choices of openBandit(folder)) log.add(choices)
  return log
}

/** What the policy really brought in the log it made itself: clicks are few, so it has an interval of its own. */
async function onPolicy(behaviour: 'random' | 'bts'): Promise<PolicyEstimate> {
  const log = await readLog(behaviour)
  return judgePolicy(log, uniformPolicy(), options).logged
}

/** Every estimator but the direct method, whose model says nothing of its own error, agrees with the truth within 95 %. */
function expectCovered({ estimates }: PolicyJudgement, truth: PolicyEstimate): void {
  for (const { estimator, value, standardError } of estimates) {
    if (estimator === 'DM') continue
    const distance = Math.abs(value - truth.value) / Math.hypot(standardError, truth.standardError)
    expect([estimator, distance < 1.96]).toEqual([estimator, true])
  }
}

function estimateOf({ estimates }: PolicyJudgement, estimator: string): number {
  return estimates.find((one) => one.estimator === estimator)!.value
}

describeWithData('open-bandit-sample', 'Open Bandit sample, campaign men', () => {
  it.each([
    ['random', [10, 22, 14]],
    ['bts', [30, 21, 18]],
  ] as const)('has the known clicks by position: %s', async (behaviour, clicks) => {
    const log = await readLog(behaviour)
    const counted = [0, 0, 0]
    for (let row = 0; row < log.rows; row++) counted[log.position[row]!]! += log.reward[row]!
    expect(counted).toEqual(clicks)
  })

  it('random → the Thompson prior: the known figures, an interval that holds the rate it really had', async () => {
    const log = await readLog('random')
    expect([log.rows, log.arms.length, log.positions]).toEqual([10_000, 34, 3])
    const { alphas, betas } = zozoMenPrior
    const posteriors = log.arms.map((arm) => ({ alpha: alphas[Number(arm)]!, beta: betas[Number(arm)]! }))
    const judgement = judgePolicy(log, thompsonSlatePolicy(log, posteriors), options)
    const { check, estimates } = judgement
    expect(estimateOf(judgement, 'IPS')).toBeCloseTo(0.0045401, 7)
    expect(estimateOf(judgement, 'SNIPS')).toBeCloseTo(0.0046102, 7)
    const [low, high] = estimates.find(({ estimator }) => estimator === 'IPS')!.interval
    expect(low).toBeCloseTo(0.00222, 5)
    expect(high).toBeCloseTo(0.00686, 5)
    expect(check.meanWeight).toBeCloseTo(0.98478, 5)
    expect(Math.round(check.effectiveSize)).toBe(2474)
    expect(check.maxWeight).toBeCloseTo(10.67, 2)
    expect(check.refusal).toBeNull()
    const truth = await onPolicy('bts')
    expect(truth.value).toBeCloseTo(0.0069, 9)
    expectCovered(judgement, truth)
  })

  it('Thompson → uniform: the known figures to the last digit, intervals that hold the rate it really had', async () => {
    const log = await readLog('bts')
    const judgement = judgePolicy(log, uniformPolicy(), options)
    expect(estimateOf(judgement, 'IPS')).toBeCloseTo(0.00300863, 8)
    expect(estimateOf(judgement, 'SNIPS')).toBeCloseTo(0.00318942, 8)
    expect(judgement.check.meanWeight).toBeCloseTo(0.943314, 6)
    expect(judgement.check.effectiveSize).toBeCloseTo(655.7, 1)
    expect(judgement.check.maxWeight).toBeCloseTo(178.25, 2)
    const truth = await onPolicy('random')
    expect(truth.value).toBeCloseTo(0.0046, 9)
    expectCovered(judgement, truth)
  })
})

describe('gates', () => {
  it('refuse a log that holds nothing of what the policy would do', () => {
    const log = new PolicyLog()
    const row = { unit: '', position: 0, reward: 1, candidates: null, context: [] }
    log.add(
      Array.from({ length: 500 }, (_, n) => ({
        ...row,
        timeMs: n,
        arm: n % 50 === 0 ? 'rare' : 'common',
        propensity: n % 50 === 0 ? 0.02 : 0.98,
      })),
    )
    const { check } = judgePolicy(
      log,
      thompsonSlatePolicy(log, [
        { alpha: 9_000, beta: 1_000 },
        { alpha: 10, beta: 1_000 },
      ]),
      options,
    )
    expect(check.refusal).toMatch(/effective sample size 10\.0 is below 100/)
  })
})
