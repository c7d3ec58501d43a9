import { map, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced } from '../../ports/batch.ts'
import type { UserEvent } from '../../schemas/user-event.ts'

/** An operator: keeps events on items that cost at least `priceMin`. It drops records, never batches. */
export function dropCheap(options: {
  readonly priceMin: number
}): OperatorFunction<Batch<Sourced<UserEvent>>, Batch<Sourced<UserEvent>>> {
  return map((batch) => ({ ...batch, records: batch.records.filter(({ value }) => (value.price ?? 0) >= options.priceMin) }))
}
