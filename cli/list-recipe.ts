import type { ListRecipe } from '../topologies/recommendations.ts'
import { exploringPolicy, type RecommendationConfig } from './recommendation-config.ts'

/** The policy under which personal lists are made and judged. */
export const learnedPolicy = 'learned'

/** What lists are made with by the settings of the section `recommendations`. */
export function listRecipe(settings: RecommendationConfig): ListRecipe {
  const { surface, itemsMax, poolMax, ranker, diversity, fairness, margin, explore, limits } = settings
  const { first, brandMax, leafCategoryMax, categoryShareMax } = limits
  const topCategoryMax = Math.max(1, Math.floor(categoryShareMax * first + 1e-9))
  return {
    retrieve: { countMax: settings.perSourceMax, weights: settings.sources },
    score: {
      model: 'ranker',
      rowsMax: 4096,
      shedAfterMs: settings.shedAfterMs,
      version: ranker.version,
      versionInstead: null,
      rung: ranker.rung,
      keepsHidden: explore.itemContext === 'hidden',
    },
    blend: {
      personalHalf: settings.personalHalf,
      itemsMax: settings.blendItemsMax,
      choicesHalf: 2,
      groupHalf: 50,
      depth: 50,
    },
    rerank: {
      itemsMax: itemsMax + settings.reserveMax,
      poolMax,
      margin: { marginWeight: margin.weight, stockWeight: margin.stockWeight, stockLow: margin.stockLow },
      serendipityWeight: diversity.serendipityWeight,
      diversity,
      fairness,
      caps: { first, brandMax, leafCategoryMax, topCategoryMax },
    },
    explore: {
      ...explore,
      surface,
      first,
      policy: learnedPolicy,
      itemsMax: explore.items,
      explorer: exploringPolicy(explore),
    },
  }
}
