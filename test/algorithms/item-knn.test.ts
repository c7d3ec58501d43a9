import { expect, it } from 'vitest'
import { ItemKnn, type ItemKnnOptions } from '../../algorithms/item-knn.ts'
import { SparseCounts } from '../../algorithms/sparse-counts.ts'
import { supportSimilarity } from '../../algorithms/support-similarity.ts'
import { createRandom } from '../../core/random.ts'
import { expectRelative } from './close.ts'

const itemCount = 40

/** Events of 25 users in random order, with repeats. */
function randomEvents(seed: string): { user: number; item: number }[] {
  const random = createRandom(seed)
  return Array.from({ length: 400 }, () => ({ user: random.below(25), item: Math.floor(itemCount * random.next() ** 2) }))
}

function learnt(events: readonly { user: number; item: number }[], options: Partial<ItemKnnOptions> = {}): ItemKnn {
  const knn = new ItemKnn({ itemCount, ...options })
  for (const { user, item } of events) knn.observe(user, item)
  knn.refreshAll()
  return knn
}

it('counts after each event equal a recount of all events so far', () => {
  const knn = new ItemKnn({ itemCount })
  const events = randomEvents('recount')
  events.forEach(({ user, item }, n) => {
    const before = new Set(events.slice(0, n).flatMap((event) => (event.user === user ? [event.item] : [])))
    expect(knn.observe(user, item)).toBe(!before.has(item))
    if (n % 40 !== 39) return
    const users = new Map<number, Set<number>>()
    for (const event of events.slice(0, n + 1)) users.set(event.user, (users.get(event.user) ?? new Set()).add(event.item))
    for (let a = 0; a < itemCount; a++) {
      expect(knn.support(a)).toBe([...users.values()].filter((items) => items.has(a)).length)
      for (let b = 0; b < itemCount; b++)
        if (a !== b) expect(knn.together(a, b)).toBe([...users.values()].filter((items) => items.has(a) && items.has(b)).length)
    }
  })
})

it.for([{ measure: 'cosine' }, { measure: 'jaccard', shrinkage: 3 }, { measure: 'cosine', shrinkage: 20, alpha: 0.3 }] as const)(
  'scores are the definition with %o: the history’s items among the nearest of each target',
  (options) => {
    const events = randomEvents('scores')
    const knn = learnt(events, { ...options, neighbours: 6 })
    const { measure, shrinkage = 0, alpha = 0.5 } = options as { measure: string; shrinkage?: number; alpha?: number }
    const similarity = (a: number, b: number): number => {
      const [c, x, y] = [knn.together(a, b), knn.support(a), knn.support(b)]
      if (measure === 'jaccard') return c / (x + y - c + shrinkage)
      return c / ((x + shrinkage) ** alpha * (y + shrinkage) ** (1 - alpha))
    }
    const history = [0, 3, 4, 9, 17, 30]
    const scores = new Float64Array(itemCount)
    knn.scores(history, scores)
    for (let target = 0; target < itemCount; target++) {
      const nearest = Array.from({ length: itemCount }, (_, other) => other)
        .filter((other) => other !== target && knn.together(target, other) > 0)
        .sort((a, b) => similarity(b, target) - similarity(a, target) || a - b)
        .slice(0, 6)
      const expected = history.reduce((sum, item) => sum + (nearest.includes(item) ? similarity(item, target) : 0), 0)
      expect(Math.abs(scores[target]! - expected)).toBeLessThan(1e-12)
    }
  },
)

it('refresh after each event ends where refreshAll does but for supports that moved', () => {
  const knn = new ItemKnn({ itemCount, neighbours: itemCount })
  for (const { user, item } of randomEvents('live')) {
    knn.observe(user, item)
    knn.refresh()
  }
  const live = new Float64Array(itemCount)
  const whole = new Float64Array(itemCount)
  knn.scores([1, 2, 5], live)
  knn.refreshAll()
  knn.scores([1, 2, 5], whole)
  for (let item = 0; item < itemCount; item++) {
    expect(live[item]! > 0).toBe(whole[item]! > 0)
    if (whole[item]! > 0) expect(Math.abs(live[item]! / whole[item]! - 1)).toBeLessThan(0.2)
  }
})

