import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { TrendUpdate } from '../schemas/trend-update.ts'

/**
 * Writes popular and trending items of a scope: the answer for a person nobody knows.
 *
 *     source  x--y--|     x = [scope:all]     y = []
 *     result  x--y--|     x = [trend:all]     y = []
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toTrendLists(options: { readonly ttlS: number }): OperatorFunction<Batch<Keyed<TrendUpdate>>, Batch<ListWrite>> {
  return map((batch) => ({
    ...batch,
    records: batch.records.map(({ value: { scope, items, eventTimeMs } }) => ({
      key: listKeys.trend(scope),
      value: { scope, items, watermarkMs: eventTimeMs },
      companions: [],
      ttlS: options.ttlS,
    })),
  }))
}
