import { map, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced } from '../ports/batch.ts'

/**
 * Keeps the newest record of each key in a batch: a backlog then costs its users, not its events.
 *
 *     source  x--y--|     x = [a1, b1, a2]   y = [a3]
 *     result  x--z--|     x = [b1, a2]       z = [a3]
 *
 * - Order: survivors keep log order; batches keep theirs.
 * - Bound: holds one batch, and nothing between batches.
 * - Time: none; reads no clock, sets no timer.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on. The batch keeps `from` and `to`, so dropped records count as done.
 */
export function newestPerKey<T>(): OperatorFunction<Batch<Sourced<T>>, Batch<Sourced<T>>> {
  return map((batch) => {
    const newest = new Map<string, Sourced<T>>()
    for (const record of batch.records) {
      newest.delete(record.key) // A Map keeps the place of a key's first `set`.
      newest.set(record.key, record)
    }
    return newest.size === batch.records.length ? batch : { ...batch, records: [...newest.values()] }
  })
}
