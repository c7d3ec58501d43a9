import { map, type OperatorFunction } from 'rxjs'
import { promotionSlots } from '../algorithms/promotion-slots.ts'
import { type RuleSubject, textsOf } from '../algorithms/rules/rule-spec.ts'
import { createRandom } from '../core/random.ts'
import type { Batch } from '../ports/batch.ts'
import { candidatePlaces } from './candidate-places.ts'
import type { ListDraft } from './list-draft.ts'
import { reorderDraft } from './reorder-draft.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'

/** Slots that are given to items of a brand, a category or a campaign. */
export interface Promotion {
  readonly id: string
  readonly field: 'itemId' | 'category' | 'brand' | 'tag'
  /** Items that have one of these are promoted. */
  readonly values: readonly string[]
  /** Places from 0. */
  readonly slots: readonly number[]
  /** Share of lists that carry it, 0–1. */
  readonly share: number
}

export interface PromoteOptions {
  readonly promotions: readonly Promotion[]
  /** Candidates that take part: an item that nobody would be shown otherwise is promoted to nobody. */
  readonly poolMax: number
}

/**
 * Gives the slots of promotions to the person's best candidates among the promoted items; who stands there moves one down, and an
 * item that stands higher anyway stays. Of two promotions for one slot the one named first has it.
 *
 *     source  x--y--|     x = [draft of a, b, c]   (c is promoted, slot 0)
 *     result  x--y--|     x = [draft of c, a, b], promoted {c}
 *
 * - Order: drafts keep theirs.
 * - Bound: `poolMax` candidates; the order keeps its length.
 * - Time: none; which lists carry a promotion follows from the list id alone.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function promote(
  items: Pick<CatalogueTable, 'catalogue' | 'get'>,
  options: PromoteOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    if (options.promotions.length > 0) for (const draft of batch.records) promoteIn(draft, items, options)
    return batch
  })
}

function promoteIn(draft: ListDraft, items: Pick<CatalogueTable, 'catalogue' | 'get'>, options: PromoteOptions): void {
  const carried = options.promotions.filter(
    ({ id, share }) => share >= 1 || createRandom(`promote ${id} ${draft.listId}`).next() < share,
  )
  if (carried.length === 0) return
  const itemIdOf = (place: number) => items.catalogue.items.text(draft.set.rows[place]!)
  const candidates = Array.from(candidatePlaces(draft, options.poolMax), (place) => ({
    place,
    subject: items.get(itemIdOf(place)),
  }))
  const bySlot = new Map<number, { readonly place: number; readonly id: string }>()
  const isTaken = new Set<number>()
  for (const { id, field, values, slots } of carried) {
    const isPromoted = (subject: RuleSubject) => textsOf(subject, field).some((text) => values.includes(text))
    for (const slot of [...slots].sort((a, b) => a - b)) {
      if (bySlot.has(slot) || slot >= draft.order.length) continue
      const best = candidates.find(({ place, subject }) => subject && !isTaken.has(place) && isPromoted(subject))
      if (!best) break
      bySlot.set(slot, { place: best.place, id })
      isTaken.add(best.place)
    }
  }
  const filled = [...bySlot].sort(([a], [b]) => a - b)
  const places = Int32Array.from(filled, ([, { place }]) => place)
  const order = promotionSlots(
    draft.order,
    places,
    filled.map(([slot]) => slot),
  )
  reorderDraft(draft, order)
  draft.promoted = new Map(filled.map(([, { place, id }]) => [draft.set.rows[place]!, id]))
}
