import { map, type OperatorFunction } from 'rxjs'
import type { Catalogue } from '../algorithms/catalogue.ts'
import type { Batch } from '../ports/batch.ts'
import type { ListDraft } from './list-draft.ts'

/**
 * Takes out what must not be shown: withdrawn, out of stock, bought, dismissed, in the cart, just looked at. Each removal is
 * counted by reason on the draft.
 *
 *     source  x--y--|     x = [draft of a, b, c]   (b is out of stock)
 *     result  x--y--|     x = [draft of a, c], removed {stock: 1}
 *
 * - Order: candidates keep theirs.
 * - Bound: none needed, sets only shrink.
 * - Time: none; stock is as the catalogue table holds it now.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function filterCandidates(catalogue: Catalogue): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    for (const draft of batch.records) filterDraft(draft, catalogue)
    return batch
  })
}

function filterDraft(draft: ListDraft, catalogue: Catalogue): void {
  const { features } = draft.update
  const rows = (itemIds: readonly string[]) => new Set(itemIds.map((itemId) => catalogue.items.find(itemId)))
  const purchased = rows(features.purchased)
  const dismissed = rows(features.dismissed)
  const current = draft.user.sessionRows.at(-1) ?? -1
  const reasonOf = (row: number): string | null => {
    if (catalogue.withdrawn[row] === 1) return 'withdrawn'
    if (catalogue.stock[row] === 0) return 'stock'
    if (purchased.has(row)) return 'purchased'
    if (dismissed.has(row)) return 'dismissed'
    if (draft.ranker.cart.has(row)) return 'cart'
    return row === current ? 'current' : null
  }
  draft.set.retain((row) => {
    const reason = reasonOf(row)
    if (reason === null) return true
    draft.removed.set(reason, (draft.removed.get(reason) ?? 0) + 1)
    return false
  })
}
