import { TfIdfIndex } from '../../algorithms/tf-idf.ts'
import { tokensOf } from '../../algorithms/tokens-of.ts'
import type { Item } from '../../schemas/item.ts'
import type { RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { ScoredRecommender, type ScoreSource } from '../scored-recommender.ts'
import { weighedHistory } from '../weighed-history.ts'

const defaults = { termsMax: 20_000, recency: 0.9 }

/** See algorithms/tf-idf.ts; `recency`: what each step back in the history counts. */
export type ContentSettings = typeof defaults

/** Content: cosine of an item's words with those of the history (features.md F3.9). */
export function contentSource({ facts }: Pick<RecommenderWorld, 'facts'>, { termsMax, recency }: ContentSettings): ScoreSource {
  const index = new TfIdfIndex({ termsMax })
  facts.forEach((item, number) => {
    if (item !== null) index.add(number, wordsOf(item))
  })
  index.fit()
  return {
    zeroIsNothing: true,
    learn: () => {},
    scores({ userItems }, scores) {
      const { items, weights } = weighedHistory(userItems, recency)
      const profile = index.profile(Array.from(items, (item, n) => ({ item, weight: weights[n]! })))
      if (profile.terms.length === 0) return false
      index.cosines(profile, scores)
      return true
    },
  }
}

/** Words of the title and description; categories, tags and brand count as one word each. */
function wordsOf(item: Item): string[] {
  const marks = [...item.category.map((one) => `category ${one}`), ...item.tags.map((tag) => `tag ${tag}`)]
  if (item.brand !== null) marks.push(`brand ${item.brand}`)
  return [...tokensOf(`${item.title} ${item.description}`), ...marks]
}

export const content: RecommenderSpec<ContentSettings> = {
  name: 'content',
  summary: 'Items that read like the history: TF-IDF over title, description, category, tags and brand (Salton & Buckley, 1988).',
  defaults,
  create(world, settings) {
    const described = world.facts.flatMap((item, number) => (item === null ? [] : [number]))
    return new ScoredRecommender(contentSource(world, settings), world.itemCount, described)
  },
}
