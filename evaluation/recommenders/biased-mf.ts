import { BiasedMf, type Rating } from '../../algorithms/biased-mf.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'

const defaults = { factors: 100, epochs: 30, learningRate: 0.01, regularisation: 0.1 }

/** See algorithms/biased-mf.ts. */
export type BiasedMfSettings = typeof defaults

/** Biased factorisation of ratings (of strengths on the scale 1–5 where nothing is rated), trained by `fit`, one step per event after it. */
export function biasedMfSource(world: RecommenderWorld, { epochs, ...options }: BiasedMfSettings): ScoreSource {
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
      const made = new BiasedMf({ userCount, itemCount, ...options, seed })
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

export const biasedMf: RecommenderSpec<BiasedMfSettings> = {
  name: 'biased-mf',
  summary: 'Ratings from biases and factors by gradient descent (Koren, Bell, Volinsky, 2009): for RMSE and MAE, a poor ranker.',
  defaults,
  create: (world, settings) => new ScoredRecommender(biasedMfSource(world, settings), world.itemCount),
}
