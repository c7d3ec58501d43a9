import { map, type OperatorFunction } from 'rxjs'
import { type CandidateSourceName, candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { insertBest } from '../algorithms/top-k.ts'
import type { Batch } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Exploration } from '../schemas/exploration.ts'
import type { Reason, ReasonCode, Recommendation, RecommendedItem, RuleEffect } from '../schemas/recommendation.ts'
import type { FinishedList, ListDraft } from './list-draft.ts'

export interface FinishOptions {
  readonly surface: string
  readonly policy: string
  readonly policyVersion: string
  /** Items of the list; the rest of the order is its reserve. */
  readonly itemsMax: number
}

/** How much a source's share of an item counts when its reason is chosen: what says most about the person first. */
const reasonWeights: Record<CandidateSourceName, number> = {
  session: 1,
  similar: 0.95,
  together: 0.95,
  category: 0.5,
  trend: 0.4,
  popular: 0.3,
  content: 0.6,
  two_tower: 0.45,
  fresh: 0.2,
  user_knn: 0.7,
  sequence: 0.8,
  group: 0.35,
  season: 0.25,
  newcomer: 0.2,
  association: 0.65,
  sequential: 0.75,
}

const weights = Float64Array.from(candidateSources, (name) => reasonWeights[name])
/** A promotion gave it its slot, or no source brought it: a rule did. */
const promoted: Reason = { code: 'promoted', itemId: null, scope: null }

const reasonCodes: Record<CandidateSourceName, ReasonCode> = {
  session: 'similar_session',
  similar: 'seen_together',
  together: 'bought_together',
  category: 'popular_in_category',
  trend: 'trending',
  popular: 'popular',
  content: 'like_what_you_read',
  two_tower: 'matches_your_taste',
  fresh: 'exploring',
  user_knn: 'people_like_you',
  sequence: 'matches_your_taste',
  group: 'popular_in_group',
  season: 'popular',
  newcomer: 'exploring',
  association: 'seen_together',
  sequential: 'similar_session',
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
    personalShare: Math.fround(draft.personalShare),
    exploration: explorationOf(draft),
    made: draft.made && { experiment: draft.made.experiment.id, variant: draft.made.variant.name },
    rules: [...promotionsOf(draft, catalogue, options.itemsMax), ...effectsOf(draft)].slice(0, effectsMax),
    items: items.slice(0, options.itemsMax),
  }
  return { draft, recommendation, reserve: items.slice(options.itemsMax) }
}

function explorationOf({ exploration }: ListDraft): Exploration | null {
  if (exploration === null) return null
  const { drawn: _drawn, ranker: _ranker, ...told } = exploration
  return told
}

/** Effects told of one list: of many moves the first ones. */
const effectsMax = 100

/** Which items of the list stand there because of a promotion. */
function promotionsOf({ promoted, order, set }: ListDraft, catalogue: Catalogue, itemsMax: number): RuleEffect[] {
  if (promoted === undefined) return []
  return Array.from(order.subarray(0, itemsMax), (place) => set.rows[place]!).flatMap((row) =>
    promoted.has(row) ? [{ ruleId: `promotion:${promoted.get(row)!}`, kind: 'promoted', itemId: catalogue.items.text(row) }] : [],
  )
}

/** What rules did: moves of their own, and promises that could not be kept. */
function effectsOf({ ruled }: ListDraft): readonly RuleEffect[] {
  if (ruled === undefined) return []
  const effects: RuleEffect[] = []
  for (const { ruleId } of ruled.violations) if (ruleId !== null) effects.push({ ruleId, kind: 'broken', itemId: null })
  for (const { ruleId, kind, itemId } of ruled.moves) if (ruleId !== null) effects.push({ ruleId, kind, itemId })
  return effects
}

function itemOf(draft: ListDraft, place: number, index: number, catalogue: Catalogue): RecommendedItem {
  const explored = draft.exploration?.ranker ?? draft.exploration?.drawn.find(({ slot }) => slot === index)
  const arm = draft.exploration?.over === 'source' ? explored?.arm : undefined
  const isPromoted = draft.promoted?.has(draft.set.rows[place]!) ?? false
  const count = rankSources(draft, place)
  const sources: string[] = []
  if (arm !== undefined) sources.push(arm)
  for (let i = 0; i < count; i++) {
    const name = candidateSources[ranked[i]!]!
    if (name !== arm) sources.push(name)
  }
  return {
    itemId: catalogue.items.text(draft.set.rows[place]!),
    score: Math.fround(draft.scores[place]!),
    sources,
    reason: count > 0 && !isPromoted ? reasonOf(draft, place, ranked[0]!, catalogue) : promoted,
    propensity: explored?.propensity ?? 1,
    explored: explored !== undefined,
  }
}

/** What `rankSources` found; overwritten by its next call. */
const ranked = new Int32Array(sourceCount)
const shares = new Float64Array(sourceCount)

/** Puts the sources that brought an item into `ranked`, the largest share first, ties as they are listed; returns how many. */
function rankSources(draft: ListDraft, place: number): number {
  let count = 0
  for (let source = 0; source < sourceCount; source++) {
    const share = draft.set.scores[place * sourceCount + source]! * weights[source]!
    if (share > 0) count = insertBest(ranked, shares, count, source, share)
  }
  return count
}

/** The strongest source's reason, with the item or category it follows from. */
function reasonOf(draft: ListDraft, place: number, source: number, catalogue: Catalogue): Reason {
  const name = candidateSources[source]!
  const because = draft.set.because[place * sourceCount + source]!
  const scope = name === 'category' && because >= 0 ? catalogue.categories.text(because) : null
  return { code: reasonCodes[name], itemId: because >= 0 && name !== 'category' ? catalogue.items.text(because) : null, scope }
}
