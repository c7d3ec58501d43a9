import { expect, it } from 'vitest'
import { assignmentPoint } from '../../core/assignment.ts'
import { assignExperiments } from '../../schemas/assign-experiments.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { experimentOf } from '../gateway/experiment-of.ts'

const plain = [
  { name: 'a', weight: 1, policy: null, settings: null },
  { name: 'b', weight: 1, policy: null, settings: null },
]
const people = Array.from({ length: 4_000 }, (_, n) => `user-${n}`)

function assign(userId: string, experiments: readonly Experiment[], fields: object = {}) {
  return assignExperiments(experiments, { userId, surface: 'home', timeMs: 1_000, ...fields })
}

it('splits as before by the hash of id and person', () => {
  for (const userId of people.slice(0, 200)) {
    const expected = assignmentPoint('exp', userId) < 0.5 ? 'a' : 'b'
    expect(assign(userId, [experimentOf('exp')]).deciding).toEqual({ experiment: 'exp', variant: expected })
  }
})

it('follows the split of a shop that uses PlanOut', () => {
  const split = experimentOf('exp1.button', { hash: 'planout' })
  // PlanOut draws .698 for person 4 and .060 for user-1240.
  expect(assign('4', [split]).deciding).toEqual({ experiment: 'exp1.button', variant: 'b' })
  expect(assign('user-1240', [split]).deciding).toEqual({ experiment: 'exp1.button', variant: 'a' })
  expect(assign('4', [{ ...split, coverage: 0.39 }]).deciding).toBeNull()
})

it('gives nobody two experiments of one layer, and everybody one where they fill it', () => {
  const layer = { layer: 'ranking', variants: plain }
  const both = [experimentOf('x', { ...layer, layerTo: 0.3 }), experimentOf('y', { ...layer, layerFrom: 0.3 })]
  const inX = people.filter((userId) => {
    const { assignments } = assign(userId, both)
    expect(assignments).toHaveLength(1)
    return assignments[0]!.experiment === 'x'
  })
  // 1,200 expected, standard deviation 29.
  expect(Math.abs(inX.length - 1_200)).toBeLessThan(90)
})

it('splits layers independently of each other', () => {
  const both = [experimentOf('x', { variants: plain }), experimentOf('y', { variants: plain })]
  const counts = new Map<string, number>()
  for (const userId of people) {
    const key = assign(userId, both)
      .assignments.map(({ variant }) => variant)
      .join('')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual(['aa', 'ab', 'ba', 'bb'])
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(110)
})

it('gives each layer a half of its own people', () => {
  const halves = ['x', 'y'].map((id) => experimentOf(id, { variants: plain, layerTo: 0.5 }))
  const both = people.filter((userId) => assign(userId, halves).assignments.length === 2)
  // 1,000 expected, standard deviation 27.
  expect(Math.abs(both.length - 1_000)).toBeLessThan(85)
})

it('lets one experiment decide the policy and leaves the person out of the next that would', () => {
  const [first, second] = [experimentOf('x'), experimentOf('y', { layerTo: 1 })]
  const shown = experimentOf('z', { variants: plain })
  for (const userId of people.slice(0, 100)) {
    const { assignments, deciding, policy } = assign(userId, [first, second, shown])
    expect(assignments.map(({ experiment }) => experiment)).toEqual(['x', 'z'])
    expect(deciding).toEqual(assignments[0])
    expect(policy).toBe(assignments[0]!.variant === 'a' ? 'learned' : 'trend')
  }
  expect(assign('u', [shown])).toMatchObject({ policy: null, deciding: { experiment: 'z' } })
})

it('keeps those who are held out of everything else', () => {
  const holdout = experimentOf('all', {
    holdout: 'out',
    variants: [
      { name: 'in', weight: 0.95, policy: null, settings: null },
      { name: 'out', weight: 0.05, policy: 'trend', settings: null },
    ],
  })
  let out = 0
  for (const userId of people) {
    const { assignments, policy } = assign(userId, [holdout, experimentOf('x'), experimentOf('y', { variants: plain })])
    expect(assignments).toHaveLength(assignments[0]!.variant === 'out' ? 1 : 3)
    if (assignments.length > 1) continue
    out++
    expect(policy).toBe('trend')
  }
  // 200 expected, standard deviation 14.
  expect(Math.abs(out - 200)).toBeLessThan(45)
})

it('applies where it is aimed, and within its time', () => {
  const aimed = { surfaces: ['home'], regions: ['north'], devices: ['mobile' as const], fromMs: 500, toMs: 2_000 }
  const experiments = [experimentOf('x', aimed)]
  const right = { region: 'north', device: 'mobile' }
  expect(assign('u', experiments, right).assignments).toHaveLength(1)
  const wrong = [{ surface: 'cart' }, { region: 'south' }, { device: undefined }, { timeMs: 499 }, { timeMs: 2_000 }]
  for (const fields of wrong)
    expect(assign('u', experiments, { ...right, ...fields }), JSON.stringify(fields)).toMatchObject({ assignments: [] })
})

it('takes part of each variant at a lower coverage, the same people as before', () => {
  const whole = experimentOf('x')
  const tenth = { ...whole, coverage: 0.1 }
  const taken = people.filter((userId) => {
    const [few, all] = [assign(userId, [tenth]).deciding, assign(userId, [whole]).deciding]
    if (few !== null) expect(few).toEqual(all)
    return few !== null
  })
  expect(Math.abs(taken.length - 400)).toBeLessThan(60)
})
