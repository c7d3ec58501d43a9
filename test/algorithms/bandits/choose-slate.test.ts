import { describe, expect, it } from 'vitest'
import { chooseSlate } from '../../../algorithms/bandits/choose-slate.ts'
import { createPolicy } from '../../../algorithms/bandits/create-policy.ts'
import type { Chances, Policy } from '../../../algorithms/bandits/policy.ts'
import { createRandom } from '../../../core/random.ts'

const arms = ['a', 'b', 'c', 'd']
const choices = { arms, features: new Float64Array(0), width: 0, decisions: 0 }
const sums = new Map([
  ['a', Float64Array.of(3, 9)],
  ['b', Float64Array.of(2, 10)],
  ['c', Float64Array.of(1, 12)],
])
const policy = createPolicy('beta-thompson')

describe('chooseSlate', () => {
  it('fills slots as often as it says', () => {
    const draws = 20_000
    const known = new Map<string, Chances>() // Quadrature for each of the few sets of arms once.
    const remembered: Policy = {
      ...policy,
      chances: (left, learned, random) => {
        const key = left.arms.join()
        const chances = known.get(key) ?? policy.chances(left, learned, random)
        known.set(key, chances)
        return chances
      },
    }
    const counted = new Map<string, { chance: number; count: number }>()
    for (let draw = 0; draw < draws; draw++) {
      const slate = chooseSlate(remembered, choices, sums, { slots: 2, epsilon: 0.1 }, createRandom(draw))
      const key = slate.map(({ candidate }) => candidate).join()
      const entry = counted.get(key) ?? { chance: slate[0]!.propensity * slate[1]!.propensity, count: 0 }
      entry.count++
      expect(slate[0]!.propensity * slate[1]!.propensity).toBeCloseTo(entry.chance, 12)
      counted.set(key, entry)
    }
    expect(counted.size).toBe(12)
    expect([...counted.values()].reduce((sum, { chance }) => sum + chance, 0)).toBeCloseTo(1, 9)
    for (const { chance, count } of counted.values())
      expect(Math.abs(count - chance * draws)).toBeLessThan(4.5 * Math.sqrt(draws * chance * (1 - chance)))
  })

  it('is made again from the same seed, and never logs a chance of 0', () => {
    const ucb = createPolicy('lin-ucb')
    const rows = { ...choices, features: Float64Array.of(1, 1, 1, 1), width: 1 }
    const slates = ['x', 'x', 'y'].map((seed) =>
      chooseSlate(ucb, rows, new Map(), { slots: 4, epsilon: 0.5 }, createRandom(seed)),
    )
    expect(slates[1]).toEqual(slates[0])
    for (const slate of slates) {
      expect(slate.map(({ candidate }) => candidate).toSorted()).toEqual([0, 1, 2, 3])
      for (const { propensity } of slate) expect(propensity).toBeGreaterThan(0)
    }
  })

  it('ends with the candidates', () => {
    expect(chooseSlate(policy, choices, sums, { slots: 9, epsilon: 0 }, createRandom(1))).toHaveLength(4)
    expect(chooseSlate(policy, { ...choices, arms: [] }, sums, { slots: 2, epsilon: 0 }, createRandom(1))).toEqual([])
  })
})