it('an item that is no longer among the nearest of a target brings it nothing', () => {
  const knn = new ItemKnn({ itemCount, neighbours: 1 })
  const scores = new Float64Array(itemCount)
  for (const item of [2, 1]) knn.observe(0, item)
  knn.refresh()
  knn.scores([2], scores)
  expect(scores[1]).toBe(1)
  for (const user of [1, 2]) for (const item of [3, 1]) knn.observe(user, item)
  knn.refresh()
  knn.scores([2], scores)
  expect(scores[1]).toBe(0)
  knn.scores([3], scores)
  expect(scores[1]).toBeCloseTo(2 / Math.sqrt(6), 14)
})

it('pairs that know order and distance: 1 then 2 then 3, by hand', () => {
  const steps = [1, 2, 3].map((item) => ({ user: 1, item }))
  const knn = learnt(steps, { gapDecay: 0.5, backward: 0.25 })
  expect([knn.together(2, 1), knn.together(3, 1), knn.together(3, 2)]).toEqual([1, 0.5, 1])
  expect([knn.together(1, 2), knn.together(1, 3), knn.together(2, 3)]).toEqual([0.25, 0.125, 0.25])
  const forward = learnt(steps, { backward: 0 })
  const scores = new Float64Array(itemCount)
  forward.scores([2], scores)
  expect([scores[1], scores[3]]).toEqual([0, 1])
  forward.scores([1, 2], scores, [0.5, 2])
  expect(scores[3]).toBe(2.5)
  expect(() => learnt([], { gapDecay: 0 })).toThrow(/gapDecay/)
})

it('a long history keeps its newest items, a closed session counts no further pairs', () => {
  const knn = learnt(
    [1, 2, 3, 4].map((item) => ({ user: 1, item })),
    { historyMax: 2 },
  )
  expect([knn.together(1, 4), knn.together(2, 4), knn.together(3, 4)]).toEqual([0, 1, 1])
  knn.close(1)
  knn.observe(1, 5)
  expect(knn.together(4, 5)).toBe(0)
  expect(() => knn.observe(1, itemCount)).toThrow(/whole numbers from 0 to 39/)
})

it('similarities by hand: 4 of 9 and 16', () => {
  expect(supportSimilarity(4, 9, 16)).toBeCloseTo(4 / 12, 15)
  expect(supportSimilarity(4, 9, 16, { measure: 'jaccard' })).toBe(4 / 21)
  expect(supportSimilarity(4, 5, 16, { shrinkage: 20 })).toBeCloseTo(4 / 30, 15)
  expect(supportSimilarity(4, 9, 16, { alpha: 1 })).toBeCloseTo(4 / 9, 15)
  expect(supportSimilarity(0, 0, 0)).toBe(0)
  expect(supportSimilarity(0, 0, 0, { measure: 'jaccard' })).toBe(0)
})

it('SparseCounts counts as a Map does, and keeps the heavier half when full', () => {
  const random = createRandom('counts')
  const counts = new SparseCounts()
  const map = new Map<number, number>()
  for (let n = 0; n < 5000; n++) {
    const key = random.below(900) * 64
    const amount = random.below(5) - 1
    map.set(key, (map.get(key) ?? 0) + amount)
    expect(counts.add(key, amount)).toBe(map.get(key))
  }
  const seen = new Map<number, number>()
  counts.forEach((key, count) => {
    seen.set(key, count)
  })
  expect([...seen].sort(([a], [b]) => a - b)).toEqual([...map].sort(([a], [b]) => a - b))
  const bounded = new SparseCounts({ entriesMax: 10 })
  for (let key = 0; key < 1000; key++) {
    bounded.add(key, key < 4 ? 1e6 : key)
    expect(bounded.size).toBeLessThanOrEqual(10)
  }
  expectRelative(bounded.get(0), 1e6, 0)
  const halved = new SparseCounts({ entriesMax: 4 })
  for (const key of [4, 1, 3, 2]) halved.add(key, key)
  halved.add(9, 1)
  expect([1, 2, 3, 4, 9].map((key) => halved.get(key))).toEqual([0, 0, 3, 4, 1])
  const flat = new SparseCounts({ entriesMax: 3 })
  for (let key = 0; key < 9; key++) flat.add(key, 1)
  expect(flat.size).toBeLessThanOrEqual(3)
  expect(() => new SparseCounts({ entriesMax: 0 })).toThrow(/1 or more/)
})
