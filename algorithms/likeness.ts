import type { SimilarityTo } from './mmr.ts'

/** One attribute in which rows may be alike: its group by row, negative = none, and what being of one group counts. */
export interface LikenessColumn {
  readonly groups: Int32Array
  readonly weight: number
}

/** What items of a shop have in common: first and last level of the category path, brand. The weights sum to 1. */
export const likenessWeights = { topCategory: 0.3, leafCategory: 0.3, brand: 0.4 } as const

/**
 * How alike two rows are, 0–1: the sum of the weights of the attributes in which they are of one group; a row with itself: 1. As
 * a kernel it is positive semi-definite, as DPPs need it: a sum of block matrices and of what the diagonal lacks.
 *
 * @param columns whose weights sum to 1 at most.
 */
export function likeness(columns: readonly LikenessColumn[], a: number, b: number): number {
  if (a === b) return 1
  let sum = 0
  for (const { groups, weight } of columns) if (groups[a]! >= 0 && groups[a] === groups[b]) sum += weight
  return sum
}

/** `likeness` of one row to many at once, as `mmr` asks for it. */
export function likenessTo(columns: readonly LikenessColumn[]): SimilarityTo {
  return (chosen, rows, count, out) => {
    out.fill(0, 0, count)
    for (const { groups, weight } of columns) {
      const own = groups[chosen]!
      if (own < 0) continue
      for (let at = 0; at < count; at++) if (groups[rows[at]!] === own) out[at]! += weight
    }
  }
}
