/** How `supportSimilarity` compares two items. */
export interface SupportSimilarityOptions {
  /** Default cosine. */
  readonly measure?: 'cosine' | 'jaccard'
  /** λ ≥ 0 added to each support (cosine) or to the union (Jaccard): thin evidence counts less. Default 0. */
  readonly shrinkage?: number
  /** Share of the first item's support in the norm of the cosine, 0 … 1; 0.5 is the cosine itself. Default 0.5. */
  readonly alpha?: number
}

/**
 * Similarity of two items that `together` users (or sessions) of `first` and `second` have in common:
 * c / ((s_i + λ)^α (s_j + λ)^(1 − α)), the item kNN of Linden, Smith & York ("Amazon.com Recommendations", IEEE Internet
 * Computing 2003) and, with λ = 20, of sessions (Hidasi et al., ICLR 2016); or Jaccard c / (s_i + s_j − c + λ). 0 when nothing
 * is known.
 */
export function supportSimilarity(
  together: number,
  first: number,
  second: number,
  options: SupportSimilarityOptions = {},
): number {
  const { measure = 'cosine', shrinkage = 0, alpha = 0.5 } = options
  if (measure === 'jaccard') {
    const union = first + second - together + shrinkage
    return union > 0 ? together / union : 0
  }
  const norm =
    alpha === 0.5
      ? Math.sqrt((first + shrinkage) * (second + shrinkage))
      : (first + shrinkage) ** alpha * (second + shrinkage) ** (1 - alpha)
  return norm > 0 ? together / norm : 0
}
