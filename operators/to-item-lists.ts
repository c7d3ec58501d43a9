import { map, type OperatorFunction } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { ItemUpdate } from '../schemas/item-update.ts'
import { listKeys } from '../schemas/list-keys.ts'

/**
 * Writes what resembles an item and what is bought with it, for product and cart pages.
 *
 *     source  x--y--|     x = [update of i]   y = [update of j, that nothing resembles]
 *     result  x--y--|     x = [similar:{i}, together:{i}]   y = []
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toItemLists(options: { readonly ttlS: number }): OperatorFunction<Batch<Keyed<ItemUpdate>>, Batch<ListWrite>> {
  return map((batch) => ({ ...batch, records: batch.records.flatMap(({ value }) => listsOf(value, options.ttlS)) }))
}

function listsOf(update: ItemUpdate, ttlS: number): ListWrite[] {
  const { itemId, similar, together, eventTimeMs: watermarkMs } = update
  const lists: ListWrite[] = []
  if (similar.length > 0)
    lists.push({ key: listKeys.similar(itemId), value: { itemId, items: similar, watermarkMs }, companions: [], ttlS })
  if (together.length > 0)
    lists.push({ key: listKeys.together(itemId), value: { itemId, items: together, watermarkMs }, companions: [], ttlS })
  return lists
}
