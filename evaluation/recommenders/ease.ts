import { easeScores, easeWeights } from '../../algorithms/ease.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'
import { TouchedItems } from '../touched-items.ts'
import { weighedHistory } from '../weighed-history.ts'

const defaults = { regularisation: 500, recency: 1, itemsMax: 8000 }

/** See algorithms/ease.ts; `recency`: what each step back in the history counts when a list is asked for. */
export type EaseSettings = typeof defaults

/** EASE trained by `fit`; histories are taken as they are when a list is asked for. */
export function easeSource({ userCount, itemCount }: RecommenderWorld, { recency, ...options }: EaseSettings): ScoreSource {
  const touched = new TouchedItems(userCount, itemCount)
  let weights: Float64Array | null = null
  return {
    zeroIsNothing: false,
    learn: (observation) => touched.add(observation),
    fit() {
      weights = easeWeights(touched.rows(), options)
    },
    scores({ userItems }, scores) {
      if (userItems.length === 0 || weights === null) return false
      const history = weighedHistory(userItems, recency)
      easeScores(weights, history.items, scores, history.weights)
      return true
    },
  }
}

export const ease: RecommenderSpec<EaseSettings> = {
  name: 'ease',
  summary: 'Linear autoencoder in closed form (Steck, WWW 2019), for catalogues up to itemsMax.',
  defaults,
  create: (world, settings) => new ScoredRecommender(easeSource(world, settings), world.itemCount),
}
