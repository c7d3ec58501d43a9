import { invariant } from '../core/invariant.ts'

/** How much the shop's interest may weigh beside the person's. */
export interface MarginBlendOptions {
  /** Weight of margin, 0–.3: more would sell what people do not want. Default 0. */
  readonly marginWeight?: number
  /** Weight of a nearly empty shelf, 0–1: what is about to sell out steps back. Default 0. */
  readonly stockWeight?: number
  /** Pieces below which stock counts as low, ≥ 1. Default 5. */
  readonly stockLow?: number
  /**
   * `own` (default): score + w · m · |score|, which for scores above 0 is score · (1 + w · m) (features.md F8.9): margin decides
   * among alike scores and never lifts what scores nothing. `plain`: score + w · m, for scores of order 1.
   */
  readonly scale?: 'own' | 'plain'
}

/** Columns by row that `marginBlend` reads. */
export interface MarginColumns {
  readonly margins: Float64Array
  /** Pieces left by row; negative = not counted, always there. */
  readonly stock: Int32Array
  /** Category by row: margins compare within one; negative = a category of its own. */
  readonly categories: Int32Array
}

/**
 * Scores with a share of margin and stock in them: score' = score + weight · normalised margin, the margin as z score within its
 * category clipped to ±1, so that a dear category gains nothing over a cheap one. Stock 0 is −Infinity: never. A new array.
 */
export function marginBlend(
  scores: Float64Array | Float32Array,
  { margins, stock, categories }: MarginColumns,
  options: MarginBlendOptions = {},
): Float64Array {
  const { marginWeight = 0, stockWeight = 0, stockLow = 5, scale = 'own' } = options
  invariant(marginWeight >= 0 && marginWeight <= 0.3, 'margin blend: marginWeight must lie in [0, .3]')
  invariant(stockWeight >= 0 && stockWeight <= 1, 'margin blend: stockWeight must lie in [0, 1]')
  invariant(stockLow >= 1, 'margin blend: stockLow must be ≥ 1')
  const normalised = marginScores(margins, categories)
  return Float64Array.from(scores, (score, row) => {
    const left = stock[row]!
    if (left === 0) return Number.NEGATIVE_INFINITY
    const shortage = left > 0 && left < stockLow ? 1 - left / stockLow : 0
    return score + (marginWeight * normalised[row]! - stockWeight * shortage) * (scale === 'own' ? Math.abs(score) : 1)
  })
}

/** z score of each margin within its category, clipped to ±1; 0 where all of a category are alike. */
export function marginScores(margins: Float64Array, categories: Int32Array): Float64Array {
  const sums = new Map<number, { count: number; mean: number; squares: number }>()
  for (let row = 0; row < margins.length; row++) {
    const own = sums.get(categories[row]!) ?? { count: 0, mean: 0, squares: 0 }
    sums.set(categories[row]!, own)
    own.count++
    const off = margins[row]! - own.mean
    own.mean += off / own.count
    own.squares += off * (margins[row]! - own.mean)
  }
  return margins.map((margin, row) => {
    const category = categories[row]!
    const { count, mean, squares } = sums.get(category)!
    const deviation = Math.sqrt(squares / count)
    return category >= 0 && deviation > 0 ? Math.max(-1, Math.min(1, (margin - mean) / deviation)) : 0
  })
}
