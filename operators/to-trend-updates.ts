import { map, type OperatorFunction } from 'rxjs'
import { spendWeights } from '../algorithms/spend-ranks.ts'
import { weekIndexAt, weekIndices } from '../algorithms/week-hours.ts'
import type { Batch } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { TrendUpdate } from '../schemas/trend-update.ts'
import type { Moved, MovedScope } from './fold-item-signals.ts'
import { peopleOf, scopeRanking } from './item-fold.ts'

const itemsMax = 100

/**
 * One update per moved scope: its most popular items with their trend. Items are left to others.
 *
 *     source  x--y--|     x = [i, scope:all]   y = [j]
 *     result  x--y--|     x = [scope:all]      y = []
 *
 * - Order: unchanged.
 * - Bound: 100 items per scope.
 * - Time: as of the scope's newest event.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toTrendUpdates(): OperatorFunction<Batch<Moved>, Batch<Keyed<TrendUpdate>>> {
  return map((batch) => {
    const scopes = batch.records.filter((moved): moved is MovedScope => 'scope' in moved)
    return { ...batch, records: scopes.map(({ scope, state }) => ({ key: scope, value: trendUpdate(scope, state) })) }
  })
}

function trendUpdate(scope: string, state: MovedScope['state']): TrendUpdate {
  const { eventTimeMs } = state
  const hours = state.week === null ? [] : weekIndices(state.week)
  const spenders = state.spend === null ? [] : spendWeights(state.spend, eventTimeMs).map(Math.fround)
  const items = scopeRanking(state, weekIndexAt(hours, eventTimeMs)).slice(0, itemsMax)
  return { scope, items, eventTimeMs, people: peopleOf(state), hours, spenders }
}
