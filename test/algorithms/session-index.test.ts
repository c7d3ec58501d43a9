import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RankedItems, type SequenceQuery, SessionIndex, type SessionQuery } from '../../algorithms/session-index.ts'
import { describeWithData } from './describe-with-data.ts'

interface Step {
  readonly session: number
  readonly item: number
  readonly timeMs: number
}

/** VMIS-kNN written down from its definition, over all sessions, with sorts and sets: slow and plain. */
function fromDefinition(
  steps: readonly Step[],
  perSessionMax: number,
  current: readonly number[],
  query: Required<Omit<SessionQuery, 'exceptKey' | 'again'>>,
) {
  const sessions = new Map<number, { key: number; items: Set<number>; timeMs: number }>()
  for (const { session, item, timeMs } of steps) {
    const known = sessions.get(session) ?? { key: session, items: new Set<number>(), timeMs }
    known.items.add(item)
    known.timeMs = Math.max(known.timeMs, timeMs)
    sessions.set(session, known)
  }
  const counting = [...sessions.values()].filter((session) => session.items.size <= perSessionMax)
  const running = current.slice(-query.lastN)
  const newestFirst = [...running].reverse()
  const distinct = new Set(running)
  const candidates = counting
    .filter((session) => running.some((item) => session.items.has(item)))
    .sort((a, b) => b.timeMs - a.timeMs || b.key - a.key)
    .slice(0, query.m)
    .map((session) => {
      const shared = [...distinct].filter((item) => session.items.has(item))
      const similarity = shared.reduce((sum, item) => sum + (running.length - newestFirst.indexOf(item)), 0) / distinct.size
      return { ...session, similarity, place: Math.min(...shared.map((item) => newestFirst.indexOf(item))) }
    })
  const neighbours = candidates.sort((a, b) => b.similarity - a.similarity).slice(0, query.k) // stable: newest first
  const scores = new Map<number, number>()
  for (const neighbour of neighbours) {
    const weight = Math.max(0, 1 - 0.1 * (neighbour.place + 1))
    if (weight < 1e-9) continue
    for (const item of neighbour.items) {
      if (item === current.at(-1)) continue
      const df = counting.filter((session) => session.items.has(item)).length
      scores.set(item, (scores.get(item) ?? 0) + neighbour.similarity * weight * Math.log(counting.length / df))
    }
  }
  return scores
}

/** STAN, with idf or without, from its formulas; places in a neighbour are the order in which its items were first touched. */
function stanFromDefinition(
  steps: readonly Step[],
  perSessionMax: number,
  current: readonly number[],
  nowMs: number,
  query: Required<SequenceQuery>,
) {
  const sessions = [...Map.groupBy(steps, (each) => each.session)].map(([key, all]) => ({
    key,
    items: [...new Set(all.map((each) => each.item))],
    timeMs: Math.max(...all.map((each) => each.timeMs)),
  }))
  const counting = sessions.filter((session) => session.items.length <= perSessionMax)
  const newestFirst = current.slice(-query.lastN).reverse()
  const weights = new Map<number, number>()
  newestFirst.forEach((item, place) => {
    if (!weights.has(item)) weights.set(item, Math.exp(-place / query.placesBack))
  })
  const norm = Math.hypot(...weights.values())
  const neighbours = counting
    .filter(({ key, items }) => key !== query.exceptKey && items.some((item) => weights.has(item)))
    .sort((a, b) => b.timeMs - a.timeMs || b.key - a.key)
    .slice(0, query.m)
    .map((session) => {
      const sum = session.items.reduce((total, item) => total + (weights.get(item) ?? 0), 0)
      const age = Math.exp((session.timeMs - nowMs) / query.ageMs)
      return { ...session, similarity: (sum / norm / Math.sqrt(session.items.length)) * age }
    })
    .sort((a, b) => b.similarity - a.similarity)
  const scores = new Map<number, number>()
  for (const { items, similarity } of neighbours.slice(0, query.k)) {
    const shared = items.indexOf(newestFirst.find((item) => items.includes(item))!)
    items.forEach((item, place) => {
      if (item === current.at(-1) && !query.again) return
      const df = counting.filter((session) => session.items.includes(item)).length
      const rarity = query.idf ? Math.log(counting.length / df) : 1
      const given = similarity * Math.exp(-Math.abs(place - shared) / query.placesAround) * rarity
      scores.set(item, (scores.get(item) ?? 0) + given)
    })
  }
  const boundaryIsTied =
    neighbours.length > query.k && neighbours[query.k - 1]!.similarity - neighbours[query.k]!.similarity < 1e-12
  return { scores, boundaryIsTied }
}

