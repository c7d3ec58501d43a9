import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { createRandom } from '../../core/random.ts'
import { CandidatePool } from '../../evaluation/candidate-pool.ts'
import { ChoiceFeatures } from '../../evaluation/choice-features.ts'
import { type Contestant, chooseContestants } from '../../evaluation/contestant.ts'
import { type EvaluateOptions, evaluate } from '../../evaluation/evaluate.ts'
import { plansOf } from '../../evaluation/plan.ts'
import type { Observation, Query, RecommenderSpec } from '../../evaluation/recommender.ts'
import { recommenderSpecs } from '../../evaluation/recommender-specs.ts'
import { learned } from '../../evaluation/recommenders/learned.ts'
import { TouchMemory } from '../../evaluation/touch-memory.ts'
import { eventTypeNumber } from '../../schemas/user-event.ts'
import { observationsOf, type Step } from './small-data.ts'

const hourMs = 3_600_000
const random = createRandom('learned')

/** A source with a fixed answer. */
function fixed(items: readonly number[], scores: readonly number[]): Contestant {
  const recommender = {
    learn() {},
    recommend(_query: Query, n: number, out: { items: Int32Array; scores: Float64Array; count: number }) {
      out.count = Math.min(n, items.length)
      out.items.set(items.slice(0, out.count))
      out.scores.set(scores.slice(0, out.count))
    },
  }
  return { label: 'fixed', algorithm: 'fixed', settings: {}, retraining: 'live', recommender }
}

const queryOf = (user: number, nowMs: number, userItems: readonly number[], excluded: Uint8Array | null = null): Query => ({
  ...{ user, session: user, nowMs, excluded, excludedCount: 0 },
  ...{ sessionItems: Int32Array.from(userItems.slice(-2)), userItems: Int32Array.from(userItems) },
})

describe('the candidates of a question', () => {
  it('each once, with place and share per source; own ones join unless they are left out', () => {
    const pool = new CandidatePool([fixed([3, 1, 2], [8, 4, 2]), fixed([2, 5], [0.5, 0.1])], 2)
    pool.fill(queryOf(0, 0, []), [1, 7])
    expect(pool.items).toEqual([3, 1, 2, 5, 7]) // a depth of 2 ends the first list before item 2
    const seen = pool.items.map((_, n) => [pool.place(n, 0), pool.share(n, 0), pool.place(n, 1), pool.share(n, 1)])
    expect(seen).toEqual([
      [0, 1, -1, 0],
      [1, 0.5, -1, 0],
      [-1, 0, 0, 1],
      [-1, 0, 1, 0.2],
      [-1, 0, -1, 0],
    ])
    pool.fill(queryOf(0, 0, [], Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)), [7])
    expect(pool.items).not.toContain(7)
  })
})

