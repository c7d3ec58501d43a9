import { map, type OperatorFunction } from 'rxjs'
import { rankerWidth } from '../algorithms/ranker-features.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListWrite } from '../ports/list-write.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { ServedSnapshot } from '../schemas/served-list.ts'
import { base64Of, packRows } from '../schemas/served-rows.ts'
import type { FinishedList } from './list-draft.ts'

/**
 * Writes finished lists for front ends: the list, its reserve, and what the models saw, under the person's own keys.
 *
 *     source  x--y--|     x = [list]
 *     result  x--y--|     x = [write of recs:{user}:surface and companions]
 *
 * - Order: unchanged.
 * - Bound: none needed.
 * - Time: none.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function toListWrites(options: { readonly ttlS: number }): OperatorFunction<Batch<FinishedList>, Batch<ListWrite>> {
  return map((batch) => ({ ...batch, records: batch.records.map((list) => writeOf(list, options.ttlS)) }))
}

function writeOf(list: FinishedList, ttlS: number): ListWrite {
  const { recommendation, reserve } = list
  const { userId, surface, listId } = recommendation
  return {
    key: listKeys.recommendations(userId, surface),
    value: recommendation,
    companions: [
      { key: listKeys.reserve(userId, surface), value: { listId, items: reserve } },
      { key: listKeys.snapshot(userId, surface), value: snapshotOf(list) },
    ],
    ttlS,
  }
}

/** Slots whose model input is kept: what pages show. Deeper slots are logged without it. */
const snapshotItemsMax = 20

/** The ranker's rows of the first items, so that a decision can log what the model saw. */
function snapshotOf({ draft, recommendation }: FinishedList): ServedSnapshot {
  const rows = new Map<string, Float32Array>()
  if (draft.features.length > 0) {
    recommendation.items.slice(0, snapshotItemsMax).forEach((item, index) => {
      const place = draft.order[index]!
      const row = draft.features.subarray(place * rankerWidth, (place + 1) * rankerWidth)
      if (row.length > 0) rows.set(item.itemId, row) // What a rule brought was seen by no model.
    })
  }
  return { listId: recommendation.listId, context: base64Of(draft.context), ...packRows(rows) }
}
