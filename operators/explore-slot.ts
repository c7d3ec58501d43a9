import { map, type OperatorFunction } from 'rxjs'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { drawArm } from '../algorithms/exploration.ts'
import { thompsonPropensities } from '../algorithms/thompson.ts'
import { createRandom } from '../core/random.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'
import type { BanditTable } from './tables/bandit-table.ts'

export interface ExploreOptions {
  /** Place that the bandit fills, from 0. */
  readonly slot: number
  /** First places of a list: the arm's item is one that does not stand in them. */
  readonly first: number
  readonly policy: string
  /** Share of draws spread evenly, 0–1: no arm's chance falls below epsilon / arms, so no estimate divides by nearly 0. */
  readonly epsilon: number
}

/** Arm sets whose probabilities are remembered until a posterior moves. */
const remembered = 1024

/**
 * Lets the bandit fill one slot: an arm is a candidate source, its item that source's best one outside the first places. The
 * arm is drawn from the exact Thompson probabilities with the list's own seed, and the probability is kept as the propensity. It
 * takes the place of an item of its own first-level category, as far as there is one.
 *
 *     source  x--y--|     x = [draft]
 *     result  x--y--|     x = [draft with one item of `order` moved into the slot]
 *
 * - Order: drafts keep theirs.
 * - Bound: probabilities of 1,024 arm sets are remembered, until a posterior moves.
 * - Time: none; randomness comes from the list id alone.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function exploreSlot(
  bandit: BanditTable,
  catalogue: Pick<Catalogue, 'topCategory'>,
  options: ExploreOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  const known = new Map<number, Float64Array>()
  let version = -1
  const probabilitiesOf = (arms: readonly number[]): Float64Array => {
    if (bandit.version !== version || known.size >= remembered) {
      known.clear()
      version = bandit.version
    }
    const set = arms.reduce((bits, arm) => bits | (1 << arm), 0)
    let probabilities = known.get(set)
    if (!probabilities) {
      const posteriors = arms.map((arm) => bandit.get(options.policy, candidateSources[arm]!))
      probabilities = thompsonPropensities(posteriors, options.epsilon)
      known.set(set, probabilities)
    }
    return probabilities
  }
  return map((batch) => {
    for (const draft of batch.records) explore(draft, catalogue, options, probabilitiesOf)
    return batch
  })
}

function explore(
  draft: ListDraft,
  { topCategory }: Pick<Catalogue, 'topCategory'>,
  options: ExploreOptions,
  probabilitiesOf: (arms: readonly number[]) => Float64Array,
): void {
  if (draft.order.length <= options.slot) return
  const shown = new Set(draft.order.subarray(0, options.first))
  shown.delete(draft.order[options.slot]!) // Its own place is the one to fill.
  const arms: number[] = []
  const places: number[] = []
  for (let source = 0; source < sourceCount; source++) {
    const place = bestOf(draft, source, shown)
    if (place < 0) continue
    arms.push(source)
    places.push(place)
  }
  if (arms.length === 0) return
  const probabilities = probabilitiesOf(arms)
  const drawn = drawArm(probabilities, createRandom(`explore ${draft.listId}`).next())
  draft.order = moved(draft.order, places[drawn]!, options, (place) => topCategory[draft.set.rows[place]!]!)
  draft.exploration = {
    slot: options.slot,
    policy: 'beta-thompson',
    arms: arms.map((arm) => candidateSources[arm]!),
    chances: [...probabilities],
    draws: 0,
    arm: candidateSources[arms[drawn]!]!,
    propensity: probabilities[drawn]!,
  }
}

/** The place of a source's best candidate that is not shown; -1 if it has none. */
function bestOf(draft: ListDraft, source: number, shown: ReadonlySet<number>): number {
  let best = -1
  let bestScore = 0
  for (let place = 0; place < draft.set.count; place++) {
    const score = draft.set.scores[place * sourceCount + source]!
    if (score > bestScore && !shown.has(place)) {
      best = place
      bestScore = score
    }
  }
  return best
}

/**
 * The order with `place` in the slot. What leaves the first places for it is the last one of its first-level category that does
 * not stand before the slot, so that the list keeps within its cap; if there is none, the last of all.
 */
function moved(
  order: Int32Array,
  place: number,
  { slot, first }: ExploreOptions,
  categoryOf: (place: number) => number,
): Int32Array {
  if (order[slot] === place) return order
  const rest = [...order].filter((other) => other !== place)
  const leaver = rest.slice(0, first).findLastIndex((other) => categoryOf(other) === categoryOf(place))
  if (leaver >= slot) rest.splice(first - 1, 0, ...rest.splice(leaver, 1))
  rest.splice(slot, 0, place)
  return Int32Array.from(rest.slice(0, order.length))
}
