import { describe, expect, it } from 'vitest'
import { createPolicy } from '../../../algorithms/bandits/create-policy.ts'
import { exactly, type Policy } from '../../../algorithms/bandits/policy.ts'
import { BanditWorld, type WorldOptions } from '../../../evaluation/bandits/bandit-world.ts'
import { bestFixedArm, type Contender, race } from '../../../evaluation/bandits/race-policies.ts'

const world: WorldOptions = { arms: 4, features: 3, decisions: 6_000, driftAt: 1, removeAt: 1, delay: 0, seed: 'w1' }
const contender = (policy: Policy, more: Partial<Contender> = {}): Contender => ({
  name: policy.name,
  policy,
  epsilon: 0,
  halfLife: 0,
  update: 'hold',
  ...more,
})
/** A run of who is alone. */
const raceOne = (options: WorldOptions, alone: Contender, points = 50) => race(options, [alone], points)[0]!
const uniform: Policy = {
  ...createPolicy('softmax'),
  chances: ({ arms }) => exactly(new Float64Array(arms.length).fill(1 / arms.length)),
}
/** Knows the world. */
const oracle = (options: WorldOptions): Policy => {
  const known = new BanditWorld(options)
  return {
    ...uniform,
    chances: ({ arms, features, width, decisions }) => {
      const rates = arms.map((name) => known.rateOf(known.arms.indexOf(name), features.subarray(0, width), decisions))
      return exactly(Float64Array.from(rates, (rate) => Number(rate === Math.max(...rates))))
    },
  }
}

describe('race', () => {
  it('is 0 regret for who knows the world, and what chance loses for who does not look', () => {
    expect(raceOne(world, contender(oracle(world))).regret.at(-1)).toBe(0)
    const known = new BanditWorld(world)
    let lost = 0
    for (let decision = 0; decision < world.decisions; decision++) {
      const rates = known.arms.map((_, arm) => known.rateOf(arm, known.contextOf(decision), decision))
      lost += Math.max(...rates) - rates.reduce((sum, rate) => sum + rate, 0) / rates.length
    }
    expect(raceOne(world, contender(uniform)).regret.at(-1)! / lost).toBeCloseTo(1, 1)
  })

  it('is the same twice', () => {
    const one = contender(createPolicy('linear-thompson', { width: 0.25 }), { epsilon: 0.05 })
    const short = { ...world, decisions: 500, delay: 20 }
    expect(raceOne(short, one)).toEqual(raceOne(short, one))
  })

  it('who sees the context beats the best fixed arm, who does not cannot', () => {
    const fixed = bestFixedArm(world)
    expect(raceOne(world, contender(createPolicy('lin-ucb', { alpha: 0.3 }))).expected).toBeGreaterThan(1.1 * fixed)
    expect(raceOne(world, contender(createPolicy('beta-thompson'))).expected).toBeLessThan(fixed)
  })

  it('who learns loses less and less, who does not as much as ever', () => {
    // Regret as √decisions loses .27 times as much in the last quarter as in the first, regret in proportion as much.
    const lastOverFirst = (policy: Policy, seed: string) => {
      const { regret } = raceOne({ ...world, decisions: 12_000, seed }, contender(policy), 4)
      return (regret[3]! - regret[2]!) / regret[0]!
    }
    for (const seed of ['w1', 'w2', 'w3']) {
      expect(lastOverFirst(createPolicy('logistic-thompson'), seed)).toBeLessThan(0.4)
      expect(lastOverFirst(uniform, seed)).toBeGreaterThan(0.9)
    }
  })

  it('an arm that goes is never asked about again, and those who relied on it find the next best', () => {
    const removed = { ...world, removeAt: 0.5 }
    const thompson = createPolicy('beta-thompson')
    const asked: { readonly decision: number; readonly arms: readonly string[]; readonly drawn: string }[] = []
    const watched: Policy = {
      ...thompson,
      draw: (choices, sums, random) => {
        const drawn = choices.arms[thompson.draw!(choices, sums, random)]!
        asked.push({ decision: choices.decisions, arms: choices.arms, drawn })
        return choices.arms.indexOf(drawn)
      },
    }
    const { expected } = raceOne(removed, contender(watched))
    const [before, after] = [0, 3_000].map((from) => asked.filter(({ decision }) => decision >= from && decision < from + 3_000))
    const gone = before![0]!.arms.find((arm) => !after![0]!.arms.includes(arm))!
    expect(before!.filter(({ drawn }) => drawn === gone).length).toBeGreaterThan(1_500)
    expect(after!.flatMap(({ arms, drawn }) => [...arms, drawn])).not.toContain(gone)
    expect(after!).toHaveLength(3_000)
    expect(expected).toBeGreaterThan(0.9 * bestFixedArm(removed))
  })

  it('tastes that change are followed by who forgets', () => {
    const drifting = { ...world, driftAt: 0.5, decisions: 8_000, features: 1, arms: 3, seed: 'w5' }
    const [stays, forgets] = [0, 1_000].map(
      (halfLife) => raceOne(drifting, contender(createPolicy('gaussian-thompson', { noise: 0.3 }), { halfLife })).regret,
    )
    const lateLoss = (regret: Float64Array) => regret.at(-1)! - regret[25]!
    expect(lateLoss(forgets!)).toBeLessThan(lateLoss(stays!))
  })

  it('rewards that come late: what was assumed is corrected, and the same is known in the end', () => {
    const late = { ...world, delay: 200 }
    for (const update of ['hold', 'provisional'] as const) {
      const { expected } = raceOne(late, contender(createPolicy('lin-ucb', { alpha: 0.3 }), { update }))
      expect(expected).toBeGreaterThan(bestFixedArm(late))
    }
  })
})
