import { expect, it } from 'vitest'
import { GroupPopularity } from '../../algorithms/group-popularity.ts'
import { createRandom } from '../../core/random.ts'

const dayMs = 24 * 3_600_000

it('an event a half-life old counts half, in any order of arrival', () => {
  const popularity = new GroupPopularity({ itemCount: 10, halfLifeMs: dayMs, usersMin: 1 })
  popularity.observe(['all'], 1, 7, 1, 3 * dayMs)
  popularity.observe(['all'], 1, 5, 3, 2 * dayMs)
  popularity.observe(['all'], 1, 6, 1, 3 * dayMs)
  const { indices, scores, group } = popularity.top(['all'], 5)
  expect([...indices]).toEqual([5, 6, 7])
  expect(scores[0]! / scores[1]!).toBeCloseTo(1.5, 12)
  expect(group).toBe('all')
})

it('equals the definition over years, by group', () => {
  const halfLifeMs = dayMs / 10
  const random = createRandom('years')
  const popularity = new GroupPopularity({ itemCount: 20, halfLifeMs, usersMin: 1, placesMax: 5 })
  const events = Array.from({ length: 3000 }, (_, n) => ({
    group: `g${random.below(3)}`,
    item: random.below(20),
    weight: 1 + random.below(4),
    timeMs: n * dayMs * 0.05,
  }))
  events.forEach(({ group, item, weight, timeMs }, user) => {
    popularity.observe([group, 'all'], user, item, weight, timeMs)
  })
  const nowMs = events.at(-1)!.timeMs
  for (const group of ['g0', 'g1', 'g2', 'all']) {
    const sums = new Float64Array(20)
    for (const event of events)
      if (group === 'all' || event.group === group) sums[event.item]! += event.weight * 2 ** ((event.timeMs - nowMs) / halfLifeMs)
    const expected = [...sums.keys()].sort((a, b) => sums[b]! - sums[a]!).slice(0, 3)
    const { indices, scores } = popularity.top([group], 3)
    expect([...indices]).toEqual(expected)
    expect(scores[1]! / scores[0]!).toBeCloseTo(sums[expected[1]!]! / sums[expected[0]!]!, 9)
  }
})

it('a group of too few people answers with its parent, and none is added beyond the limit', () => {
  const popularity = new GroupPopularity({ itemCount: 10, usersMin: 3, groupsMax: 2 })
  const groups = ['region north', 'all']
  for (let user = 0; user < 3; user++) popularity.observe(['all'], user, 1, 1, dayMs)
  for (let n = 0; n < 9; n++) popularity.observe(groups, n % 2, 2, 0.1, dayMs)
  expect([popularity.top(groups, 1).group, popularity.top(groups, 1).indices[0]]).toEqual(['all', 1])
  popularity.observe(groups, 7, 2, 0.1, dayMs)
  expect([popularity.top(groups, 1).group, popularity.top(groups, 1).indices[0]]).toEqual(['region north', 2])
  popularity.observe(['category third', ...groups], 8, 3, 1, dayMs)
  expect(popularity.top(['category third', ...groups], 1).group).toBe('region north')
  expect(popularity.top(['category third'], 1)).toMatchObject({ group: null })
})
