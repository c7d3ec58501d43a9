import { map, type OperatorFunction } from 'rxjs'
import { capGroups } from '../algorithms/cap-groups.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { mmr, type SimilarityTo } from '../algorithms/mmr.ts'
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
  const size = pool.indices.length
  // Gathered once: each pair of the pool is looked at.
  const leaf = new Int32Array(size)
  const top = new Int32Array(size)
  const brand = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    const row = draft.set.rows[pool.indices[i]!]!
    leaf[i] = catalogue.leafCategory[row]!
    top[i] = catalogue.topCategory[row]!
    brand[i] = catalogue.brand[row]!
  }
  // 0–1: same leaf category .6 (same top category .3), same brand .4.
  const likenessTo: SimilarityTo = (chosen, rows, count, out) => {
    const [ownLeaf, ownTop, ownBrand] = [leaf[chosen]!, top[chosen]!, brand[chosen]!]
    for (let at = 0; at < count; at++) {
      const row = rows[at]!
      const sameBrand = ownBrand >= 0 && brand[row] === ownBrand ? 0.4 : 0
      const sameCategory = ownLeaf >= 0 && leaf[row] === ownLeaf ? 0.6 : ownTop >= 0 && top[row] === ownTop ? 0.3 : 0
      out[at] = sameCategory + sameBrand
    }
  }
  const chosen = mmr(pool.scores, likenessTo, { lambda: options.lambda, count: options.itemsMax })
  const order = capGroups(chosen, options.first, [
    { groups: brand, max: options.perBrandMax },
    { groups: leaf, max: options.perCategoryMax },
  ])
  for (let i = 0; i < order.length; i++) order[i] = pool.indices[order[i]!]!
  return order
}