describe('what the ranker sees', () => {
  /** All of it from the bare list of events, for one item and person. */
  function slowTouchColumns(events: readonly Observation[], item: number, { user, nowMs, userItems }: Query): number[] {
    const of = events.filter((event) => event.item === item)
    const largest = Math.max(1, ...events.map((one) => events.filter((other) => other.item === one.item).length))
    const popularity = Math.log1p(of.length) / Math.log1p(largest)
    const bought = (event: Observation) => event.type === eventTypeNumber('purchase')
    const yearMs = 365 * 24 * hourMs
    const quietMs = of.length === 0 ? yearMs : Math.min(yearMs, nowMs - of.at(-1)!.timeMs)
    const columns = [
      popularity,
      popularity / (1 + userItems.length),
      of.filter(bought).length / (of.length + 5),
      1 - Math.log1p(quietMs / 60_000) / Math.log1p(yearMs / 60_000),
    ]
    const mine = of.filter((event) => event.user === user)
    if (mine.length === 0) return [...columns, ...new Array<number>(20).fill(0)]
    const person = events.filter((event) => event.user === user)
    const targets = person.filter(bought)
    const repeats = targets.filter((event) =>
      person.some((one) => one.item === event.item && person.indexOf(one) < person.indexOf(event)),
    )
    const purchases = mine.filter(bought).length
    columns.push(
      ...[1, (repeats.length + 1) / (targets.length + 2), mine.length === 1 ? 1 : 0],
      ...[Math.min(1, Math.log1p(mine.length) / 4), Math.min(1, Math.log1p(purchases) / 4), mine.length / person.length],
      ...[1 / (1 + new Set(person.map((event) => event.item)).size), purchases > 0 && mine.length > purchases ? 1 : 0],
    )
    for (const types of [['view'], ['add_to_cart'], ['purchase']] as const) {
      const last = mine.findLast((event) => types.some((type) => event.type === eventTypeNumber(type)))
      columns.push(last === undefined ? 0 : 1)
      for (const halfLifeMs of [hourMs, 24 * hourMs, 14 * 24 * hourMs])
        columns.push(last === undefined ? 0 : 0.5 ** ((nowMs - last.timeMs) / halfLifeMs))
    }
    return columns
  }

  it('is what a count over all events so far gives', () => {
    const events: Observation[] = []
    const memory = new TouchMemory(6)
    const pool = new CandidatePool([fixed([0, 1, 2, 3, 4, 5], [6, 5, 4, 3, 2, 1])], 6)
    const features = new ChoiceFeatures(pool, memory, { sources: 1, touches: true })
    const rows = new Float32Array(6 * features.width)
    let timeMs = 0
    for (let n = 0; n < 120; n++) {
      timeMs += random.below(5 * hourMs)
      const user = random.below(3)
      const items = events.filter((event) => event.user === user).map((event) => event.item)
      const query = queryOf(user, timeMs, items)
      pool.fill(query, [])
      features.write(query, rows)
      for (let item = 0; item < 6; item++) {
        const row = rows.subarray(item * features.width, (item + 1) * features.width)
        const [inVisit, isNewest, ...rest] = row.subarray(6)
        expect(inVisit).toBe(query.sessionItems.includes(item) ? 1 : 0)
        expect(isNewest).toBe(items.at(-1) === item ? 1 : 0)
        slowTouchColumns(events, item, query).forEach((value, at) => {
          expect(rest[at], `event ${n}, item ${item}, column ${at}`).toBeCloseTo(value, 5)
        })
        expect(rest.length).toBe(24)
      }
      const type = eventTypeNumber((['view', 'add_to_cart', 'purchase'] as const)[random.below(3)]!)
      const event = { user, session: user, item: random.below(6), timeMs, type, strength: 0, rating: 0 }
      events.push(event)
      memory.add(event, type === eventTypeNumber('purchase'))
    }
  })

  it('remembers a bounded number of items of one person', () => {
    const memory = new TouchMemory(1000)
    for (let item = 0; item < 1000; item++)
      memory.add({ user: 0, session: 0, item, timeMs: item, type: 1, strength: 0, rating: 0 }, true)
    const touches = [...memory.person(0)!.touches.keys()]
    expect([touches.length, touches[0], touches.at(-1)]).toEqual([200, 800, 999])
  })
})

