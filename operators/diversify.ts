import { map, type OperatorFunction } from 'rxjs'
import { capGroups } from '../algorithms/cap-groups.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { mmr } from '../algorithms/mmr.ts'
import { topK } from '../algorithms/top-k.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'

export interface DiversifyOptions {
  /** Items of a list with its reserve. */
  readonly itemsMax: number
  /** Best candidates that take part. */
  readonly poolMax: number
  /** Share of relevance against difference, 0–1. */
  readonly lambda: number
  /** Places in which the caps hold: what a page shows first. */
  readonly first: number
  readonly perBrandMax: number
  readonly perCategoryMax: number
}

/**
 * Orders the best candidates by MMR (relevance against likeness to what is already chosen) and holds the caps per brand and
 * category within the first places.
 *
 *     source  x--y--|     x = [draft]
 *     result  x--y--|     x = [draft with its order]
 *
 * - Order: drafts keep theirs.
 * - Bound: `poolMax` candidates, `itemsMax` places.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function diversify(catalogue: Catalogue, options: DiversifyOptions): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    for (const draft of batch.records) draft.order = orderOf(draft, catalogue, options)
    return batch
  })
}

function orderOf(draft: ListDraft, catalogue: Catalogue, options: DiversifyOptions): Int32Array {
  const pool = topK(draft.scores, options.poolMax)
  const rows = Int32Array.from(pool.indices, (place) => draft.set.rows[place]!)
  const likeness = (a: number, b: number) => likenessOf(rows[a]!, rows[b]!, catalogue)
  const chosen = mmr(pool.scores, likeness, { lambda: options.lambda, count: options.itemsMax })
  const capped = capGroups(chosen, options.first, [
    { groupOf: (index) => catalogue.brand[rows[index]!]!, max: options.perBrandMax },
    { groupOf: (index) => catalogue.leafCategory[rows[index]!]!, max: options.perCategoryMax },
  ])
  return capped.map((index) => pool.indices[index]!)
}

/** 0–1: same leaf category .6 (same top category .3), same brand .4. */
function likenessOf(a: number, b: number, catalogue: Catalogue): number {
  let likeness = 0
  const { leafCategory, topCategory, brand } = catalogue
  if (leafCategory[a]! >= 0 && leafCategory[a] === leafCategory[b]) likeness += 0.6
  else if (topCategory[a]! >= 0 && topCategory[a] === topCategory[b]) likeness += 0.3
  if (brand[a]! >= 0 && brand[a] === brand[b]) likeness += 0.4
  return likeness
}
