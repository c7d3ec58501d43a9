import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Item } from '../schemas/item.ts'
import { emptyItemState, type ItemState, itemStateSchema } from '../schemas/item-state.ts'

/** State of items, by item id. */
export const itemFamily: StateFamily<ItemState> = { name: 'item', codec: itemStateSchema }

/** An item whose update is to be sent. */
export interface MovedItem {
  readonly itemId: string
  readonly state: ItemState
}

/**
 * Keeps catalogue data of items; a null record withdraws the item. Price, stock and withdrawal go out at once.
 *
 *     source  x----y--|     x = [i, j, i]   y = [null for i]
 *     result  ---x----y--|  x = [j, i]      y = [i withdrawn]
 *
 * - Order: each item once, in order of its last record; batches keep theirs.
 * - Bound: holds the items of one batch.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function foldItems(): OperatorFunction<Batch<Sourced<Item | null>>, Batch<MovedItem>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    await transaction.load(
      itemFamily,
      batch.records.map((record) => record.key),
    )
    const moved = new Map<string, MovedItem>()
    for (const { key, value } of batch.records) {
      const state = transaction.get(itemFamily, key) ?? emptyItemState()
      state.withdrawn = value === null
      // Compaction may have dropped what the tombstone withdrew, so a fold must not remember it either.
      state.item = value
      transaction.put(itemFamily, key, state)
      moved.delete(key)
      moved.set(key, { itemId: key, state })
    }
    return { ...batch, records: [...moved.values()] }
  })
}
