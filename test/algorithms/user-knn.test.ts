import { expect, it } from 'vitest'
import { UserKnn } from '../../algorithms/user-knn.ts'
import { createRandom } from '../../core/random.ts'

const userCount = 20
const itemCount = 15

function randomRatings(seed: string): { user: number; item: number; rating: number }[] {
  const random = createRandom(seed)
  return Array.from({ length: 220 }, () => ({
    user: random.below(userCount),
    item: random.below(itemCount),
    rating: 1 + random.below(5),
  }))
}

/** Newest rating of each user and item. */
function table(events: readonly { user: number; item: number; rating: number }[]): Map<number, Map<number, number>> {
  const users = new Map<number, Map<number, number>>()
  for (const { user, item, rating } of events) {
    if (!users.has(user)) users.set(user, new Map())
    users.get(user)!.set(item, rating)
  }
  return users
}

const mean = (ratings: Map<number, number>) => [...ratings.values()].reduce((a, b) => a + b, 0) / ratings.size

/** From whole vectors over all items. */
function slowSimilarity(measure: string, a: Map<number, number>, b: Map<number, number>): number {
  let [dot, normA, normB, both] = [0, 0, 0, 0]
  for (let item = 0; item < itemCount; item++) {
    const x = a.has(item) ? (measure === 'centred' ? a.get(item)! - mean(a) : 1) : 0
    const y = b.has(item) ? (measure === 'centred' ? b.get(item)! - mean(b) : 1) : 0
    if (a.has(item) && b.has(item)) both++
    dot += x * y
    normA += x * x
    normB += y * y
  }
  if (measure === 'jaccard') return both / (a.size + b.size - both)
  return normA * normB > 0 ? dot / Math.sqrt(normA * normB) : 0
}

it.for(['cosine', 'jaccard', 'centred'] as const)('neighbours by %s after each event are those of whole vectors', (measure) => {
  const knn = new UserKnn({ measure, neighbours: 5 })
  const events = randomRatings(measure)
  events.forEach(({ user, item, rating }, n) => {
    knn.observe(user, item, rating)
    if (n % 20 !== 19) return
    const users = table(events.slice(0, n + 1))
    const expected = [...users]
      .filter(([other]) => other !== user)
      .map(([other, ratings]) => ({ other, similarity: slowSimilarity(measure, users.get(user)!, ratings) }))
      .filter(({ similarity }) => similarity > 1e-12)
      .sort((a, b) => b.similarity - a.similarity || a.other - b.other)
      .slice(0, 5)
    const near = knn.neighboursOf(user)
    expect(near.indices.length).toBe(expected.length)
    expected.forEach(({ similarity }, at) => {
      expect(near.scores[at]!).toBeCloseTo(similarity, 10)
    })
  })
})

it('predicts mean + Σ sim · (r − mean of the other) / Σ sim, worked out by hand', () => {
  const knn = new UserKnn({ measure: 'centred' })
  // User 0 (mean 3): 5, 1. User 1 (mean 4): 5, 3, and 4 for item 2. User 2 disagrees, so does not vote.
  for (const [user, item, rating] of [
    [0, 0, 5],
    [0, 1, 1],
    [1, 0, 5],
    [1, 1, 2],
    [1, 2, 5],
    [2, 0, 1],
    [2, 1, 5],
    [2, 2, 3],
  ] as const)
    knn.observe(user, item, rating)
  // Only user 1 votes: 3 + (5 − 4), whatever the similarity.
  expect(knn.predict(0, 2)).toBeCloseTo(4, 12)
  expect(knn.predict(0, 9)).toBe(3)
  expect(knn.predict(7, 0)).toBeNull()
})

it('scores Σ similarity of the nearest users that hold an item', () => {
  const knn = new UserKnn({ neighbours: 1 })
  for (const [user, items] of [
    [0, [0, 1]],
    [1, [0, 1, 2]],
    [2, [0, 3]],
  ] as const)
    for (const item of items) knn.observe(user, item)
  const scores = new Float64Array(4)
  knn.scores(0, scores)
  expect([...scores]).toEqual([2 / Math.sqrt(6), 2 / Math.sqrt(6), 2 / Math.sqrt(6), 0])
})

it('remembers only the newest users of an item and items of a user', () => {
  const knn = new UserKnn({ usersPerItemMax: 2, itemsPerUserMax: 2 })
  for (const user of [0, 1, 2, 3]) knn.observe(user, 0)
  expect([...knn.neighboursOf(0).indices]).toEqual([2, 3])
  for (const item of [5, 6]) knn.observe(3, item)
  expect([...knn.neighboursOf(0).indices]).toEqual([2])
})
