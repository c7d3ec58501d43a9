import { ItemKnn } from '../../algorithms/item-knn.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'
import { weighedHistory } from '../weighed-history.ts'

const defaults = {
  by: 'user',
  measure: 'cosine',
  neighbours: 50,
  shrinkage: 0,
  alpha: 0.5,
  gapDecay: 1,
  backward: 1,
  recency: 1,
  historyMax: 1000,
}

/**
 * See algorithms/item-knn.ts. `by`: pairs are those of a `user` or of a `session`, and so is the history. `recency`: what each step
 * back in the history counts.
 */
export type ItemKnnSettings = typeof defaults

/** Item kNN that counts each event as it comes. */
export function itemKnnSource({ itemCount }: Pick<RecommenderWorld, 'itemCount'>, settings: ItemKnnSettings): ScoreSource {
  const { by, measure, recency, ...options } = settings
  const bySession = by === 'session'
  const knn = new ItemKnn({ itemCount, ...options, measure: measure === 'jaccard' ? 'jaccard' : 'cosine' })
  return {
    zeroIsNothing: true,
    learn: ({ user, session, item }) => {
      knn.observe(bySession ? session : user, item)
    },
    fit: () => knn.refreshAll(),
    scores({ userItems, sessionItems }, scores) {
      const history = bySession ? sessionItems : userItems
      if (history.length === 0) return false
      knn.refresh()
      const { items, weights } = weighedHistory(history, recency)
      knn.scores(items, scores, weights)
      return true
    },
  }
}

export const itemKnn: RecommenderSpec<ItemKnnSettings> = {
  name: 'item-knn',
  summary:
    'Items whose nearest items are in the history, by co-occurrence (Sarwar et al., WWW 2001); with order and distance as an option.',
  defaults,
  create: (world, settings) => new ScoredRecommender(itemKnnSource(world, settings), world.itemCount),
}