function expectList(actual: RankedItems, expected: Map<number, number>, count: number): void {
  const ranked = [...expected.values()].sort((a, b) => b - a).slice(0, count)
  expect(actual.count).toBe(ranked.length)
  for (let n = 0; n < actual.count; n++) {
    expect(actual.scores[n]).toBeCloseTo(ranked[n]!, 9)
    expect(expected.get(actual.items[n]!)).toBeCloseTo(actual.scores[n]!, 9)
    if (n > 0 && actual.scores[n] === actual.scores[n - 1]) expect(actual.items[n]).toBeGreaterThan(actual.items[n - 1]!)
  }
  expect(new Set(actual.items.subarray(0, actual.count)).size).toBe(actual.count)
}

function expectSameList(
  index: SessionIndex,
  current: readonly number[],
  expected: Map<number, number>,
  query: Required<Omit<SessionQuery, 'exceptKey' | 'again'>>,
) {
  expectList(index.recommend(Int32Array.from(current), query), expected, query.count)
}

function indexOf(steps: readonly Step[], sessionsMax = 1000, itemsPerSessionMax = 6): SessionIndex {
  const index = new SessionIndex({ sessionsMax, itemsMax: 20_000, itemsPerSessionMax })
  for (const { session, item, timeMs } of steps) index.add(session, item, timeMs)
  return index
}

const step = fc.record({
  session: fc.integer({ min: 0, max: 12 }),
  item: fc.integer({ min: 0, max: 9 }),
  timeMs: fc.integer({ min: 0, max: 30 }),
})

