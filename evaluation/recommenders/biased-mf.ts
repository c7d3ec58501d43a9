import { BiasedMf, type Rating } from '../../algorithms/biased-mf.ts'
import { Interner } from '../../algorithms/interner.ts'
import { type SparseRows, sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'

const defaults = { factors: 100, epochs: 30, learningRate: 0.01, regularisation: 0.1, attributes: 0 }

/** See algorithms/biased-mf.ts. `attributes`: what the categories and tags of an item weigh together as side information; 0 = none. */
export type BiasedMfSettings = typeof defaults

/** Biased factorisation of ratings (of strengths on the scale 1–5 where nothing is rated), trained by `fit`, one step per event after it. */
export function biasedMfSource(world: RecommenderWorld, { epochs, attributes, ...options }: BiasedMfSettings): ScoreSource {
  const { userCount, itemCount, random } = world
  const seed = random.below(2 ** 32)
  const ratings: Rating[] = []
  let mf: BiasedMf | null = null
  const predict = (user: number, item: number) => (mf === null ? 3 : Math.min(5, Math.max(1, mf.predict(user, item))))
  return {
    zeroIsNothing: false,
    learn({ user, item, rating, strength }) {
      const one = { user, item, value: rating === 0 ? 1 + 4 * strength : rating }
      ratings.push(one)
      mf?.learn(one)
    },
    fit() {
      const side = attributes > 0 ? { itemAttributes: attributesOf(world.facts, attributes) } : {}
      const made = new BiasedMf({ userCount, itemCount, ...options, ...side, seed })
      made.count(ratings)
      for (let epoch = 0; epoch < epochs; epoch++) made.epoch(ratings)
      mf = made
    },
    scores({ user, userItems }, scores) {
      if (userItems.length === 0 || mf === null) return false
      for (let item = 0; item < itemCount; item++) scores[item] = mf.predict(user, item)
      return true
    },
    predict,
  }
}

/** Items × their categories and tags; the values of an item add up to `weight`. */
function attributesOf(facts: RecommenderWorld['facts'], weight: number): SparseRows {
  const numbers = new Interner(10_000)
  const lists = facts.map((item) => {
    const names =
      item === null ? [] : [...item.category.map((name) => `category ${name}`), ...item.tags.map((name) => `tag ${name}`)]
    return names.map((name) => numbers.add(name)).filter((number) => number >= 0)
  })
  const rows = sparseRowsOf(lists, Math.max(1, numbers.size))
  for (let row = 0; row < rows.rowCount; row++) {
    const [from, to] = [rows.starts[row]!, rows.starts[row + 1]!]
    rows.values.fill(weight / (to - from), from, to)
  }
  return rows
}

export const biasedMf: RecommenderSpec<BiasedMfSettings> = {
  name: 'biased-mf',
  summary: 'Ratings from biases and factors by gradient descent (Koren, Bell, Volinsky, 2009): for RMSE and MAE, a poor ranker.',
  defaults,
  create: (world, settings) => new ScoredRecommender(biasedMfSource(world, settings), world.itemCount),
}
