import { map, type OperatorFunction } from 'rxjs'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import type { Batch } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Reason, ReasonCode, Recommendation, RecommendedItem } from '../schemas/recommendation.ts'
import type { FinishedList, ListDraft } from './list-draft.ts'

export interface FinishOptions {
  readonly surface: string
  readonly policy: string
  readonly policyVersion: string
  /** Items of the list; the rest of the order is its reserve. */
  readonly itemsMax: number
}

/** How much a source's share of an item counts when its reason is chosen: what says most about the person first. */
const reasonWeights: Record<(typeof candidateSources)[number], number> = {
  session: 1,
  similar: 0.95,
  together: 0.95,
  category: 0.5,
  trend: 0.4,
  popular: 0.3,
  content: 0.6,
  two_tower: 0.45,
  fresh: 0.2,
}

const reasonCodes: Record<(typeof candidateSources)[number], ReasonCode> = {
  session: 'similar_session',
  similar: 'seen_together',
  together: 'bought_together',
  category: 'popular_in_category',
  trend: 'trending',
  popular: 'popular',
  content: 'like_what_you_read',
  two_tower: 'matches_your_taste',
  fresh: 'exploring',
}

/**
 * Turns drafts into lists: items with score, sources, reason and propensity; what follows from what.
 *
 *     source  x--y--|     x = [draft]
 *     result  x--y--|     x = [list and reserve]
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: stamps the clock's time as `generatedMs`.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toRecommendations(
  catalogue: Catalogue,
  clock: Clock,
  options: FinishOptions,
): OperatorFunction<Batch<ListDraft>, Batch<FinishedList>> {
  return map((batch) => ({ ...batch, records: batch.records.map((draft) => finish(draft, catalogue, clock.nowMs(), options)) }))
}

function finish(draft: ListDraft, catalogue: Catalogue, generatedMs: number, options: FinishOptions): FinishedList {
  const items = Array.from(draft.order, (place, index) => itemOf(draft, place, index, catalogue))
  const recommendation: Recommendation = {
    listId: draft.listId,
    userId: draft.update.userId,
    surface: options.surface,
    generatedMs,
    watermarkMs: draft.update.eventTimeMs,
    loggedMs: draft.update.loggedMs,
    policy: options.policy,
    policyVersion: options.policyVersion,
    seed: draft.listId,
    rung: draft.rung,
    modelVersion: draft.modelVersion,
    items: items.slice(0, options.itemsMax),
  }
  return { draft, recommendation, reserve: items.slice(options.itemsMax) }
}

function itemOf(draft: ListDraft, place: number, index: number, catalogue: Catalogue): RecommendedItem {
  const explored = draft.exploration?.slot === index
  const sources = sourcesOf(draft, place)
  return {
    itemId: catalogue.items.text(draft.set.rows[place]!),
    score: Math.fround(draft.scores[place]!),
    sources: explored ? [draft.exploration!.arm, ...sources.filter((name) => name !== draft.exploration!.arm)] : sources,
    reason: reasonOf(draft, place, catalogue),
    propensity: explored ? draft.exploration!.propensity : 1,
    explored,
  }
}

function sourcesOf(draft: ListDraft, place: number): string[] {
  const named = candidateSources.map((name, source) => ({
    name,
    share: draft.set.scores[place * sourceCount + source]! * reasonWeights[name],
  }))
  return named
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .map(({ name }) => name)
}

/** The strongest source's reason, with the item or category it follows from. */
function reasonOf(draft: ListDraft, place: number, catalogue: Catalogue): Reason {
  let best = candidateSources.indexOf('popular')
  let bestShare = 0
  for (let source = 0; source < sourceCount; source++) {
    const share = draft.set.scores[place * sourceCount + source]! * reasonWeights[candidateSources[source]!]
    if (share <= bestShare) continue
    best = source
    bestShare = share
  }
  const name = candidateSources[best]!
  const because = draft.set.because[place * sourceCount + best]!
  const scope = name === 'category' && because >= 0 ? catalogue.categories.text(because) : null
  return { code: reasonCodes[name], itemId: because >= 0 && name !== 'category' ? catalogue.items.text(because) : null, scope }
}
