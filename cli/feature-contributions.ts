import { linearContributions, linearRank } from '../algorithms/linear-ranker.ts'
import { rankerFeatureNames } from '../algorithms/ranker-features.ts'
import { shapleyContributions, shapleyWalks } from '../algorithms/shapley-sampling.ts'
import { type Tree, treeShap } from '../algorithms/tree-shap.ts'
import { createRandom } from '../core/random.ts'
import { rankerHeads, rankerHeadWeights } from '../operators/score-candidates.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { Rung } from '../schemas/recommendation.ts'
import type { ForestOf } from './read-forest.ts'

/** What one feature added to an item's score. */
export interface FeatureContribution {
  readonly feature: string
  /** The item's own number. */
  readonly value: number
  readonly contribution: number
  /** Standard error of the contribution; 0 where it is exact. */
  readonly error: number
}

/** Why an item scored as it did, against the mean of other rows. */
export interface ScoreExplanation {
  /**
   * `exact`: products of a linear score; `tree-shap`: exact too, of boosted trees, see algorithms/tree-shap.ts; `shapley`: sampled, of any
   * other model, see algorithms/shapley-sampling.ts.
   */
  readonly method: 'exact' | 'tree-shap' | 'shapley'
  /** The score as computed now; with `tree-shap` that of the trees, which rises and falls with the score served. */
  readonly score: number
  /**
   * Mean score of the rows compared with: the other items of the list, and with `tree-shap` the rows that the trees learned from.
   * `score` = `base` + the sum of all contributions.
   */
  readonly base: number
  /** Walks drawn; 0 where it is exact. */
  readonly draws: number
  /** The model version explained: with `shapley` the one that answers now; '' without one. */
  readonly modelVersion: string
  /** Largest first, either way; features that add exactly nothing are left out. */
  readonly contributions: readonly FeatureContribution[]
}

export interface ContributionOptions {
  /** The rung that scored the list: `ranker` asks the model, `linear` and `trend` need none. */
  readonly rung: Rung
  readonly scorer: Scorer
  readonly model: string
  /** The version that scored the list. */
  readonly modelVersion: string
  readonly forestOf: ForestOf
  /** Walks at least; they are made a multiple of the rows compared with. */
  readonly draws: number
  readonly seed: string
}

/**
 * What each feature of a ranker row, of any schema, added to its score, against the mean of `background`, rows of the same width: those of the other
 * items of the list, so that nothing is compared with a row that no item could have. What all items share adds nothing, since it sets
 * none apart; to a score of boosted trees it does, since they are compared with the rows they learned from. Null for the rung `session`,
 * which has no features. Errors: those of the scorer, `MILL_MODEL_INVALID` for trees that cannot be read.
 */
export async function featureContributions(
  row: Float32Array,
  background: Float32Array,
  options: ContributionOptions,
): Promise<ScoreExplanation | null> {
  if (options.rung === 'session' || background.length === 0 || background.length % row.length !== 0) return null
  if (options.rung !== 'ranker') return exact(row, background)
  const forest = await options.forestOf(options.modelVersion)
  return forest ? ofTrees(row, forest, options.modelVersion) : sampled(row, background, options)
}

function exact(row: Float32Array, background: Float32Array): ScoreExplanation {
  const rows = background.length / row.length
  const base = linearRank(background, rows).reduce((sum, score) => sum + score, 0) / rows
  const contributions = linearContributions(row, background)
  return {
    method: 'exact',
    score: linearRank(row, 1)[0]!,
    base,
    draws: 0,
    modelVersion: '',
    contributions: named(row, contributions, new Float64Array(row.length)),
  }
}

function ofTrees(row: Float32Array, forest: readonly Tree[], modelVersion: string): ScoreExplanation {
  const { score, base, contributions } = treeShap(forest, row)
  const list = named(row, contributions, new Float64Array(row.length))
  return { method: 'tree-shap', score, base, draws: 0, modelVersion, contributions: list }
}

async function sampled(row: Float32Array, background: Float32Array, options: ContributionOptions): Promise<ScoreExplanation> {
  const others = background.length / row.length
  const draws = Math.max(1, Math.ceil(options.draws / others)) * others
  const walks = shapleyWalks(row, background, draws, createRandom(`explain ${options.seed}`))
  const { outputs, version } = await options.scorer.score(options.model, walks.rows, walks.steps.length, rankerHeads)
  const scores = Float64Array.from(walks.steps, (_, at) =>
    rankerHeadWeights.reduce((sum, weight, head) => sum + weight * outputs[head]![at]!, 0),
  )
  const { value, base, contributions, errors } = shapleyContributions(walks, scores)
  const list = named(row, contributions, errors)
  return { method: 'shapley', score: value, base, draws, modelVersion: version, contributions: list }
}

function named(row: Float32Array, contributions: Float64Array, errors: Float64Array): FeatureContribution[] {
  return rankerFeatureNames
    .slice(0, row.length)
    .map((feature, column) => ({
      feature,
      value: row[column]!,
      contribution: contributions[column]!,
      error: errors[column]!,
    }))
    .filter(({ contribution, error }) => contribution !== 0 || error !== 0)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
}
