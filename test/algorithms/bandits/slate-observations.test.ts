import { expect, it } from 'vitest'
import { cascadeObservations, positionObservations } from '../../../algorithms/bandits/slate-observations.ts'
import { createRandom } from '../../../core/random.ts'

it('cascade: above the click refused, the click taken, below not seen', () => {
  expect(cascadeObservations([0, 0, 0.3, 0, 1])).toEqual([
    { slot: 0, reward: 0, weight: 1 },
    { slot: 1, reward: 0, weight: 1 },
    { slot: 2, reward: 0.3, weight: 1 },
  ])
  expect(cascadeObservations([0, 0]).map(({ weight }) => weight)).toEqual([1, 1])
  expect(cascadeObservations([])).toEqual([])
})

it('position: weighs showings so that the rate of a candidate comes out whatever slot it stood in', () => {
  const looked = [1, 0.5, 0.2]
  const rate = 0.4
  const random = createRandom('position')
  for (const slot of [0, 1, 2]) {
    let clicks = 0
    let seen = 0
    for (let n = 0; n < 60_000; n++) {
      const rewards = [0, 0, 0]
      if (random.next() < looked[slot]! && random.next() < rate) rewards[slot] = 1
      const { reward, weight } = positionObservations(rewards, looked, rate)[slot]!
      clicks += weight * reward
      seen += weight
    }
    expect(clicks / seen).toBeCloseTo(rate, 1.7)
  }
  expect(positionObservations([0, 0, 0, 0], looked)[3]).toEqual({ slot: 3, reward: 0, weight: 0.2 })
})
