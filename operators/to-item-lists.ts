import { map, type OperatorFunction } from 'rxjs'
import { shrunkLift } from '../algorithms/shrunk-lift.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { ItemUpdate, Neighbour } from '../schemas/item-update.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { PurchaseTable } from './tables/purchase-table.ts'

/**
 * Writes what resembles an item and what completes it, for product and cart pages. What completes an item is bought with it or after it
 * more often than by chance (its lift is the weight) and is of another leaf category: what stands in for it is no complement.
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
export function toItemLists(
  purchases: PurchaseTable,
  options: { readonly ttlS: number },
): OperatorFunction<Batch<Keyed<ItemUpdate>>, Batch<ListWrite>> {
  return map((batch) => ({ ...batch, records: batch.records.flatMap(({ value }) => listsOf(value, purchases, options.ttlS)) }))
}

function listsOf(update: ItemUpdate, purchases: PurchaseTable, ttlS: number): ListWrite[] {
  const { itemId, similar, eventTimeMs: watermarkMs } = update
  const together = complementsOf(update, purchases)
  const lists: ListWrite[] = []
  if (similar.length > 0)
    lists.push({ key: listKeys.similar(itemId), value: { itemId, items: similar, watermarkMs }, companions: [], ttlS })
  if (together.length > 0)
    lists.push({ key: listKeys.together(itemId), value: { itemId, items: together, watermarkMs }, companions: [], ttlS })
  return lists
}

/** Items of another leaf category with a lift above 1, the largest first, ties by id. */
function complementsOf({ item, together, followed }: ItemUpdate, purchases: PurchaseTable): Neighbour[] {
  const leaf = item?.category.at(-1)
  const complements: Neighbour[] = []
  for (const { itemId, weight } of together) {
    if (leaf !== undefined && purchases.leafOf(itemId) === leaf) continue
    const lift = shrunkLift(weight, followed * purchases.shareOf(itemId))
    if (lift > 1) complements.push({ itemId, weight: Math.fround(lift) })
  }
  return complements.sort((a, b) => b.weight - a.weight || (a.itemId < b.itemId ? -1 : 1))
}
