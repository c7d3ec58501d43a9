import { map, type OperatorFunction } from 'rxjs'
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
  return { scope, items: scopeRanking(state).slice(0, itemsMax), eventTimeMs: state.eventTimeMs, people: peopleOf(state) }
}
