import { UserKnn } from '../../algorithms/user-knn.ts'
import type { RecommenderSpec } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'

const defaults = { measure: 'cosine', neighbours: 50, shrinkage: 0 }

/** See algorithms/user-knn.ts. */
export type UserKnnSettings = typeof defaults

/** User kNN whose neighbours are those of all events so far. */
export function userKnnSource({ measure, ...options }: UserKnnSettings): ScoreSource {
  const knn = new UserKnn({ ...options, measure: measure === 'jaccard' || measure === 'centred' ? measure : 'cosine' })
  let [sum, count] = [0, 0]
  return {
    zeroIsNothing: true,
    learn({ user, item, rating }) {
      knn.observe(user, item, rating === 0 ? 1 : rating)
      sum += rating
      count++
    },
    scores({ user, userItems }, scores) {
      if (userItems.length === 0) return false
      knn.scores(user, scores)
      return true
    },
    predict: (user, item) => Math.min(5, Math.max(1, knn.predict(user, item) ?? sum / Math.max(1, count))),
  }
}

export const userKnn: RecommenderSpec<UserKnnSettings> = {
  name: 'user-knn',
  summary: 'What the most similar users touched (Herlocker et al., SIGIR 1999).',
  defaults,
  create: ({ itemCount }, settings) => new ScoredRecommender(userKnnSource(settings), itemCount),
}
