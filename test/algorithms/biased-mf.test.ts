import { expect, it } from 'vitest'
import { BiasedMf, type Rating } from '../../algorithms/biased-mf.ts'
import { sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import { createRandom } from '../../core/random.ts'

it('one step by hand: e = 5 − 3, each bias += rate · (e − λ · bias)', () => {
  const mf = new BiasedMf({ userCount: 1, itemCount: 1, factors: 1, spread: 0, learningRate: 0.1, regularisation: 0.5 })
  mf.count([{ user: 0, item: 0, value: 3 }])
  expect(mf.predict(0, 0)).toBe(3)
  expect(mf.learn({ user: 0, item: 0, value: 5 })).toBe(2)
  expect(mf.predict(0, 0)).toBeCloseTo(3.4, 14)
  expect(mf.learn({ user: 0, item: 0, value: 5 })).toBeCloseTo(1.6, 14)
  expect(mf.predict(0, 0)).toBeCloseTo(3 + 2 * (0.2 + 0.1 * (1.6 - 0.5 * 0.2)), 14)
})

it('a step follows the gradient of the squared error with its penalty, attributes included', () => {
  const options = {
    userCount: 2,
    itemCount: 2,
    factors: 3,
    seed: 4,
    regularisation: 0,
    userAttributes: sparseRowsOf([[0], [1]], 2),
    itemAttributes: sparseRowsOf([[1], [0]], 2),
  }
  const rate = 1e-6
  const mf = new BiasedMf({ ...options, learningRate: rate })
  const rating = { user: 1, item: 0, value: 4 }
  const error = mf.learn(rating)
  // Half the squared error falls by rate · |gradient|²: 1 for each bias and attribute weight, |v|² and |u|² for the vectors.
  const change = mf.predict(1, 0) - (4 - error)
  const squares = change / (rate * error) - 4
  expect(squares).toBeGreaterThan(0)
  expect(squares).toBeLessThan(1)
})

it('attributes explain what ids cannot: items of the liked genre that nobody rated', () => {
  const random = createRandom('genres')
  const ratings: Rating[] = []
  for (let user = 0; user < 40; user++)
    for (let item = 0; item < 30; item++)
      if (random.next() < 0.5) ratings.push({ user, item, value: user % 2 === item % 2 ? 5 : 1 })
  const itemAttributes = sparseRowsOf(
    Array.from({ length: 32 }, (_, item) => [item % 2]),
    2,
  )
  const errors = [undefined, itemAttributes].map((attributes) => {
    const mf = new BiasedMf({ userCount: 40, itemCount: 32, factors: 4, ...(attributes && { itemAttributes: attributes }) })
    mf.count(ratings)
    const met = Array.from({ length: 40 }, () => mf.epoch(ratings))
    expect(met.at(-1)).toBeLessThan(met[0]!)
    let squares = 0
    for (let user = 0; user < 40; user++)
      for (const item of [30, 31]) squares += (mf.predict(user, item) - (user % 2 === item % 2 ? 5 : 1)) ** 2
    return Math.sqrt(squares / 80)
  })
  expect(errors[0]).toBeGreaterThan(1.8)
  expect(errors[1]).toBeLessThan(0.9)
})
