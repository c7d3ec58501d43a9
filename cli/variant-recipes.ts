import type { Recipes } from '../operators/per-recipe.ts'
import type { MadeUnder } from '../schemas/assign-experiments.ts'
import type { ExperimentVariant } from '../schemas/experiment.ts'
import type { ListRecipe } from '../topologies/recommendations.ts'
import { listRecipe } from './list-recipe.ts'
import type { RecommendationConfig } from './recommendation-config.ts'
import { variantSettings } from './variant-settings.ts'

/** Lists that were asked for a version of the ranker that nobody serves, and got their control's. */
export interface MissedVersion extends Record<string, string> {
  readonly experiment: string
  readonly variant: string
}

/** Pairs of experiment and variant that are counted apart; further ones count together. */
const missedMax = 200

/**
 * What lists are made with, by variant: the process's settings with the variant's laid over them. A ranker version that is not served
 * costs a variant its difference, never its lists: they are scored by the control's version, and counted.
 */
export class VariantRecipes implements Recipes<ListRecipe> {
  readonly #configured: RecommendationConfig
  readonly #plain: ListRecipe
  /** By the variant's own object, which is read anew with its definition: a changed experiment gets new recipes. */
  readonly #made = new WeakMap<ExperimentVariant, ListRecipe>()
  readonly #missed = new Map<string, { readonly labels: MissedVersion; value: number }>()

  constructor(configured: RecommendationConfig) {
    this.#configured = configured
    this.#plain = listRecipe(configured)
  }

  /** Lists that missed their version, by experiment and variant. */
  get missed(): readonly { readonly labels: MissedVersion; readonly value: number }[] {
    return [...this.#missed.values()]
  }

  of(made: MadeUnder | null): ListRecipe {
    if (made === null) return this.#plain
    const known = this.#made.get(made.variant)
    if (known) return known
    const recipe = this.#recipeOf(made)
    this.#made.set(made.variant, recipe)
    return recipe
  }

  #recipeOf({ experiment, variant }: MadeUnder): ListRecipe {
    const control = experiment.variants.find(({ name }) => name === experiment.control)!
    const instead = listRecipe(variantSettings(this.#configured, control.settings)).score
    const recipe = listRecipe(variantSettings(this.#configured, variant.settings))
    const { version } = recipe.score
    // Where the control asks for the same version there is nothing to fall back on but what the workers serve.
    const served = version === '' ? null : ''
    const controls = instead.rung === 'linear' ? null : instead.version
    return {
      ...recipe,
      score: {
        ...recipe.score,
        versionInstead: instead.version === version ? served : controls,
        missed: (lists) => this.#miss(experiment.id, variant.name, lists),
      },
    }
  }

  #miss(experiment: string, variant: string, lists: number): void {
    const isFull = this.#missed.size >= missedMax && !this.#missed.has(`${experiment}/${variant}`)
    const labels = isFull ? { experiment: 'other', variant: 'other' } : { experiment, variant }
    const key = `${labels.experiment}/${labels.variant}`
    const counted = this.#missed.get(key) ?? { labels, value: 0 }
    counted.value += lists
    this.#missed.set(key, counted)
  }
}
