import { map, type OperatorFunction } from 'rxjs'
import { neighbourWeightAt } from '../algorithms/co-visitation.ts'
import { decayedAt } from '../algorithms/decayed-sum.ts'
import { purchaseHalfLifeMs } from '../algorithms/purchase-shares.ts'
import { smoothedRate } from '../algorithms/smoothed-rate.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { CompanionState, ItemState } from '../schemas/item-state.ts'
import type { ItemUpdate, Neighbour } from '../schemas/item-update.ts'
import { eventTypes } from '../schemas/user-event.ts'
import type { Moved } from './fold-item-signals.ts'
import type { MovedItem } from './fold-items.ts'
import { hourlyAt, peopleOf, popularityAt, ratingOf, trendAt } from './item-fold.ts'

/** People that must have touched an item before it may trend. */
const trendPeopleMin = 5
/** Decayed number of meetings two items need before one brings the other: more than one, fresh or not. */
const meetingsMin = 1.2
/** Prior of the purchase rate: a shop where 2 of 100 views buy, worth 20 views. */
const ratePrior = { weight: 0.4, globalSuccesses: 2, globalTrials: 100 }
const purchase = eventTypes.indexOf('purchase')
const view = eventTypes.indexOf('view')
const click = eventTypes.indexOf('click')

/**
 * One update per moved item: what the streams know of it now. Scopes are left to others.
 *
 *     source  x--y--|     x = [i, scope:all]   y = [j]
 *     result  x--y--|     x = [update of i]    y = [update of j]
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: popularity and trend as of the item's newest event.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toItemUpdates(): OperatorFunction<Batch<Moved>, Batch<Keyed<ItemUpdate>>> {
  return map((batch) => {
    const items = batch.records.filter((moved): moved is MovedItem => 'itemId' in moved)
    return { ...batch, records: items.map(({ itemId, state }) => ({ key: itemId, value: itemUpdate(itemId, state) })) }
  })
}

/** What the streams know of an item, as of its newest event. */
export function itemUpdate(itemId: string, state: ItemState): ItemUpdate {
  const nowMs = state.eventTimeMs
  return {
    itemId,
    item: state.item,
    withdrawn: state.withdrawn,
    popularity: popularityAt(state, nowMs),
    trend: peopleOf(state) >= trendPeopleMin ? trendAt(state, nowMs) : 0,
    counts: state.counts.slice(),
    purchaseRate: smoothedRate({
      successes: state.counts[purchase]!,
      trials: state.counts[view]! + state.counts[click]!,
      ...ratePrior,
    }),
    rating: ratingOf(state),
    hourly: hourlyAt(state, nowMs),
    people: peopleOf(state),
    similar: neighbours(state.similar, nowMs),
    together: neighbours(state.together, nowMs),
    bought: decayedAt({ value: state.bought, referenceMs: state.boughtMs }, nowMs, purchaseHalfLifeMs),
    followed: decayedAt({ value: state.followed, referenceMs: state.followedMs }, nowMs, purchaseHalfLifeMs),
    eventTimeMs: nowMs,
  }
}

/** Companions with their decayed number of meetings as of now, most first; single meetings are left out. */
function neighbours(companions: CompanionState, nowMs: number): Neighbour[] {
  const result: Neighbour[] = []
  for (let at = 0; at < companions.items.length; at++) {
    const weight = neighbourWeightAt(companions, at, nowMs)
    if (weight < meetingsMin) break
    result.push({ itemId: companions.items[at]!, weight: Math.fround(weight) })
  }
  return result
}