describe('session index', () => {
  it('answers a hand-made case', () => {
    const index = indexOf([
      { session: 1, item: 1, timeMs: 1 },
      { session: 1, item: 2, timeMs: 2 },
      { session: 2, item: 1, timeMs: 3 },
      { session: 2, item: 3, timeMs: 4 },
      { session: 3, item: 3, timeMs: 5 },
      { session: 4, item: 4, timeMs: 6 },
    ])
    const { items, scores, count } = index.recommend(Int32Array.of(1), { lastN: 2 })
    expect([...items]).toEqual([2, 3])
    expect(count).toBe(2)
    // One item, len 1, distinct 1: similarity 1; newest position: 1 − .1 = .9; four sessions, df 1 and 2.
    expect(scores[0]).toBeCloseTo(0.9 * Math.log(4 / 1), 12)
    expect(scores[1]).toBeCloseTo(0.9 * Math.log(4 / 2), 12)
  })

  it('equals the definition for any events in any order', () => {
    const current = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 14 })
    const query = fc.record({
      m: fc.integer({ min: 1, max: 8 }),
      k: fc.integer({ min: 1, max: 6 }),
      lastN: fc.integer({ min: 1, max: 14 }),
      count: fc.integer({ min: 1, max: 12 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), current, query, (steps, items, parameters) => {
        expectSameList(indexOf(steps), items, fromDefinition(steps, 6, items, parameters), parameters)
      }),
      { numRuns: 500 },
    )
  })

  it('in sequence: equals the definition for any events in order of time', () => {
    const current = fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 8 })
    const query = fc.record({
      m: fc.integer({ min: 1, max: 8 }),
      k: fc.integer({ min: 1, max: 6 }),
      lastN: fc.integer({ min: 1, max: 8 }),
      count: fc.integer({ min: 1, max: 12 }),
      placesBack: fc.double({ min: 0.3, max: 5, noNaN: true }),
      placesAround: fc.double({ min: 0.3, max: 5, noNaN: true }),
      ageMs: fc.integer({ min: 5, max: 100 }),
      idf: fc.boolean(),
      again: fc.boolean(),
      exceptKey: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    })
    let compared = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), current, query, (steps, items, parameters) => {
        const sorted = steps.toSorted((a, b) => a.timeMs - b.timeMs)
        const { scores, boundaryIsTied } = stanFromDefinition(sorted, 6, items, 40, parameters)
        if (boundaryIsTied) return // rounding decides there who is the k-th
        compared++
        expectList(indexOf(sorted).recommendInSequence(Int32Array.from(items), 40, parameters), scores, parameters.count)
      }),
      { numRuns: 500 },
    )
    expect(compared).toBeGreaterThan(300)
  })

  it('gives bit-equal answers whatever the order of arrival', () => {
    const steps = fc.array(step, { minLength: 1, maxLength: 60 })
    const orders = steps.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))
    fc.assert(
      fc.property(orders, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }), ([a, b], current) => {
        const query = { m: 5, k: 3, lastN: 3, count: 10 }
        const now = Int32Array.from(current)
        expect(indexOf(b).recommend(now, query)).toEqual(indexOf(a).recommend(now, query))
      }),
    )
  })

  it('keeps the newest sessions when full, and forgets on request', () => {
    const cap = fc.integer({ min: 1, max: 6 })
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 }), cap, (picks, sessionsMax) => {
        // In order of time, so that the evicted are known: the last `sessionsMax` sessions by newest event.
        const steps = picks.map((pick, n) => ({ session: pick % 10, item: (pick * 7 + n) % 10, timeMs: n }))
        const index = new SessionIndex({ sessionsMax, itemsMax: 10, itemsPerSessionMax: 6 })
        let alive: Step[] = []
        for (const each of steps) {
          index.add(each.session, each.item, each.timeMs)
          const keys = new Set(alive.map((s) => s.session))
          if (!keys.has(each.session) && keys.size === sessionsMax) {
            const newestOf = (key: number) => Math.max(...alive.filter((s) => s.session === key).map((s) => s.timeMs))
            const oldest = [...keys].reduce((a, b) => (newestOf(a) <= newestOf(b) ? a : b))
            alive = alive.filter((s) => s.session !== oldest)
          }
          alive.push(each)
        }
        const query = { m: 5, k: 3, lastN: 2, count: 10 }
        expectSameList(index, [3, 5], fromDefinition(alive, 6, [3, 5], query), query)
        const gone = steps.at(-1)!.session
        expect(index.remove(gone)).toBe(true)
        expect(index.remove(gone)).toBe(false)
        alive = alive.filter((s) => s.session !== gone)
        expectSameList(index, [3, 5], fromDefinition(alive, 6, [3, 5], query), query)
      }),
      { numRuns: 300 },
    )
  })

  it('never lets a far position pull an item down: the weight ends at 0', () => {
    const index = indexOf([
      { session: 1, item: 0, timeMs: 1 },
      { session: 1, item: 15, timeMs: 2 },
      { session: 2, item: 16, timeMs: 3 },
    ])
    const current = Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(index.recommend(current, { lastN: 12 }).count).toBe(0) // position 12: published weight −.2
    const nearer = index.recommend(current.subarray(0, 9), { lastN: 12 })
    expect([...nearer.items]).toEqual([0, 15])
    expect(nearer.scores[0]).toBeGreaterThan(0)
  })

  it('takes unknown items and an empty session calmly', () => {
    const index = indexOf([{ session: 1, item: 1, timeMs: 1 }])
    expect(index.add(1, -1, 1)).toBe(false)
    expect(index.add(1, 20_000, 1)).toBe(false)
    expect(index.recommend(new Int32Array(0)).count).toBe(0)
    expect(index.recommend(Int32Array.of(-1, 19_999)).count).toBe(0)
  })
})

