import { describe, expect, it } from 'vitest'
import { choicesAmong, chooseSlate } from '../../../algorithms/bandits/choose-slate.ts'
import { createPolicy } from '../../../algorithms/bandits/create-policy.ts'
import { flooredChances } from '../../../algorithms/bandits/floored-chances.ts'
import { slotChances } from '../../../algorithms/bandits/slot-chances.ts'
import { createRandom } from '../../../core/random.ts'
import { judgePolicy } from '../../../evaluation/policies/judge-policy.ts'
import { type JudgedPolicy, learnedPolicy, uniformPolicy } from '../../../evaluation/policies/judged-policy.ts'
import type { PolicyJudgement } from '../../../evaluation/policies/policy-judgement.ts'
import { PolicyLog } from '../../../evaluation/policies/policy-log.ts'

const arms = ['a', 'b', 'c', 'd']
const places = 3
/** How likely each item is clicked by who looks at it. */
const attraction: Readonly<Record<string, number>> = { a: 0.5, b: 0.3, c: 0.2, d: 0.1 }
/** People stop at a click; or they look at each place with its chance whatever stands above. */
const looked = [1, 0.6, 0.3]
type World = 'cascade' | 'position'

const choices = { arms, features: new Float64Array(0), width: 0, decisions: 0 }
const logging = createPolicy('softmax', { lambda: 4 })
const means: Readonly<Record<string, number>> = { a: 0, b: 0.2, c: 0.1, d: 0.3 }
const known = new Map(arms.map((arm) => [arm, Float64Array.of(50, 50 * means[arm]!, 0)]))
const options = { limit: 100, shrinkage: 100, folds: 5, seed: 1, resamples: 100 }

/** A log of slates drawn by a softmax that likes the wrong items, with `lie` times the chances that it had. */
function logOf(world: World, slates: number, { epsilon = 0.3, lie = 1 } = {}): PolicyLog {
  const marginals = slotChances(
    {
      candidates: arms.length,
      slots: places,
      chancesAmong: (left) => flooredChances(logging, choicesAmong(choices, left), known, epsilon, createRandom(1)).values,
    },
    100,
    createRandom(1),
  )
  const log = new PolicyLog()
  for (let n = 0; n < slates; n++) {
    const random = createRandom(`slate ${n}`)
    let left = arms
    let isLooking = true
    const slate = chooseSlate(logging, choices, known, { slots: places, epsilon }, random).map(
      ({ candidate, propensity }, place) => {
        const arm = arms[candidate]!
        const looks = world === 'cascade' ? isLooking : random.next() < looked[place]!
        const reward = looks && random.next() < attraction[arm]! ? 1 : 0
        if (reward > 0) isLooking = false
        const candidates = left
        left = left.filter((one) => one !== arm)
        const marginal = marginals.values[place * arms.length + candidate]!
        const row = { timeMs: n, unit: `u${n % 400}`, arm, position: place, propensity: propensity * lie, reward, candidates }
        return { ...row, context: [1], slate: { marginal } }
      },
    )
    log.add(slate)
  }
  return log
}

/** What a slate brings by enumeration of all slates, each with the chance that a policy shows it. */
function truthOf(world: World, chanceOf: (left: readonly string[], arm: string) => number): number {
  const from = (left: readonly string[], place: number): number =>
    place === places
      ? 0
      : left.reduce((sum, arm) => {
          const below = from(
            left.filter((one) => one !== arm),
            place + 1,
          )
          const own = attraction[arm]!
          const brings = world === 'cascade' ? own + (1 - own) * below : looked[place]! * own + below
          return sum + chanceOf(left, arm) * brings
        }, 0)
  return from(arms, 0)
}

/** How many standard errors an estimate is from the truth. */
function distanceOf({ estimates }: PolicyJudgement, estimator: string, truth: number): number {
  const { value, standardError } = estimates.find((one) => one.estimator === estimator)!
  return Math.abs(value - truth) / standardError
}

function errorOf({ estimates }: PolicyJudgement, estimator: string): number {
  return estimates.find((one) => one.estimator === estimator)!.standardError
}

const evenly = (left: readonly string[]) => 1 / left.length

describe('judging a policy by slates', () => {
  it('cascade: RIPS and cascade-DR hold what it really brings, the better the more they take into account', () => {
    const judged = judgePolicy(logOf('cascade', 6_000), uniformPolicy(), options)
    const truth = truthOf('cascade', evenly)
    expect([judged.rows, judged.check.refusal]).toEqual([6_000, null])
    for (const estimator of ['slate IPS', 'RIPS', 'cascade-DR']) expect(distanceOf(judged, estimator, truth)).toBeLessThan(2.5)
    expect(errorOf(judged, 'RIPS')).toBeLessThan(errorOf(judged, 'slate IPS'))
    expect(errorOf(judged, 'cascade-DR')).toBeLessThan(errorOf(judged, 'RIPS'))
    // The log shows other items first: what it brought itself is far away.
    expect(Math.abs(judged.logged.value - truth)).toBeGreaterThan(5 * judged.logged.standardError)
  })

  it('by position: IIPS holds it too, with the chances of an item in a place whatever stands above', () => {
    const judged = judgePolicy(logOf('position', 6_000), uniformPolicy(), options)
    const truth = truthOf('position', evenly)
    for (const estimator of ['slate IPS', 'RIPS', 'cascade-DR', 'IIPS'])
      expect(distanceOf(judged, estimator, truth)).toBeLessThan(2.5)
    expect(errorOf(judged, 'IIPS')).toBeLessThan(errorOf(judged, 'RIPS'))
    expect(judged.marginalCheck).toMatchObject({ refusal: null })
  })

  it('a policy that learns the first slates as they are read brings what it would by its own chances', () => {
    const log = logOf('cascade', 6_000)
    const learner = learnedPolicy(log, createPolicy('softmax', { lambda: 5 }), 0.5)
    expect(learner.from).toBe(9_000)
    const judged = judgePolicy(log, learner, options)
    const chanceOf = (left: readonly string[], arm: string) =>
      learner.chancesOf(
        0,
        Int32Array.from(left, (one) => log.arms.indexOf(one)),
      )[left.indexOf(arm)]!
    // It has learned attractions: what was not reached says nothing against an item.
    expect(chanceOf(['a', 'd'], 'a')).toBeCloseTo(1 / (1 + Math.exp(5 * (0.1 - 0.5))), 1)
    expect(distanceOf(judged, 'cascade-DR', truthOf('cascade', chanceOf))).toBeLessThan(2.5)
    expect(judged.check.refusal).toBeNull()
  })

  it('gives no verdict where chances are not those of the draws, or the log hardly shows what the policy would', () => {
    expect(judgePolicy(logOf('cascade', 2_000, { lie: 0.8 }), uniformPolicy(), options).check.refusal).toMatch(/mean weight/)
    const always: JudgedPolicy = {
      name: 'in order',
      from: 0,
      chancesOf: (_row, candidates) => Float64Array.from(candidates, (_, place) => (place === 0 ? 1 : 0)),
    }
    const { check } = judgePolicy(logOf('cascade', 2_000, { epsilon: 0.01 }), always, options)
    expect(check.refusal).toMatch(/effective sample size [\d.]+ is below 100/)
  })
})
