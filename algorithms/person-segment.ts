/** Where somebody stands with the shop (features.md F16.3); `quiet` is between active and lapsing. */
export const personSegments = ['new', 'active', 'loyal', 'quiet', 'lapsing', 'lost'] as const
export type PersonSegment = (typeof personSegments)[number]

const dayMs = 86_400_000
const newItemsBelow = 5
const loyalPurchases = 3

/**
 * The segment as of `nowMs`: `lost` after 90 days without an event, `lapsing` after 30, then `new` below 5 distinct items, `loyal` from 3
 * purchases in 90 days on, `active` within 7 days, else `quiet`.
 */
export function personSegment(person: {
  readonly nowMs: number
  readonly lastActiveMs: number
  /** Distinct items touched. */
  readonly items: number
  readonly purchases90d: number
}): PersonSegment {
  const idleDays = (person.nowMs - person.lastActiveMs) / dayMs
  if (idleDays >= 90) return 'lost'
  if (idleDays >= 30) return 'lapsing'
  if (person.items < newItemsBelow) return 'new'
  if (person.purchases90d >= loyalPurchases) return 'loyal'
  return idleDays <= 7 ? 'active' : 'quiet'
}