describe('the learned ranker', () => {
  /** People look at anything, put one thing into the cart, look on, and buy what is in the cart. */
  const steps: Step[] = []
  for (let n = 0; n < 150; n++) {
    const cart = random.below(30)
    const looked = Array.from({ length: 4 }, () => random.below(30))
    const story = [looked[0]!, cart, looked[1]!, looked[2]!, looked[3]!, cart].map((item, at) => ({ item, at }))
    for (const { item, at } of story)
      steps.push({
        ...{ user: n, session: n, item, timeMs: steps.length * 60_000 },
        type: at === 1 ? 'add_to_cart' : at === 5 ? 'purchase' : 'view',
      })
  }
  const data = observationsOf(steps)
  const judgedTypes = ['purchase']
  const judgedAs: EvaluateOptions = {
    ...{ ks: [1], context: 'user', truth: 'next', exclude: 'none', curveMs: 0, seed: 1, judgedTypes },
    clock: new ManualClock(),
  }
  const judged = async (warmShare: number, algorithms: readonly string[], settings: readonly string[] = []) => {
    const plan = { part: 'test', updates: true, lastShare: 0.1, warmShare, folds: 2, seed: 1, judgedTypes } as const
    const contestants = chooseContestants(recommenderSpecs, { algorithms, settings, retraining: ['live'] })
    const { results } = await evaluate(data, plansOf('prequential', data, plan), contestants, judgedAs)
    return results.map(({ metrics }) => metrics['HR@1']!)
  }

  it('finds out that people buy what is in their cart, which no source says', async () => {
    const [own, blind, stan] = await judged(0.5, ['learned', 'learned:blind', 'stan'], ['learned:blind.touches=false'])
    expect(own!).toBeGreaterThan(0.9)
    expect(blind!).toBeLessThan(0.6)
    expect(stan!).toBeLessThan(0.6)
  })

  it('has learned it before anybody asked: it asks itself in the warm part', async () => {
    expect((await judged(0.95, ['learned']))[0]!).toBeGreaterThan(0.9)
  })

  it('answers the questions of a sample as if all had been asked', async () => {
    const answersOf = async (questionsMax?: number) => {
      const answers = new Map<number, number>()
      const spec = {
        ...learned,
        create(...parts: Parameters<typeof learned.create>) {
          const made = learned.create(...parts)
          const recommend: typeof made.recommend = (query, n, out) => {
            made.recommend(query, n, out)
            answers.set(query.nowMs, out.scores[0]!)
          }
          return { learn: made.learn.bind(made), fit: made.fit!.bind(made), face: made.face!.bind(made), recommend }
        },
      } as unknown as RecommenderSpec
      const plan = { part: 'test', updates: true, lastShare: 0.1, warmShare: 0.5, folds: 2, seed: 1, judgedTypes } as const
      const contestants = chooseContestants([spec], { algorithms: ['learned'], settings: [], retraining: ['live'] })
      const found = await evaluate(data, plansOf('prequential', data, plan), contestants, {
        ...judgedAs,
        exclude: 'current',
        questionsMax,
      })
      return { ...found, answers }
    }
    const [all, some] = [await answersOf(), await answersOf(20)]
    expect([all.questions, all.askable, some.questions, some.askable]).toEqual([75, 75, 20, 75])
    expect(some.answers.size).toBe(20)
    for (const [timeMs, score] of some.answers) expect(score).toBe(all.answers.get(timeMs))
  })

  it('learns from hidden halves of baskets, also before anybody asks', async () => {
    // Whoever buys a cup (0–14) buys its saucer (15–29), and everybody buys a bag (30).
    const steps = Array.from({ length: 200 }, (_, n): Step[] => {
      const cup = random.below(15)
      return [cup, 30, cup + 15].map((item) => ({ user: n, session: n, item, timeMs: n * hourMs, type: 'purchase' }))
    }).flat()
    const baskets = observationsOf(steps)
    const plan = { part: 'test', updates: true, lastShare: 0.1, warmShare: 0.95, folds: 2, seed: 1, judgedTypes } as const
    const settings = ['learned.sources=popularity+item-knn', 'learned.sourceSettings=item-knn.by=session']
    const algorithms = ['popularity', 'learned']
    const contestants = chooseContestants(recommenderSpecs, { algorithms, settings, retraining: ['live'] })
    const { results } = await evaluate(baskets, plansOf('basket', baskets, plan), contestants, {
      ...{ ...judgedAs, context: 'session', truth: 'hidden', exclude: 'session' },
    })
    const [popular, own] = results.map(({ metrics }) => metrics['HR@1']!)
    expect(popular!).toBeLessThan(0.7)
    expect(own!).toBe(1)
  })

  it('takes sources by name, with settings of their own', async () => {
    await expect(judged(0.5, ['learned'], ['learned.sources=stan+nobody'])).rejects.toThrow(
      /no algorithm "nobody"; there are popularity/,
    )
    await expect(
      judged(0.5, ['learned'], ['learned.sources=stan+stan:short', 'learned.sourceSettings=stan:short.k=many']),
    ).rejects.toThrow(/must be a number/)
  })
})
