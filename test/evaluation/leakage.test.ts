import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { chooseContestants, createContestants } from '../../evaluation/contestant.ts'
import { ContestantTally } from '../../evaluation/contestant-tally.ts'
import { type JudgeOptions, judge } from '../../evaluation/judge.ts'
import type { Observations } from '../../evaluation/observations.ts'
import { type PlanOptions, type Protocol, plansOf, roles } from '../../evaluation/plan.ts'
import type { Observation, Query, RankedList, Recommender } from '../../evaluation/recommender.ts'
import { recommenderSpecs } from '../../evaluation/recommender-specs.ts'
import { observationsOf, type Step } from './small-data.ts'

// Nothing may see an event before it was scored. What is held here against every algorithm that has a name: an answer is the
// same whether or not the rest of the data exists, and holds nothing that nobody has touched yet.

const planOptions: PlanOptions = {
  part: 'test',
  updates: true,
  lastShare: 0.3,
  warmShare: 0,
  folds: 3,
  seed: 1,
  judgedTypes: [],
}
const judgeOptions: JudgeOptions = {
  ks: [5],
  context: 'session',
  truth: 'next',
  exclude: 'none',
  sample: null,
  sampleMax: 10,
  curveMs: 0,
  clock: new ManualClock(),
}

/** What was asked when, and what the answer was, in ids. */
interface Answer {
  readonly nowMs: number
  readonly session: readonly string[]
  readonly user: readonly string[]
  readonly items: readonly string[]
}

/** Writes down every answer of the algorithm inside, and refuses items that nobody has touched. */
class Witness implements Recommender {
  readonly answers: Answer[] = []
  readonly learnedTimes: number[] = []
  readonly #inner: Recommender
  readonly #ids: readonly string[]
  readonly #touched = new Set<number>()
  readonly fit?: () => void

  constructor(inner: Recommender, { itemIds }: Observations) {
    this.#inner = inner
    this.#ids = itemIds
    if (inner.fit !== undefined) this.fit = () => inner.fit!()
  }

  learn(observation: Observation): void {
    this.#touched.add(observation.item)
    this.learnedTimes.push(observation.timeMs)
    this.#inner.learn(observation)
  }

