import type { ExploredKind } from '../algorithms/bandits/policy-version.ts'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { scoreScale } from './exploration-context.ts'
import type { ListDraft } from './list-draft.ts'

/** What a policy may draw in a list. */
export interface ExplorationOffer {
  readonly arms: readonly string[]
  /** The candidate that each arm would show, by its place in the set. */
  readonly places: readonly number[]
}

export interface OfferOptions {
  readonly over: ExploredKind
  /** Place of the slot, from 0; a slate fills the first ones. */
  readonly slot: number
  /** First places of a list: what fills a single slot does not stand in them yet. */
  readonly first: number
  /** Items that an item slot or a slate is drawn from, at most. */
  readonly itemsMax: number
  /** Candidates below are not explored: 0–1 on a scale from the worst candidate's score to the best's. */
  readonly minimumRelevance: number
}

/**
 * The arms of a list above the relevance floor. For sources those that have something to show, each by its best candidate that does not stand
 * in the first places; for an item slot its own item and the best ones behind the first places; for a slate the first of the order.
 */
export function explorationOffer(
  draft: ListDraft,
  catalogue: Pick<Catalogue, 'items'>,
  { over, slot, first, itemsMax, minimumRelevance }: OfferOptions,
): ExplorationOffer {
  const scoreOf = minimumRelevance > 0 ? scoreScale(draft) : () => 1
  const isRelevant = (place: number) => scoreOf(place) >= minimumRelevance
  if (over === 'source') {
    const shown = new Set(draft.order.subarray(0, first))
    shown.delete(draft.order[slot]!) // Its own place is the one to fill.
    return bestOfSources(draft, (place) => !shown.has(place) && isRelevant(place))
  }
  const ordered = over === 'slate' ? [...draft.order] : [draft.order[slot]!, ...draft.order.subarray(Math.max(first, slot + 1))]
  const places = ordered.filter(isRelevant).slice(0, itemsMax)
  return { arms: places.map((place) => catalogue.items.text(draft.set.rows[place]!)), places }
}

function bestOfSources(draft: ListDraft, mayShow: (place: number) => boolean): ExplorationOffer {
  const arms: string[] = []
  const places: number[] = []
  for (let source = 0; source < sourceCount; source++) {
    const place = bestOf(draft, source, mayShow)
    if (place < 0) continue
    arms.push(candidateSources[source]!)
    places.push(place)
  }
  return { arms, places }
}

/** The place of a source's best candidate that may be shown; -1 if it has none. */
function bestOf(draft: ListDraft, source: number, mayShow: (place: number) => boolean): number {
  let best = -1
  let bestScore = 0
  for (let place = 0; place < draft.set.count; place++) {
    const score = draft.set.scores[place * sourceCount + source]!
    if (score > bestScore && mayShow(place)) {
      best = place
      bestScore = score
    }
  }
  return best
}
