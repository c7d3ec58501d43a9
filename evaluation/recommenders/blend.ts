import { bordaMerge } from '../../algorithms/borda.ts'
import { topK } from '../../algorithms/top-k.ts'
import { MillraceError } from '../../core/errors.ts'
import type { RecommenderSpec, RecommenderWorld, Settings } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'
import { alsSource } from './als.ts'
import { contentSource } from './content.ts'
import { easeSource } from './ease.ts'
import { itemKnnSource } from './item-knn.ts'
import { userKnnSource } from './user-knn.ts'

/**
 * Weights of the sources (0 leaves one out, and it is not even trained), how they are joined, and what the sources are set to.
 * `method`: `zscore` adds scores less their mean in units of their spread over all items; `peak` divides by the largest; `sum`
 * takes scores as they are, so that thin evidence says little; `borda` adds points by place within the first `depth`
 * (algorithms/borda.ts).
 */
const defaults = {
  itemKnn: 1,
  ease: 0.3,
  als: 0.6,
  userKnn: 0,
  content: 0,
  method: 'zscore',
  depth: 100,
  neighbours: 200,
  shrinkage: 20,
  alpha: 0.5,
  gapDecay: 0.9,
  backward: 0.5,
  itemKnnRecency: 0.8,
  easeRegularisation: 500,
  easeRecency: 0.9,
  alsFactors: 32,
  alsRegularisation: 10,
  alsAlpha: 5,
  alsRecency: 0.9,
  userNeighbours: 50,
  contentRecency: 0.7,
}

/** Settings of the blend. */
export type BlendSettings = typeof defaults

const methods: readonly string[] = ['zscore', 'peak', 'sum', 'borda']

interface Part {
  readonly source: ScoreSource
  readonly weight: number
}

/** Several sources as one: every part learns every event, and their scores are put on one scale and added. */
class Blend implements ScoreSource {
  readonly zeroIsNothing = true
  readonly #parts: readonly Part[]
  readonly #method: string
  readonly #depth: number
  readonly #one: Float64Array
  readonly #known: Uint8Array
  /** Items touched so far: only they make the scale, so that the size of the data to come changes nothing. */
  readonly #touched: number[] = []

  constructor(parts: readonly Part[], itemCount: number, { method, depth }: { method: string; depth: number }) {
    this.#parts = parts
    this.#method = method
    this.#depth = depth
    this.#one = new Float64Array(itemCount)
    this.#known = new Uint8Array(itemCount)
  }

  learn(observation: Parameters<ScoreSource['learn']>[0]): void {
    if (this.#known[observation.item] === 0) {
      this.#known[observation.item] = 1
      this.#touched.push(observation.item)
    }
    for (const { source } of this.#parts) source.learn(observation)
  }

  fit(): void {
    for (const { source } of this.#parts) source.fit?.()
  }

  scores(query: Parameters<ScoreSource['scores']>[0], scores: Float64Array): boolean {
    scores.fill(0)
    const lists: { weight: number; items: Int32Array }[] = []
    let known = false
    for (const { source, weight } of this.#parts) {
      if (!source.scores(query, this.#one)) continue
      known = true
      if (this.#method === 'borda') {
        if (source.zeroIsNothing)
          for (let item = 0; item < this.#one.length; item++) if (this.#one[item] === 0) this.#one[item] = Number.NaN
        lists.push({ weight, items: topK(this.#one, this.#depth, query.excluded ?? undefined).indices })
      } else addScaled(scores, this.#one, weight, { method: this.#method, items: this.#touched })
    }
    if (this.#method === 'borda') {
      const { items, points } = bordaMerge(lists, { depth: this.#depth })
      items.forEach((item, n) => {
        scores[item] = points[n]!
      })
    }
    return known
  }
}

/** Adds one source's scores on the scale of `method`. */
function addScaled(
  scores: Float64Array,
  one: Float64Array,
  weight: number,
  { method, items }: { method: string; items: readonly number[] },
): void {
  let [sum, squares, largest] = [0, 0, 0]
  for (const item of items) {
    const score = one[item]!
    sum += score
    squares += score * score
    if (score > largest) largest = score
  }
  const mean = method === 'zscore' ? sum / items.length : 0
  const spread = Math.sqrt(Math.max(0, squares / items.length - mean * mean))
  const scale = method === 'zscore' ? spread : method === 'peak' ? largest : 1
  if (!(scale > 0)) return
  for (const item of items) scores[item]! += (weight * (one[item]! - mean)) / scale
}

function checkMethod(method: string): void {
  if (methods.includes(method)) return
  throw new MillraceError('MILL_USAGE', `blend.method is "${method}"; it must be ${methods.join(', ')}`)
}

/** The sources with a weight, made of the blend's settings. */
function partsOf(world: RecommenderWorld, settings: BlendSettings): Part[] {
  const { neighbours, shrinkage, alpha, gapDecay, backward, itemKnnRecency } = settings
  const knn = {
    by: 'user',
    measure: 'cosine',
    historyMax: 1000,
    neighbours,
    shrinkage,
    alpha,
    gapDecay,
    backward,
    recency: itemKnnRecency,
  }
  const makers: [number, () => ScoreSource][] = [
    [settings.itemKnn, () => itemKnnSource(world, knn)],
    [
      settings.ease,
      () => easeSource(world, { regularisation: settings.easeRegularisation, recency: settings.easeRecency, itemsMax: 8000 }),
    ],
    [
      settings.als,
      () =>
        alsSource(world, {
          factors: settings.alsFactors,
          regularisation: settings.alsRegularisation,
          alpha: settings.alsAlpha,
          rounds: 15,
          recency: settings.alsRecency,
        }),
    ],
    [settings.userKnn, () => userKnnSource({ measure: 'cosine', neighbours: settings.userNeighbours, shrinkage: 0 })],
    [settings.content, () => contentSource(world, { termsMax: 20_000, recency: settings.contentRecency })],
  ]
  return makers.flatMap(([weight, make]) => (weight > 0 ? [{ weight, source: make() }] : []))
}

export const blend: RecommenderSpec<BlendSettings & Settings> = {
  name: 'blend',
  summary: 'Item kNN, EASE, ALS, user kNN and content joined by weights (z-scores, peaks or Borda points).',
  defaults,
  create(world, settings) {
    checkMethod(settings.method)
    return new ScoredRecommender(new Blend(partsOf(world, settings), world.itemCount, settings), world.itemCount)
  },
}