  recommend(query: Query, n: number, out: RankedList): void {
    this.#inner.recommend(query, n, out)
    const items = [...out.items.subarray(0, out.count)]
    for (const item of items) if (!this.#touched.has(item)) throw new Error(`item ${this.#ids[item]} was not there yet`)
    const names = (list: Int32Array | number[]) => [...list].map((item) => this.#ids[item]!)
    this.answers.push({
      nowMs: query.nowMs,
      session: names(query.sessionItems),
      user: names(query.userItems),
      items: names(items),
    })
  }
}

async function answersOf(
  name: string,
  data: Observations,
  protocol: Protocol,
  options: Partial<PlanOptions & JudgeOptions> = {},
) {
  const [chosen] = chooseContestants(recommenderSpecs, { algorithms: [name], settings: [], retraining: ['live'] })
  const world = {
    itemIds: data.itemIds,
    itemCount: data.itemIds.length,
    userCount: data.userIds.length,
    sessionCount: data.sessionCount,
    facts: data.facts,
    judgedTypes: [],
    questionsArePut: false,
  }
  const [made] = createContestants([chosen!], world, 1)
  const witness = new Witness(made!.recommender, data)
  const tally = new ContestantTally({ ks: [5], clusters: data.sessionCount, items: data.itemIds.length, curveMs: 0 })
  const plan = plansOf(protocol, data, { ...planOptions, ...options })[0]!
  await judge(data, plan, [{ ...made!, recommender: witness }], [tally], { ...judgeOptions, ...options })
  return witness
}

/** Sessions of a few people over a time in which every moment has one event. */
const stories = fc
  .array(fc.record({ session: fc.integer({ min: 0, max: 5 }), item: fc.integer({ min: 0, max: 8 }) }), {
    minLength: 4,
    maxLength: 40,
  })
  .map((all) => all.map((one, n): Step => ({ ...one, user: one.session % 3, timeMs: n * 60_000 })))

describe('nothing sees an event before it is scored', () => {
  // Algorithms that are fitted once do not answer before `fit`; those that learn per event must not change by what comes later.
  const names = recommenderSpecs.map(({ name }) => name)

  it.each(names)('%s: prequential answers do not depend on what happens later, and know only what was touched', async (name) => {
    await fc.assert(
      fc.asyncProperty(stories, fc.double({ min: 0.2, max: 0.9, noNaN: true }), async (steps, share) => {
        const data = observationsOf(steps)
        const from = Math.max(2, Math.floor(steps.length * share))
        // Another future: the same people and visits, other items. All sizes stay as they are.
        const items = data.items.map((item, row) => (row < from ? item : (item + 1 + row) % data.itemIds.length))
        const known = (await answersOf(name, data, 'prequential')).answers.filter(({ nowMs }) => nowMs <= from * 60_000)
        const other = (await answersOf(name, { ...data, items }, 'prequential')).answers.filter(
          ({ nowMs }) => nowMs <= from * 60_000,
        )
        expect(other).toEqual(known)
      }),
      { numRuns: 30 },
    )
  })

  it.each(names)('%s: in a frozen split an answer to a prefix does not depend on other prefixes', async (name) => {
    const train: Step[] = Array.from({ length: 40 }, (_, n) => ({
      user: n >> 2,
      session: n >> 2,
      item: (n * n + (n >> 2)) % 9,
      timeMs: n * 1000,
    }))
    // Two visits of the test part hold an item (77) that exists nowhere else.
    const visits = [
      [1, 2, 77, 4],
      [2, 77, 5, 3],
    ]
    const test = visits.flatMap((items, v) =>
      items.map((item, n): Step => ({ user: 90 + v, session: 90 + v, item, timeMs: 100_000 + n * 10 + v, part: 'test' })),
    )
    const frozen = { updates: false, truth: 'rest' } as const
    const all = await answersOf(name, observationsOf([...train, ...test]), 'split', frozen)
    expect(all.answers.length).toBe(6)
    expect(all.learnedTimes.length).toBe(train.length)
    for (const { items } of all.answers) expect(items).not.toContain('77')
    for (const answer of all.answers) {
      const until = [...train, ...test.filter(({ timeMs }) => timeMs <= answer.nowMs)]
      const alone = (await answersOf(name, observationsOf(until), 'split', frozen)).answers.at(-1)!
      expect(alone).toEqual(answer)
    }
  })

  it('shows exactly the earlier events of the visit and of the user', async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (steps) => {
        const { answers } = await answersOf('popularity', observationsOf(steps), 'prequential')
        const asked = steps.filter((step, n) => steps.slice(0, n).some(({ session }) => session === step.session))
        expect(answers.map(({ session, user, nowMs }) => ({ session, user, nowMs }))).toEqual(
          asked.map((step) => {
            const before = steps.filter(({ timeMs }) => timeMs < step.timeMs)
            return {
              nowMs: step.timeMs,
              session: before.filter(({ session }) => session === step.session).map(({ item }) => String(item)),
              user: before.filter(({ user }) => user === step.user).map(({ item }) => String(item)),
            }
          }),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('leave-last-out on valid never touches the last event of anybody', () => {
    fc.assert(
      fc.property(stories, (steps) => {
        const data = observationsOf(steps)
        const [plan] = plansOf('leave-last-out', data, { ...planOptions, part: 'valid' })
        const last = new Map<number, number>()
        for (let row = 0; row < data.count; row++) last.set(data.users[row]!, row)
        for (const row of last.values()) expect(plan!.order).not.toContain(row)
      }),
    )
  })

  it('a fold is never learned in the pass that asks for it, and every event is asked for once', () => {
    fc.assert(
      fc.property(stories, (steps) => {
        const data = observationsOf(steps)
        const asked = plansOf('k-fold', data, planOptions).flatMap(({ order, roles: roleAt }) => {
          expect(new Set(order).size).toBe(data.count)
          return [...order].filter((_, n) => roleAt[n] === roles.judge)
        })
        expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: data.count }, (_, row) => row))
      }),
    )
  })
})
