import { topK } from '../algorithms/top-k.ts'
import type { ListDraft } from './list-draft.ts'

/** Places of the candidates that late steps choose from: as ordered so far, then whoever was not ordered, best score first; `countMax` at most. */
export function candidatePlaces({ order, scores, set }: ListDraft, countMax: number): Int32Array {
  const isOrdered = new Uint8Array(set.count)
  for (const place of order) isOrdered[place] = 1
  const rest = topK(scores, Math.max(0, Math.min(countMax, set.count) - order.length), isOrdered).indices
  const places = new Int32Array(order.length + rest.length)
  places.set(order)
  places.set(rest, order.length)
  return places
}