describeWithData('serenade-toy', 'session index on the Serenade toy set', (rows) => {
  const load = (file: string) =>
    rows(file)
      .map(([session, item, time]) => ({ session: Number(session), item: Number(item), timeMs: Number(time) * 1000 }))
      .sort((a, b) => a.timeMs - b.timeMs)

  /** Every prefix of every test session predicts its next item. */
  function prefixes(steps: readonly Step[]): { current: number[]; nowMs: number; next: number }[] {
    const sessions = Map.groupBy(steps, (each) => each.session)
    return [...sessions.values()].flatMap((session) =>
      session.slice(1).map((each, n) => ({
        current: session.slice(0, n + 1).map((s) => s.item),
        nowMs: session[n]!.timeMs,
        next: each.item,
      })),
    )
  }

  const index = new SessionIndex({ sessionsMax: 25_000, itemsMax: 30_000 })
  for (const { session, item, timeMs } of load('train.tsv.gz')) index.add(session, item, timeMs)

  type Recommend = (current: Int32Array, nowMs: number) => RankedItems

  function evaluate(file: string, recommend: Recommend) {
    const cases = prefixes(load(file))
    let hits = 0
    const reciprocals = cases.map(({ current, nowMs, next }) => {
      const rank = recommend(Int32Array.from(current), nowMs).items.indexOf(next) + 1
      if (rank > 0) hits++
      return rank > 0 ? 1 / rank : 0
    })
    const mrr = reciprocals.reduce((a, b) => a + b, 0) / cases.length
    return { count: cases.length, hitRate: hits / cases.length, mrr, reciprocals }
  }

  it('m 500, k 50, last 2: MRR@20 .3276, HR@20 .6423', () => {
    const result = evaluate('test.tsv.gz', (current) => index.recommend(current, { m: 500, k: 50, lastN: 2, count: 20 }))
    expect(result.count).toBe(931)
    expect(Math.abs(result.mrr - 0.3276)).toBeLessThan(0.002)
    expect(Math.abs(result.hitRate - 0.6423)).toBeLessThan(0.005)
  })

  it('m 1502, k 288, last 4: MRR@20 .3393 and .3164, HR@20 .6649', () => {
    const query = { m: 1502, k: 288, lastN: 4, count: 20 }
    const test = evaluate('test.tsv.gz', (current) => index.recommend(current, query))
    const valid = evaluate('valid.tsv.gz', (current) => index.recommend(current, query))
    expect(valid.count).toBe(1121)
    expect(Math.abs(test.mrr - 0.3393)).toBeLessThan(0.002)
    expect(Math.abs(test.hitRate - 0.6649)).toBeLessThan(0.005)
    expect(Math.abs(valid.mrr - 0.3164)).toBeLessThan(0.002)
  })

  it('in sequence: MRR@20 above .36, and better than the published method by more than chance, prediction by prediction', () => {
    const published = evaluate('test.tsv.gz', (current) => index.recommend(current, { m: 500, k: 50, lastN: 2 }))
    const ours = evaluate('test.tsv.gz', (current, nowMs) => index.recommendInSequence(current, nowMs))
    expect(ours.mrr).toBeGreaterThan(0.36)
    const gains = ours.reciprocals.map((value, n) => value - published.reciprocals[n]!)
    const mean = gains.reduce((a, b) => a + b, 0) / gains.length
    const deviation = Math.sqrt(gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1))
    expect(mean / (deviation / Math.sqrt(gains.length))).toBeGreaterThan(3)
  })

  it('equals the definition query by query', () => {
    const train = load('train.tsv.gz').slice(-6000)
    const small = new SessionIndex({ sessionsMax: 25_000, itemsMax: 30_000 })
    for (const { session, item, timeMs } of train) small.add(session, item, timeMs)
    const query = { m: 20, k: 10, lastN: 4, count: 20 }
    const some = prefixes(load('test.tsv.gz')).filter((_, n) => n % 8 === 0)
    expect(some.length).toBeGreaterThan(100)
    for (const { current } of some) expectSameList(small, current, fromDefinition(train, 15, current, query), query)
  })
})
