import type { ComputedColumn } from './ranker-column.ts'

/** How an item is offered; null says that something is not known. */
export interface OfferFacts {
  readonly price: number
  readonly listPrice: number | null
  /** 1–5. */
  readonly sellerRating: number | null
}

/** What schema 3 says of an item's offer: written once per change of the item. */
export const offerColumns = [
  {
    name: 'discount',
    meaning: 'share by which its price is below its list price; 0 without one',
    range: [0, 1],
    of: ({ price, listPrice }) => (hasListPrice(listPrice) ? Math.max(0, Math.min(1, 1 - price / listPrice)) : 0),
  },
  {
    name: 'discount_known',
    meaning: '1 if it has a list price',
    range: [0, 1],
    of: ({ listPrice }) => (hasListPrice(listPrice) ? 1 : 0),
  },
  {
    name: 'seller_rating',
    meaning: 'rating of its seller, less 3, / 2; 0, the middle, where it is not known',
    range: [-1, 1],
    of: ({ sellerRating }) => (isRated(sellerRating) ? Math.max(-1, Math.min(1, (sellerRating - 3) / 2)) : 0),
  },
  {
    name: 'seller_rated',
    meaning: '1 if its seller has a rating',
    range: [0, 1],
    of: ({ sellerRating }) => (isRated(sellerRating) ? 1 : 0),
  },
] as const satisfies readonly ComputedColumn<OfferFacts>[]

/** Numbers per item. */
export const offerColumnCount = offerColumns.length

/** Writes the offer's numbers from `at` on. */
export function writeOfferColumns(out: Float32Array, at: number, facts: OfferFacts): void {
  for (let column = 0; column < offerColumns.length; column++) out[at + column] = offerColumns[column]!.of(facts)
}

function hasListPrice(listPrice: number | null): listPrice is number {
  return listPrice !== null && listPrice > 0
}

/** A float of a record may be NaN. */
function isRated(sellerRating: number | null): sellerRating is number {
  return sellerRating !== null && Number.isFinite(sellerRating)
}
