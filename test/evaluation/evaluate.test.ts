import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { createRandom } from '../../core/random.ts'
import { chooseContestants } from '../../evaluation/contestant.ts'
import { curveSvg } from '../../evaluation/curve-svg.ts'
import { type EvaluateOptions, evaluate } from '../../evaluation/evaluate.ts'
import { HeldBack } from '../../evaluation/held-back.ts'
import { PairedBootstrap } from '../../evaluation/paired-bootstrap.ts'
import { type PlanOptions, type Protocol, plansOf, protocols, roles } from '../../evaluation/plan.ts'
import { QuestionSample } from '../../evaluation/question-sample.ts'
import type { RankedList, Recommender, RecommenderSpec } from '../../evaluation/recommender.ts'
import { recommenderSpecs } from '../../evaluation/recommender-specs.ts'
import { linearAxis, logarithmicAxis } from '../../evaluation/value-axis.ts'
import { VarietyMeasure } from '../../evaluation/variety.ts'
import { observationsOf, type Step } from './small-data.ts'

const planOptions: PlanOptions = {
  part: 'test',
  updates: false,
  lastShare: 0.5,
  warmShare: 0,
  folds: 2,
  seed: 1,
  judgedTypes: [],
}
const options: EvaluateOptions = {
  ks: [2, 3],
  context: 'session',
  truth: 'next',
  exclude: 'none',
  curveMs: 0,
  seed: 1,
  judgedTypes: [],
  clock: new ManualClock(),
}

/** An algorithm that always answers the same items. */
function always(name: string, answer: readonly number[], extra: Partial<Recommender> = {}): RecommenderSpec {
  return {
    name,
    summary: '',
    defaults: {},
    create: () => ({
      learn() {},
      recommend({ excluded }, n, out: RankedList) {
        const allowed = answer.filter((item) => excluded?.[item] !== 1).slice(0, n)
        out.items.set(allowed)
        out.count = allowed.length
      },
      ...extra,
    }),
  }
}

async function run(
  specs: readonly RecommenderSpec[],
  steps: readonly Step[],
  protocol: Protocol,
  changes: Partial<EvaluateOptions & PlanOptions> = {},
) {
  const data = observationsOf(steps)
  const contestants = chooseContestants(specs, {
    algorithms: specs.map(({ name }) => name),
    settings: [],
    retraining: ['live'],
  })
  return evaluate(data, plansOf(protocol, data, { ...planOptions, ...changes }), contestants, { ...options, ...changes })
}

const visits: Step[] = [
  ...[0, 1, 2, 3].map((item, n): Step => ({ user: 0, session: 0, item, timeMs: n })),
  ...[1, 3, 3, 0].map((item, n): Step => ({ user: 1, session: 1, item, timeMs: 100 + n, part: 'test' })),
]

