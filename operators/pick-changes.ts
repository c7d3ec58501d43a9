import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'

/**
 * Takes one kind of what a step changed out of its records, to go out on a topic of its own.
 *
 *     source  x--|     x = [{ tiles: [t], segments: [s, u] }]
 *     result  y--|     y = [s, u] for their segments
 *
 * - Order: as they come; batches keep theirs.
 * - Bound: holds one batch.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function pickChanges<C, T>(kindOf: (changes: C) => readonly T[]): OperatorFunction<Batch<C>, Batch<T>> {
  return map((batch) => ({ ...batch, records: batch.records.flatMap(kindOf) }))
}
