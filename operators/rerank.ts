import { map, type OperatorFunction } from 'rxjs'
import { capGroups } from '../algorithms/cap-groups.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { createFairOrder, type FairMethod } from '../algorithms/fair-order.ts'
import { type MarginBlendOptions, marginBlend } from '../algorithms/margin-blend.ts'
import { minMaxScaled } from '../algorithms/mmr.ts'
import { createReranker, type RerankerOptions } from '../algorithms/reranker.ts'
import { serendipityScores } from '../algorithms/serendipity-scores.ts'
import { topK } from '../algorithms/top-k.ts'
import type { Batch } from '../ports/batch.ts'
import { DraftPool } from './draft-pool.ts'
import { createFairGroups, type FairGroupOptions } from './fair-groups.ts'
import type { ListDraft } from './list-draft.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'

export interface RerankOptions {
  /** Items of a list with its reserve. */
  readonly itemsMax: number
  /** Best candidates that take part. */
  readonly poolMax: number
  /** What margin and low stock weigh beside relevance. */
  readonly margin: Pick<Required<MarginBlendOptions>, 'marginWeight' | 'stockWeight' | 'stockLow'>
  /** Share of relevance that only the unexpected earns, 0–1. */
  readonly serendipityWeight: number
  readonly diversity: RerankerOptions
  /** Shares of exposure that groups of items get; `none`: whatever relevance gives them. */
  readonly fairness: FairGroupOptions & { readonly method: FairMethod | 'none'; readonly alpha: number }
  readonly caps: CapOptions
}

export interface CapOptions {
  /** Places in which the caps hold: what a page shows first. */
  readonly first: number
  readonly brandMax: number
  /** Of one last level of the category path, and of one first level. */
  readonly leafCategoryMax: number
  readonly topCategoryMax: number
}

/** What re-ranking does one after another; a stage that is not configured leaves the order alone. */
export const rerankStages = ['relevance', 'diversity', 'fairness', 'caps'] as const
export type RerankStage = (typeof rerankStages)[number]

/** The order after a stage, as places in the draft's set: worked out when asked for, as only the last one is for lists. */
export interface StagedOrder {
  readonly stage: RerankStage
  places(): Int32Array
}

/** Re-ranks one draft: the order after each stage in turn; the last one holds. */
export type DraftReranker = (draft: ListDraft) => Generator<StagedOrder, void>

/**
 * Orders the best candidates: by relevance (with what margin, low stock and surprise weigh), made varied by the method configured,
 * with fair shares for groups of items, and within the caps per brand and category in the first places.
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
export function rerank(items: RerankItems, options: RerankOptions): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  const reranked = createDraftReranker(items, options)
  return map((batch) => {
    for (const draft of batch.records) {
      let last: StagedOrder | undefined
      for (const staged of reranked(draft)) last = staged
      if (last) draft.order = last.places()
    }
    return batch
  })
}

/** What re-ranking asks of the catalogue. */
export type RerankItems = Pick<CatalogueTable, 'catalogue' | 'get'>

/** The stages of `rerank` for one draft at a time: `millrace explain` looks at each. */
export function createDraftReranker(items: RerankItems, options: RerankOptions): DraftReranker {
  const { catalogue } = items
  const { margin, caps, fairness } = options
  const vary = createReranker(options.diversity)
  const shareOut = fairness.method === 'none' ? null : createFairOrder({ method: fairness.method, alpha: fairness.alpha })
  const groupsOf = createFairGroups(items, fairness)
  const isWeighed = margin.marginWeight > 0 || margin.stockWeight > 0 || options.serendipityWeight > 0
  return function* stagesOf(draft) {
    const pool = new DraftPool(draft, catalogue, options.poolMax)
    if (isWeighed) weigh(pool, catalogue, options)
    yield { stage: 'relevance', places: () => pool.placesOf(topK(pool.relevance, pool.size).indices) }
    const varied = vary(pool, options.itemsMax)
    yield { stage: 'diversity', places: () => pool.placesOf(varied) }
    let fair = varied
    if (shareOut) {
      const { groups, shares } = groupsOf(pool)
      fair = shareOut(varied, groups, shares)
    }
    yield { stage: 'fairness', places: () => pool.placesOf(fair) }
    const capped = capGroups(fair, caps.first, [
      { groups: pool.brand, max: caps.brandMax },
      { groups: pool.leafCategory, max: caps.leafCategoryMax },
      { groups: pool.topCategory, max: caps.topCategoryMax },
    ])
    yield { stage: 'caps', places: () => pool.placesOf(capped) }
  }
}

/** Relevance with the shop's interest and a share of surprise in it. */
function weigh(pool: DraftPool, catalogue: Catalogue, { margin, serendipityWeight }: RerankOptions): void {
  if (margin.marginWeight > 0 || margin.stockWeight > 0) {
    const margins = Float64Array.from(pool.rows, (row) => catalogue.margin[row]!)
    const stock = Int32Array.from(pool.rows, (row) => catalogue.stock[row]!)
    pool.relevance = marginBlend(pool.relevance, { margins, stock, categories: pool.leafCategory }, margin)
  }
  if (serendipityWeight > 0)
    pool.relevance = serendipityScores(minMaxScaled(pool.relevance), pool.nearness(), { weight: serendipityWeight })
}
