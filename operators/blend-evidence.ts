import { map, type OperatorFunction } from 'rxjs'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import { groupList } from '../algorithms/candidates/group-candidates.ts'
import type { TrendLists } from '../algorithms/candidates/trend-lists.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { blendByEvidence, type EvidenceSource } from '../algorithms/evidence-weights.ts'
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
  const touched = user.recentStrengths.reduce((count, strength) => count + (strength >= strengthMin ? 1 : 0), 0)
  if (touched >= itemsMax || set.count === 0) return
  const { declared } = draft.ranker
  const isChosen = (place: number) => {
    const row = set.rows[place]!
    return declared.has(catalogue.leafCategory[row]!) || declared.has(catalogue.topCategory[row]!)
  }
  const by = (score: (place: number) => number) => placesBy(set.count, depth, score)
  const scoreOf = (source: number) => (place: number) => set.scores[place * sourceCount + source]!
  const tiers: readonly EvidenceSource[] = [
    { evidence: touched, half: personalHalf, items: topK(draft.scores, depth).indices },
    {
      evidence: declared.size,
      half: choicesHalf,
      items: declared.size === 0 ? none : by((place) => (isChosen(place) ? scoreOf(category)(place) : 0)),
    },
    { evidence: groupList(trends, user)?.people ?? 0, half: groupHalf, items: by(scoreOf(group)) },
  ]
  const base = by((place) => scoreOf(trend)(place) + scoreOf(popular)(place))
  const { items, points, weights } = blendByEvidence(tiers, base, { depth })
  // Nothing but the ranker's own order is there: let its scores stand.
  if (items.length === 0 || (base.length === 0 && tiers.slice(1).every((tier) => tier.items.length === 0))) return
  draft.scores = new Float64Array(set.count)
  items.forEach((place, at) => {
    draft.scores[place] = points[at]!
  })
  draft.personalShare = weights[0]!
}

const none = new Int32Array(0)

/** Places with a score above 0, best first, `depth` of them at most. */
function placesBy(count: number, depth: number, scoreOf: (place: number) => number): Int32Array {
  const scores = Float64Array.from({ length: count }, (_, place) => scoreOf(place))
  const { indices, scores: found } = topK(scores, depth)
  return indices.filter((_place, at) => found[at]! > 0)
}
