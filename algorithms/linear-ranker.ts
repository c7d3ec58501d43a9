import { rankerFeatureNames } from './ranker-features.ts'

/**
 * Weights of the `linear` rung: set by hand, so that lists are sensible from the first event with no trained model. Sources
 * that follow the session weigh most, popularity breaks ties, what was touched a moment ago steps back.
 */
const weights: Partial<Record<(typeof rankerFeatureNames)[number], number>> = {
  source_session: 1.0,
  source_similar: 0.9,
  source_together: 0.5,
  source_category: 0.35,
  source_trend: 0.25,
  source_popular: 0.25,
  source_content: 0.4,
  source_two_tower: 0.6,
  source_fresh: 0.05,
  source_user_knn: 0.6,
  source_sequence: 0.8,
  source_group: 0.25,
  source_season: 0.15,
  source_newcomer: 0.05,
  source_association: 0.5,
  source_sequential: 0.6,
  sources_share: 0.6,
  affinity_leaf: 1.2,
  affinity_top: 0.6,
  affinity_brand: 0.6,
  price_distance: -0.5,
  trend_z: 0.3,
  purchase_rate: 0.5,
  touched_recently: -0.3,
  touched_in_session: -0.5,
  in_cart: -1.0,
  category_declared: 0.4,
}

const dense = Float64Array.from(rankerFeatureNames, (name) => weights[name] ?? 0)
/** The columns that weigh anything, ascending. */
const weighing = Int32Array.from(rankerFeatureNames.keys()).filter((column) => dense[column] !== 0)

/** Scores `rows` rows of ranker features, of any schema; higher is better, scale arbitrary but equal for all lists. */
export function linearRank(features: Float32Array, rows: number): Float64Array {
  const scores = new Float64Array(rows)
  const width = features.length / rows
  for (let row = 0; row < rows; row++) {
    let score = 0
    for (const column of weighing) {
      if (column >= width) break // What an older schema had no column for says nothing.
      score += dense[column]! * features[row * width + column]!
    }
    scores[row] = score
  }
  return scores
}

/**
 * What each feature adds to a row's score against the mean of `background` (rows as wide as it): w · (x − mean), exact. The
 * sum is the row's score minus the mean score of the background.
 */
export function linearContributions(row: Float32Array, background: Float32Array): Float64Array {
  const width = row.length
  return dense.slice(0, width).map((weight, column) => {
    let sum = 0
    for (let at = column; at < background.length; at += width) sum += background[at]!
    return weight * (row[column]! - (sum * width) / background.length)
  })
}
