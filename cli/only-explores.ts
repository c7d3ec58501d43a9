import type { Experiment } from '../schemas/experiment.ts'
import { listRecipe } from './list-recipe.ts'
import type { RecommendationConfig } from './recommendation-config.ts'
import { variantSettings } from './variant-settings.ts'

/**
 * Whether the variants of an experiment differ in nothing but who fills the exploration slot: that slot is left out of its results, so
 * only what follows from it elsewhere would be seen. The settings must be right.
 */
export function onlyExplores(configured: RecommendationConfig, { variants }: Experiment): boolean {
  const kinds = { whole: new Set<string>(), plain: new Set<string>() }
  for (const { policy, settings } of variants) {
    const { explore, ...plain } = listRecipe(variantSettings(configured, settings))
    const { explorer, ...slot } = explore
    kinds.plain.add(JSON.stringify([policy, plain]))
    kinds.whole.add(JSON.stringify([policy, plain, slot, explorer.policy.name, explorer.version]))
  }
  return kinds.plain.size === 1 && kinds.whole.size > 1
}