it('a sample of questions holds each pair of five as often as another', () => {
  const sampleRandom = createRandom('questions')
  const pairs = new Map<string, number>()
  for (let n = 0; n < 10_000; n++) {
    const sample = new QuestionSample({ there: 5, wanted: 2, random: sampleRandom })
    const taken = [0, 1, 2, 3, 4].filter(() => sample.takes()).join()
    pairs.set(taken, (pairs.get(taken) ?? 0) + 1)
  }
  expect(pairs.size).toBe(10)
  // χ² with 9 degrees of freedom is below 27.9 in 999 of 1,000.
  expect([...pairs.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(27.9)
})

describe('measures by hand', () => {
  it('next: three questions of one visit, answer [3, 0]', async () => {
    // The next items are 3, 3, 0: ranks 1, 1, 2.
    const { questions, cold, results } = await run([always('same', [3, 0])], visits, 'split')
    expect({ questions, cold }).toEqual({ questions: 3, cold: 1 })
    const { metrics } = results[0]!
    expect(metrics['MRR@2']).toBeCloseTo((1 + 1 + 1 / 2) / 3, 12)
    expect(metrics['HR@2']).toBe(1)
    expect(metrics['P@2']).toBeCloseTo(1 / 2, 12)
    expect(metrics['P@3']).toBeCloseTo(1 / 3, 12) // hits / k, also for a list of two
    expect(metrics['NDCG@2']).toBeCloseTo((1 + 1 + 1 / Math.log2(3)) / 3, 12)
    // Two of four items were ever shown; four are known.
    expect(metrics['coverage@2']).toBe(2 / 4)
  })

  it('rest: MRR and HR look at the next item, the others at all that follow', async () => {
    // What follows: {3, 0}, {3, 0}, {0}; answer [0, 1].
    const { metrics } = (await run([always('same', [0, 1])], visits, 'split', { truth: 'rest' })).results[0]!
    expect(metrics['MRR@2']).toBeCloseTo(1 / 3, 12)
    expect(metrics['HR@2']).toBeCloseTo(1 / 3, 12)
    expect(metrics['R@2']).toBeCloseTo((1 / 2 + 1 / 2 + 1) / 3, 12)
    const half = 1 / (1 + 1 / Math.log2(3))
    expect(metrics['NDCG@2']).toBeCloseTo((half + half + 1) / 3, 12)
    expect(metrics['MAP@2']).toBeCloseTo((1 / 2 + 1 / 2 + 1) / 3, 12)
  })

  it('basket: everything of one moment is one question', async () => {
    const steps: Step[] = [
      { user: 0, session: 0, item: 0, timeMs: 0 },
      ...[1, 2].map((item): Step => ({ user: 0, session: 1, item, timeMs: 10 })),
      ...[3].map((item): Step => ({ user: 0, session: 2, item, timeMs: 20 })),
    ]
    const { questions, cold, results } = await run([always('same', [2, 3])], steps, 'prequential', {
      context: 'user',
      truth: 'basket',
    })
    expect({ questions, cold }).toEqual({ questions: 2, cold: 1 })
    expect(results[0]!.metrics['MRR@2']).toBeCloseTo((1 + 1 / 2) / 2, 12)
    expect(results[0]!.metrics['R@2']).toBeCloseTo((1 / 2 + 1) / 2, 12)
  })

  it('basket protocol: half of each basket is asked for from the rest, and no later one is known', async () => {
    const steps: Step[] = [
      [0, [0, 1, 2]],
      [1, [3, 3]],
      [2, [0, 1, 2, 4, 4]],
    ].flatMap(([session, items]) =>
      (items as number[]).map(
        (item, n): Step => ({ user: 0, session: session as number, item, timeMs: 10 * (session as number) + n }),
      ),
    )
    const data = observationsOf(steps)
    const [plan] = plansOf('basket', data, planOptions)
    const of = (session: number, role: number) =>
      [...plan!.order]
        .filter((row, n) => plan!.roles[n] === role && data.sessions[row] === session)
        .map((row) => data.items[row]!)
    expect([...plan!.order].map((row) => data.sessions[row])).toEqual([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    for (const [session, hidden] of [
      [0, 1],
      [1, 0],
      [2, 2],
    ] as const) {
      expect(new Set(of(session, roles.judge)).size).toBe(hidden)
      for (const item of of(session, roles.judge)) expect(of(session, roles.context)).not.toContain(item)
    }
    const { questions, results } = await run([always('all', [0, 1, 2, 3, 4])], steps, 'basket', {
      truth: 'hidden',
      exclude: 'session',
      ks: [5],
    })
    expect(questions).toBe(2)
    expect(results[0]!.metrics['R@5']).toBe(1)
    // One of three, then two of four hidden.
    expect(results[0]!.metrics['P@5']).toBeCloseTo((1 / 5 + 2 / 5) / 2, 12)
  })

  it('every protocol has every measure', async () => {
    const steps = Array.from(
      { length: 40 },
      (_, n): Step => ({ user: n >> 3, session: n >> 2, item: (n * 7) % 6, timeMs: n * 1000, part: n < 30 ? 'train' : 'test' }),
    )
    const wanted = [
      'MRR',
      'HR',
      'NDCG',
      'MAP',
      'P',
      'R',
      'coverage',
      'novelty',
      'popularityLift',
      'gini',
      'diversity',
      'serendipity',
    ]
    for (const protocol of protocols) {
      const { results, convention } = await run([always('one', [0, 1, 2])], steps, protocol)
      expect(Object.keys(results[0]!.metrics), protocol).toEqual(expect.arrayContaining(wanted.map((name) => `${name}@2`)))
      expect(convention).toContain('ties by item id')
    }
  })

  it('puts items of equal scores in order of their ids, or in one that is drawn: any, and the same for the same number', async () => {
    const steps = [3, 1, 2, 1, 2, 3].map((item, n) => ({ user: n, session: n, item, timeMs: n + 1 }))
    const orders = new Set<string>()
    for (let ties = 0; ties < 40; ties++) {
      const [data, again] = [observationsOf(steps, 1, ties), observationsOf(steps, 1, ties)]
      expect(again).toEqual(data)
      expect(Array.from(data.items, (item) => data.itemIds[item])).toEqual(['3', '1', '2', '1', '2', '3'])
      orders.add(data.itemIds.join())
    }
    expect(orders.size).toBe(6)
    const byId = observationsOf(steps)
    expect(byId.itemIds).toEqual(['1', '2', '3'])
    const drawn = observationsOf(steps, 1, 7)
    const popularity = chooseContestants(recommenderSpecs, { algorithms: ['popularity'], settings: [], retraining: ['live'] })
    const { convention } = await evaluate(drawn, plansOf('prequential', drawn, planOptions), popularity, options)
    expect(convention).toContain('ties in the order drawn from 7')
  })

  it('leaves out what it is told to, and the algorithm gets room for the rest', async () => {
    const answer = [always('same', [3, 1, 0])]
    const at = (exclude: EvaluateOptions['exclude']) =>
      run(answer, visits, 'split', { exclude }).then(({ results }) => results[0]!.metrics['MRR@2'])
    // Questions after [1], [1,3], [1,3,3] with 3, 3, 0 next.
    expect(await at('none')).toBeCloseTo((1 + 1 + 0) / 3, 12)
    expect(await at('current')).toBeCloseTo((1 + 0 + 1 / 2) / 3, 12)
    expect(await at('session')).toBeCloseTo((1 + 0 + 1) / 3, 12)
  })

  it('an item has no place in a list before it is in the catalogue or touched', async () => {
    const steps = [0, 1, 2, 0, 1].map((item, n): Step => ({ user: 0, session: 0, item, timeMs: n * 10 }))
    const data = observationsOf(steps)
    const facts = [null, null, { createdMs: 15, tags: [], category: [] } as never]
    const asked: (readonly number[])[] = []
    const spec = always('same', [2, 0])
    const listening: RecommenderSpec = {
      ...spec,
      create(world, settings) {
        const inner = spec.create(world, settings)
        return {
          ...inner,
          recommend(query, n, out) {
            inner.recommend(query, n, out)
            asked.push([...out.items.subarray(0, out.count)])
          },
        }
      },
    }
    const contestants = chooseContestants([listening], { algorithms: ['same'], settings: [], retraining: ['live'] })
    await evaluate({ ...data, facts }, plansOf('prequential', data, planOptions), contestants, options)
    expect(asked).toEqual([[0], [2, 0], [2, 0], [2, 0]]) // at 10, 20, 30 and 40 ms
  })

  it('k-fold: a user is one question, and predictions give RMSE and MAE', async () => {
    const steps = [1, 2, 3, 4, 5, 1].map(
      (rating, n): Step => ({ user: n % 2, session: -1, item: n, timeMs: n, type: 'rating', rating }),
    )
    const evaluation = await run([always('threes', [0, 1, 2, 3, 4, 5], { predict: () => 3 })], steps, 'k-fold', {
      context: 'user',
      truth: 'user',
    })
    expect(evaluation.results[0]!.metrics['RMSE']).toBeCloseTo(Math.sqrt((4 + 1 + 0 + 1 + 4 + 4) / 6), 6)
    expect(evaluation.results[0]!.metrics['MAE']).toBeCloseTo((2 + 1 + 0 + 1 + 2 + 2) / 6, 6)
  })

  it('diversity, serendipity and calibration on two items of two visits', () => {
    const data = observationsOf([
      { user: 0, session: 0, item: 0, timeMs: 0 },
      { user: 0, session: 0, item: 1, timeMs: 1 },
      { user: 1, session: 1, item: 0, timeMs: 2 },
      { user: 1, session: 1, item: 2, timeMs: 3 },
    ])
    const fact = (tags: string[]) => ({ tags, category: [] }) as never
    const measure = new VarietyMeasure({ ...data, facts: [fact(['a']), fact(['a', 'b']), fact(['b'])] }, 'session')
    expect(measure.similarity(0, 1)).toBeCloseTo(1 / Math.sqrt(2), 12)
    expect(measure.similarity(1, 2)).toBe(0)
    const found = measure.of([{ items: Int32Array.of(1, 2), history: Int32Array.of(0), relevance: Uint8Array.of(1, 0) }])
    expect(found.diversity).toBe(1)
    expect(found.serendipity).toBeCloseTo((1 - 1 / Math.sqrt(2)) / 2, 12)
    // p = (1, 0), q = (1/4, 3/4).
    expect(found.calibration).toBeCloseTo(Math.log(1 / (0.99 / 4 + 0.01)), 12)
  })
})

describe('pairs', () => {
  it('the interval of a paired bootstrap is that of the normal approximation on many clusters', () => {
    const random = createRandom('pairs')
    const size = 4000
    const a = Float64Array.from({ length: size }, () => random.next() + 0.1)
    const b = Float64Array.from({ length: size }, () => random.next())
    const { difference, interval } = new PairedBootstrap([a, b], new Int32Array(size).fill(1), createRandom('draws')).compare(
      0,
      1,
    )
    const gains = a.map((value, n) => value - b[n]!)
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / size
    const error = Math.sqrt(gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / size / size)
    expect(difference).toBeCloseTo(mean, 12)
    expect(Math.abs(interval[0] - (mean - 1.96 * error))).toBeLessThan(0.1 * error)
    expect(Math.abs(interval[1] - (mean + 1.96 * error))).toBeLessThan(0.1 * error)
  })

  it('clusters, not questions, are drawn: doubling every question inside its cluster changes nothing', () => {
    const sums = Float64Array.of(1, 0, 3, 2, 0, 1)
    const zero = new Float64Array(6)
    const counts = Int32Array.of(1, 1, 3, 2, 1, 2)
    const doubled = [sums.map((sum) => 2 * sum), zero]
    const once = new PairedBootstrap([sums, zero], counts, createRandom(1)).compare(0, 1)
    const twice = new PairedBootstrap(
      doubled,
      counts.map((count) => 2 * count),
      createRandom(1),
    ).compare(0, 1)
    expect(twice).toEqual(once)
  })

  it('an algorithm against itself differs by nothing', async () => {
    const { paired } = await run([always('one', [3, 0]), always('other', [3, 0])], visits, 'split')
    expect(paired.map(({ metric }) => metric)).toEqual(['MRR@2', 'HR@2', 'NDCG@2'])
    for (const { difference, interval } of paired) expect([difference, ...interval]).toEqual([0, 0, 0])
  })
})

describe('retraining', () => {
  function heldBack(every: number | 'never') {
    const learned: number[] = []
    let fits = 0
    const inner: Recommender = {
      learn: ({ item }) => learned.push(item),
      fit: () => {
        fits++
      },
      recommend() {},
    }
    const held = new HeldBack(inner, every)
    const learn = (item: number, timeMs: number) =>
      held.learn({ user: 0, session: 0, item, timeMs, type: 1, strength: 0.3, rating: 0 })
    const ask = (nowMs: number) =>
      held.recommend({ nowMs } as never, 1, { items: new Int32Array(1), scores: new Float64Array(1), count: 0 })
    return { held, learn, ask, learned, fits: () => fits }
  }

  it('learns at the next full period what happened before, and is fitted again', () => {
    const { held, learn, ask, learned, fits } = heldBack(10)
    learn(1, 0)
    held.fit()
    expect({ learned, fits: fits() }).toEqual({ learned: [1], fits: 1 })
    learn(2, 12_000)
    learn(3, 19_999)
    ask(19_999)
    expect(learned).toEqual([1])
    ask(20_000)
    expect({ learned, fits: fits() }).toEqual({ learned: [1, 2, 3], fits: 2 })
    ask(29_999)
    expect(fits()).toBe(2)
    for (let n = 0; n < 3000; n++) learn(n, 30_000)
    ask(40_000)
    expect(learned.length).toBe(3003)
  })

  it('never means never', () => {
    const { held, learn, ask, learned } = heldBack('never')
    learn(1, 0)
    held.fit()
    learn(2, 1e9)
    ask(1e12)
    expect(learned).toEqual([1])
  })
})

describe('choosing', () => {
  const choose = (algorithms: string[], settings: string[] = []) =>
    chooseContestants(recommenderSpecs, { algorithms, settings, retraining: ['live'] })

  it('reads names, labels and settings of the right type', () => {
    const [plain, short] = choose(['stan', 'stan:short'], ['stan:short.k=7', 'stan:short.idf=true'])
    expect(plain!.settings).toMatchObject({ k: 500, idf: false })
    expect(short).toMatchObject({ label: 'stan:short', settings: { k: 7, idf: true } })
  })

  it('refuses what it does not know and says what there is', () => {
    expect(() => choose(['stam'])).toThrow(/no algorithm "stam"; there are popularity, trend, .*stan/)
    expect(() => choose(['stan'], ['stan.q=1'])).toThrow(/stan has no setting "q"; it has m, k/)
    expect(() => choose(['stan'], ['stan.k=many'])).toThrow(/must be a number/)
    expect(() => choose(['stan'], ['stan.idf=1'])).toThrow(/true or false/)
    expect(() => choose(['stan'], ['sr.steps=1'])).toThrow(/"sr" does not take part; there are stan/)
    expect(() => choose(['stan', 'stan'])).toThrow(/named twice/)
    expect(() => choose(['stan'], ['k=1'])).toThrow(/algorithm\.key=value/)
  })
})

it('the curve has a value per step and algorithm, and its chart a path per line', async () => {
  const steps = Array.from({ length: 40 }, (_, n): Step => ({ user: 0, session: 0, item: n % 3, timeMs: n * 1000 }))
  const { curve, questions } = await run([always('one', [0, 1]), always('other', [2])], steps, 'prequential', { curveMs: 10_000 })
  expect(curve!.steps.map(({ startMs }) => startMs)).toEqual([0, 10_000, 20_000, 30_000])
  expect(curve!.steps.reduce((sum, step) => sum + step.questions, 0)).toBe(questions)
  // Items 1, 2, 0, 1, 2, … are next in the first step: [0, 1] finds 0 three times on top and 1 three times below, of nine.
  expect(curve!.steps[0]!.means[0]).toBeCloseTo((3 * 1 + 3 * 0.5) / 9, 12)
  const svg = curveSvg({
    title: 'a < b',
    unit: 'MRR',
    timesMs: [0, 1, 2],
    lines: [
      { name: 'x', values: [0.1, null, 0.2] },
      { name: 'y', values: [0.1, 0.3, 0.2] },
    ],
  })
  expect(svg).toContain('a &lt; b')
  const paths = [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, path]) => path!)
  expect(paths.map((path) => path.split('M').length - 1)).toEqual([2, 1]) // the pen is lifted over the gap
  expect(svg).not.toContain('NaN')
})

it('axes are marked at round values around what is drawn', () => {
  const linear = linearAxis([7, 0.5])
  expect(linear.marks).toEqual([0, 2, 4, 6, 8])
  expect([linear.shareOf(2), linear.shareOf(-1), linear.shareOf(9)]).toEqual([0.25, 0, 1])
  const logarithmic = logarithmicAxis([3, 0, 700])
  expect(logarithmic.marks).toEqual([2, 5, 10, 20, 50, 100, 200, 500, 1_000])
  expect(logarithmic.shareOf(Math.sqrt(2 * 1_000))).toBeCloseTo(0.5, 12) // half-way between the ends is their geometric mean
  expect([logarithmic.shareOf(0), logarithmic.shareOf(2), logarithmic.shareOf(1_000)]).toEqual([0, 0, 1])
  expect(logarithmicAxis([100]).marks).toEqual([100, 200])
  expect(logarithmicAxis([]).marks).toEqual([1, 2, 5, 10])
})
