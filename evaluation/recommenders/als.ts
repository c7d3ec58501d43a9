import { ImplicitAls } from '../../algorithms/implicit-als.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'
import { TouchedItems } from '../touched-items.ts'
import { weighedHistory } from '../weighed-history.ts'

const defaults = { factors: 32, regularisation: 10, alpha: 5, rounds: 15, recency: 1 }

/** See algorithms/implicit-als.ts; `recency`: what each step back in the history counts when a list is asked for. */
export type AlsSettings = typeof defaults

/** Implicit ALS trained by `fit`; everybody is folded in with the history of now when a list is asked for. */
export function alsSource(world: RecommenderWorld, { rounds, recency, ...options }: AlsSettings): ScoreSource {
  const { userCount, itemCount, random } = world
  const seed = random.below(2 ** 32)
  const touched = new TouchedItems(userCount, itemCount)
  let als: ImplicitAls | null = null
  return {
    zeroIsNothing: false,
    learn: (observation) => touched.add(observation),
    fit() {
      als = new ImplicitAls(touched.rows(), { ...options, seed })
      for (let round = 0; round < rounds; round++) als.round()
    },
    scores({ userItems }, scores) {
      if (userItems.length === 0 || als === null) return false
      const { items, weights } = weighedHistory(userItems, recency)
      als.scores(als.foldIn(items, weights), scores)
      return true
    },
  }
}

export const als: RecommenderSpec<AlsSettings> = {
  name: 'als',
  summary: 'Implicit matrix factorisation by alternating least squares (Hu, Koren, Volinsky, ICDM 2008), users folded in.',
  defaults,
  create: (world, settings) => new ScoredRecommender(alsSource(world, settings), world.itemCount),
}
