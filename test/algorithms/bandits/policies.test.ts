import { describe, expect, it } from 'vitest'
import { createPolicy, policyNames } from '../../../algorithms/bandits/create-policy.ts'
import type { Observation, Policy } from '../../../algorithms/bandits/policy.ts'
import { createRandom } from '../../../core/random.ts'

const width = 3
const arms = ['a', 'b', 'c', 'd']

/** 300 observations of four arms whose rewards depend on the context. */
function observations(seed: string): (Observation & { readonly arm: string })[] {
  const random = createRandom(seed)
  return Array.from({ length: 300 }, (_, n) => {
    const arm = random.below(arms.length)
    const features = Float64Array.of(1, random.next(), random.next())
    const rate = 0.2 + 0.15 * arm * features[1]!
    return { arm: arms[arm]!, features, reward: random.next() < rate ? 1 : 0, weight: 1, seed: `${seed}-${n}` }
  })
}

function learned(policy: Policy, rows: readonly (Observation & { readonly arm: string })[]): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>()
  for (const row of rows) {
    const key = policy.armOf(row.arm)
    let arm = sums.get(key)
    if (!arm) {
      arm = new Float64Array(policy.width(width))
      sums.set(key, arm)
    }
    policy.observe(arm, row)
  }
  return sums
}

const choices = {
  arms: [...arms, 'unseen'],
  features: Float64Array.from({ length: 5 * width }, (_, i) => (i % width === 0 ? 1 : (i * 7) % 10) / (i % width === 0 ? 1 : 10)),
  width,
  decisions: 300,
}

describe.each(policyNames)('policy %s', (name) => {
  const policy = createPolicy(name)
  const rows = observations(name)

  it('gives chances that sum to 1, the same for the same seed, also for an arm nobody has seen', () => {
    for (const sums of [learned(policy, rows), new Map()]) {
      const [once, again] = ['s', 's'].map((seed) => policy.chances(choices, sums, createRandom(seed)))
      expect(once!.values.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
      for (const chance of once!.values) expect(chance).toBeGreaterThanOrEqual(0)
      expect(again).toEqual(once)
    }
  })

  it('has one candidate: it is certain', () => {
    const one = { ...choices, arms: ['a'], features: choices.features.subarray(0, width) }
    expect([...policy.chances(one, learned(policy, rows), createRandom('s')).values]).toEqual([1])
  })

  it('comes to prefer the better of two arms', () => {
    const random = createRandom(`prefer ${name}`)
    const pair = { arms: ['good', 'bad'], features: Float64Array.of(1, 0, 1, 1, 0, 1), width, decisions: 3_000 }
    const rows: (Observation & { arm: string })[] = []
    for (let n = 0; n < 3_000; n++)
      for (const [arm, rate] of [
        ['good', 0.7],
        ['bad', 0.3],
      ] as const)
        rows.push({ arm, features: Float64Array.of(1, 0, 1), reward: random.next() < rate ? 1 : 0, weight: 1, seed: `${n}` })
    const sums = learned(policy, rows)
    expect(policy.chances(pair, sums, createRandom('s')).values[0]).toBeGreaterThan(0.9)
  })
})

const drawing: readonly (readonly [string, Policy])[] = [
  ...policyNames.map((name) => [name, createPolicy(name)] as const).filter(([, { draw }]) => draw),
  ['linear-thompson with one θ', createPolicy('linear-thompson', { shared: 1, draws: 20_000 })],
]

it.each(drawing)('%s draws as often as its chances say', (name, policy) => {
  const sums = learned(policy, observations(name))
  const { values } = policy.chances(choices, sums, createRandom('chances'))
  const random = createRandom('draws')
  const draws = 8_000
  const counts = new Float64Array(values.length)
  for (let n = 0; n < draws; n++) counts[policy.draw!(choices, sums, random)]! += 1
  values.forEach((chance, place) => {
    // Five standard errors, and what counting the chances of one θ leaves.
    expect(Math.abs(counts[place]! / draws - chance)).toBeLessThan(5 * Math.sqrt((chance * (1 - chance)) / draws) + 1e-3)
  })
})

it('the policies whose chances cost most are those that draw', () => {
  expect(drawing.map(([name]) => name)).toEqual([
    'beta-thompson',
    'gaussian-thompson',
    'linear-thompson',
    'logistic-thompson',
    'bag',
    'neural-linear',
    'linear-thompson with one θ',
  ])
})

// The logistic posterior depends on what came before, as its description says.
describe.each(policyNames.filter((name) => name !== 'logistic-thompson'))('sums of policy %s', (name) => {
  const policy = createPolicy(name)
  const rows = observations(name)

  it('merge by addition and undo by a negative weight, in any order', () => {
    const whole = learned(policy, rows)
    const [left, right] = [rows.slice(0, 170), rows.slice(170).toReversed()].map((part) => learned(policy, part))
    const taken = learned(policy, [
      ...rows,
      ...observations('other'),
      ...observations('other').map((row) => ({ ...row, weight: -1 })),
    ])
    for (const [arm, sums] of whole)
      sums.forEach((value, i) => {
        expect((left!.get(arm)?.[i] ?? 0) + (right!.get(arm)?.[i] ?? 0)).toBeCloseTo(value, 9)
        expect(taken.get(arm)![i]).toBeCloseTo(value, 9)
      })
  })
})

describe('createPolicy', () => {
  it('refuses names, settings and values that do not exist, and says what there is', () => {
    expect(() => createPolicy('linucb')).toThrow(/no policy "linucb"; there are .*lin-ucb/)
    expect(() => createPolicy('lin-ucb', { beta: 1 })).toThrow('policy lin-ucb has no setting "beta"; it has alpha, lambda')
    expect(() => createPolicy('lin-ucb', { lambda: 0 })).toThrow('lambda of policy lin-ucb is 0; give more than 0')
    expect(() => createPolicy('bag', { learners: Number.NaN })).toThrow('give at least 2 and at most 100')
    expect(() => createPolicy('constructor')).toThrow(/no policy/)
  })
})
