import { map, type OperatorFunction } from 'rxjs'
import { type CandidateSet, candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import { groupList } from '../algorithms/candidates/group-candidates.ts'
import type { TrendLists } from '../algorithms/candidates/trend-lists.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { blendByEvidence } from '../algorithms/evidence-weights.ts'
import { topK } from '../algorithms/top-k.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'

export interface BlendOptions {
  /** Distinct items touched at which the person's own taste has half of the say, > 0. */
  readonly personalHalf: number
  /** Distinct items touched from which on it has all of it. */
  readonly itemsMax: number
  /** Declared categories that are worth half of what the person's own taste leaves. */
  readonly choicesHalf: number
  /** People of the group who are worth half of what is left then. */
  readonly groupHalf: number
  /** Places of each ranking that get points. */
  readonly depth: number
}

/** What a touch must say to count: a view or more. */
const strengthMin = 0.3
const category = candidateSources.indexOf('category')
const group = candidateSources.indexOf('group')
const trend = candidateSources.indexOf('trend')
const popular = candidateSources.indexOf('popular')

/**
 * Orders the candidates of people of whom little is known by a declared blend (features.md F6.4, F6.6): what the ranker says of them counts
 * n / (n + `personalHalf`) with n distinct items touched; what that leaves goes to popular items of the categories they chose, then to those
 * of their group, then to what is trending, each by its own evidence. A ranker that never saw such a person would show them anything. Scores
 * become points of weighted Borda.
 *
 *     source  x--y--|     x = [draft of one who touched nothing]   y = [draft of a regular]
 *     result  x--y--|     x = [the same, scored by choices, group and trend]   y = [the same]
 *
 * - Order: drafts keep theirs.
 * - Bound: none needed.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function blendEvidence(
  trends: TrendLists,
  catalogue: Catalogue,
  options: BlendOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    for (const draft of batch.records) blend(draft, trends, catalogue, options)
    return batch
  })
}

function blend(draft: ListDraft, trends: TrendLists, catalogue: Catalogue, options: BlendOptions): void {
  const { set, user } = draft
  const { depth, itemsMax, personalHalf, choicesHalf, groupHalf } = options
  let touched = 0
  for (const strength of user.recentStrengths) if (strength >= strengthMin) touched++
  if (touched >= itemsMax || set.count === 0) return
  const { declared } = draft.ranker
  const chosen = declared.size === 0 ? none : placesBy(set, depth, [category], (row) => isOf(declared, row, catalogue))
  const grouped = user.groups.length === 0 ? none : placesBy(set, depth, [group])
  const base = placesBy(set, depth, [trend, popular])
  // Nothing but the ranker's own order is there: let its scores stand.
  if (chosen.length + grouped.length + base.length === 0) return
  const tiers = [
    { evidence: touched, half: personalHalf, items: topK(draft.scores, depth).indices },
    { evidence: declared.size, half: choicesHalf, items: chosen },
    { evidence: groupList(trends, user)?.people ?? 0, half: groupHalf, items: grouped },
  ]
  // Behind the places that get points the ranker's order goes on.
  const tail = tailScale / Math.max(...draft.scores.map(Math.abs), 1)
  draft.scores = draft.scores.map((score) => score * tail)
  draft.personalShare = blendByEvidence(tiers, base, draft.scores, depth)[0]!
}

const none = new Int32Array(0)
/** What the ranker's best counts where it gets no points: less than any point. */
const tailScale = 1e-9

function isOf(categories: ReadonlySet<number>, row: number, catalogue: Catalogue): boolean {
  return categories.has(catalogue.leafCategory[row]!) || categories.has(catalogue.topCategory[row]!)
}

/** Places that one of the sources brought, by the sum of their scores, best first, `depth` of them at most. */
function placesBy(set: CandidateSet, depth: number, sources: readonly number[], keep?: (row: number) => boolean): Int32Array {
  const scores = new Float64Array(set.count).fill(Number.NaN)
  for (let place = 0; place < set.count; place++) {
    let score = 0
    for (const source of sources) score += set.scores[place * sourceCount + source]!
    if (score > 0 && (keep === undefined || keep(set.rows[place]!))) scores[place] = score
  }
  return topK(scores, depth).indices
}
