import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VectorSessionIndex } from '../../algorithms/vector-session-index.ts'
import { describeWithData } from './describe-with-data.ts'

interface Step {
  readonly session: number
  readonly item: number
  readonly timeMs: number
}

const step = fc.record({
  session: fc.integer({ min: 0, max: 12 }),
  item: fc.integer({ min: 0, max: 9 }),
  timeMs: fc.integer({ min: 0, max: 30 }),
})

interface Parameters {
  readonly m: number
  readonly k: number
  readonly idf: number
}

/** VSKNN from its formulas (recsys-notes.md section 1): whole sessions, sets and sorts, no index. */
function fromDefinition(steps: readonly Step[], current: readonly number[], { m, k, idf }: Parameters) {
  const sessions = new Map<number, { items: Set<number>; timeMs: number }>()
  const events = new Map<number, number>()
  for (const { session, item, timeMs } of steps) {
    const known = sessions.get(session) ?? { items: new Set(), timeMs: Number.NEGATIVE_INFINITY }
    known.items.add(item)
    known.timeMs = Math.max(known.timeMs, timeMs)
    sessions.set(session, known)
    events.set(item, (events.get(item) ?? 0) + 1)
  }
  const weights = new Map<number, number>()
  current.forEach((item, n) => {
    weights.set(item, ((n + 1) / current.length) ** 2)
  })
  const candidates = [...sessions]
    .filter(([, { items }]) => current.some((item) => items.has(item)))
    .sort(([a, x], [b, y]) => y.timeMs - x.timeMs || b - a)
    .slice(0, m)
    .map(([key, { items }]) => {
      let sum = 0
      for (const [item, weight] of weights) if (items.has(item)) sum += weight
      return { key, items, similarity: sum / weights.size }
    })
  const ranked = candidates.toSorted((a, b) => b.similarity - a.similarity)
  const boundaryIsTied = ranked.length > k && Math.abs(ranked[k - 1]!.similarity - ranked[k]!.similarity) < 1e-12
  const scores = new Map<number, number>()
  for (const { items, similarity } of ranked.slice(0, k)) {
    const latest = current.findLastIndex((item) => items.has(item))
    const back = current.length - latest
    for (const item of items) {
      const rarity = 1 + idf * Math.log(sessions.size / events.get(item)!)
      scores.set(item, (scores.get(item) ?? 0) + (similarity * rarity) / back)
    }
  }
  const most = Math.max(...scores.values())
  if (most > 0) for (const [item, score] of scores) scores.set(item, score / most)
  return { scores, boundaryIsTied }
}

it('VSKNN equals a second implementation from the formulas, score by score', () => {
  const current = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 12 })
  const parameters = fc.record({
    m: fc.integer({ min: 1, max: 14 }),
    k: fc.integer({ min: 1, max: 14 }),
    idf: fc.constantFrom(0, 1, 5),
  })
  let compared = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), current, parameters, (steps, items, query) => {
      const { scores, boundaryIsTied } = fromDefinition(steps, items, query)
      if (boundaryIsTied) return // rounding decides there who is the k-th
      compared++
      const index = new VectorSessionIndex({ sessionsMax: 100, itemsMax: 20 })
      for (const one of steps) index.add(one.session, one.item, one.timeMs)
      const ours = index.recommend(Int32Array.from(items), { ...query, count: 20 })
      expect(new Set(ours.items.subarray(0, ours.count))).toEqual(new Set(scores.keys()))
      for (let n = 0; n < ours.count; n++) {
        expect(ours.scores[n]).toBeCloseTo(scores.get(ours.items[n]!)!, 9)
        if (n > 0) expect(ours.scores[n]!).toBeLessThanOrEqual(ours.scores[n - 1]!)
      }
    }),
    { numRuns: 500 },
  )
  expect(compared).toBeGreaterThan(250)
})

it('VSKNN leaves out the running session when it is told to', () => {
  const index = new VectorSessionIndex({ sessionsMax: 10, itemsMax: 10 })
  index.add(1, 1, 1)
  index.add(1, 2, 2)
  index.add(2, 1, 3)
  index.add(2, 3, 4)
  const { items, count } = index.recommend(Int32Array.of(1), { exceptKey: 2, idf: 0 })
  expect([...items.subarray(0, count)].sort()).toEqual([1, 2])
})

describeWithData('rsc15-100k', 'VSKNN on the first 3,000 clicks of YooChoose', (rows) => {
  it('gives every score of the second implementation, click by click', () => {
    const numbers = new Map<string, number>()
    const steps = rows('yoochoose-clicks-100k_train_tr.tsv.gz')
      .slice(0, 3000)
      .map(([session, item, time]) => {
        if (!numbers.has(item!)) numbers.set(item!, numbers.size)
        return { session: Number(session), item: numbers.get(item!)!, timeMs: Number(time) * 1000 }
      })
      .sort((a, b) => a.timeMs - b.timeMs)
    const index = new VectorSessionIndex({ sessionsMax: 2000, itemsMax: numbers.size, itemsPerSessionMax: 100 })
    const running = new Map<number, number[]>()
    let compared = 0
    steps.forEach((step, n) => {
      const current = running.get(step.session) ?? []
      // Every 15th question: the definition goes over everything each time.
      if (n % 15 === 0 && current.length > 0 && current.length <= 30) {
        const query = { m: 1000, k: 1000, idf: 5 }
        const { scores } = fromDefinition(steps.slice(0, n), current, query)
        const ours = index.recommend(Int32Array.from(current), { ...query, count: numbers.size })
        expect(ours.count).toBe(scores.size)
        for (let at = 0; at < ours.count; at++) expect(ours.scores[at]).toBeCloseTo(scores.get(ours.items[at]!)!, 9)
        compared++
      }
      index.add(step.session, step.item, step.timeMs)
      running.set(step.session, [...current, step.item])
    })
    expect(compared).toBeGreaterThan(100)
  })
})
