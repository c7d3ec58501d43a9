/** How far a pair must be seen before it says something. */
export interface ShrunkLiftOptions {
  /** λ ≥ 0 in pairs: the lift is shrunk towards 1 as if that many more pairs had been seen as chance would have them. Default 5. */
  readonly shrinkage?: number
  /** Pairs below which nothing is said. Default 5. */
  readonly togetherMin?: number
}

/**
 * How much more often than by chance two things come together: lift P(j | i) / P(j) (Brin, Motwani & Silverstein, SIGMOD 1997), shrunk as
 * (n_ij + λ) / (e_ij + λ) with e_ij the pairs that chance would make. 1 = as by chance, 0 below `togetherMin`.
 */
export function shrunkLift(together: number, expected: number, options: ShrunkLiftOptions = {}): number {
  const { shrinkage = 5, togetherMin = 5 } = options
  return together < togetherMin ? 0 : (together + shrinkage) / (expected + shrinkage)
}
