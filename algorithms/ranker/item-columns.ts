import { logCount } from './log-count.ts'
import type { ComputedColumn } from './ranker-column.ts'

/** An item by itself, as the newest word of its events and its catalogue data has it. */
export interface ItemFacts {
  /** Whether catalogue data is there. */
  readonly known: boolean
  /** -1 = not counted. */
  readonly stock: number
  readonly views: number
  readonly clicks: number
  readonly carts: number
  readonly purchases: number
  readonly likes: number
  readonly dismissals: number
  readonly ratings: number
  /** (sum of ratings + 5 · prior) / (ratings + 5), 1–5. */
  readonly rating: number
  /** Decayed strength, half-life 1 h, as of the item's newest event. */
  readonly hourly: number
  /** Distinct people, about. */
  readonly people: number
  /** Items often seen, and bought, with it. */
  readonly similar: number
  readonly together: number
}

/** An item that nobody has heard of yet. */
export const unheardItem: ItemFacts = {
  known: false,
  stock: -1,
  views: 0,
  clicks: 0,
  carts: 0,
  purchases: 0,
  likes: 0,
  dismissals: 0,
  ratings: 0,
  rating: 3.5,
  hourly: 0,
  people: 0,
  similar: 0,
  together: 0,
}

const neighboursMax = 50

/** What schema 2 says of the item alone: written once per change of the item, copied into every row. */
export const itemColumns = [
  { name: 'item_known', meaning: '1 if catalogue data is there', range: [0, 1], of: ({ known }) => (known ? 1 : 0) },
  {
    name: 'item_rating',
    meaning: 'mean rating with 5 pseudo-ratings of 3.5, less 3, / 2',
    range: [-1, 1],
    of: ({ rating }) => Math.max(-1, Math.min(1, (rating - 3) / 2)),
  },
  { name: 'item_rated', meaning: '1 if anybody rated it', range: [0, 1], of: ({ ratings }) => (ratings > 0 ? 1 : 0) },
  {
    name: 'item_looks',
    meaning: 'ln(1 + views and clicks) / 15, all time',
    range: [0, 1],
    of: ({ views, clicks }) => logCount(views + clicks, 15),
  },
  { name: 'item_carts', meaning: 'ln(1 + add-to-carts) / 12, all time', range: [0, 1], of: ({ carts }) => logCount(carts, 12) },
  {
    name: 'item_purchases',
    meaning: 'ln(1 + purchases) / 12, all time',
    range: [0, 1],
    of: ({ purchases }) => logCount(purchases, 12),
  },
  {
    name: 'item_cart_rate',
    meaning: 'add-to-carts per view or click, with 20 pseudo-looks at 4 %, at most 1',
    range: [0, 1],
    of: ({ carts, views, clicks }) => rate(carts, views + clicks, 0.8),
  },
  {
    name: 'item_like_rate',
    meaning: 'likes per view or click, with 20 pseudo-looks at 2 %, at most 1',
    range: [0, 1],
    of: ({ likes, views, clicks }) => rate(likes, views + clicks, 0.4),
  },
  {
    name: 'item_dismiss_rate',
    meaning: 'dismissals per view or click, with 20 pseudo-looks at 1 %, at most 1',
    range: [0, 1],
    of: ({ dismissals, views, clicks }) => rate(dismissals, views + clicks, 0.2),
  },
  {
    name: 'item_hourly',
    meaning: 'ln(1 + decayed strength of half-life 1 h as of its newest event) / 8',
    range: [0, 1],
    of: ({ hourly }) => logCount(hourly, 8),
  },
  { name: 'item_people', meaning: 'ln(1 + distinct people, about) / 6', range: [0, 1], of: ({ people }) => logCount(people, 6) },
  { name: 'stock_counted', meaning: '1 if its stock is counted', range: [0, 1], of: ({ stock }) => (stock >= 0 ? 1 : 0) },
  {
    name: 'stock_level',
    meaning: 'ln(1 + pieces left) / 10; 0 uncounted',
    range: [0, 1],
    of: ({ stock }) => logCount(stock, 10),
  },
  {
    name: 'degree_similar',
    meaning: 'items often seen with it / 50 (F2.19)',
    range: [0, 1],
    of: ({ similar }) => Math.min(1, similar / neighboursMax),
  },
  {
    name: 'degree_together',
    meaning: 'items often bought with it / 50',
    range: [0, 1],
    of: ({ together }) => Math.min(1, together / neighboursMax),
  },
] as const satisfies readonly ComputedColumn<ItemFacts>[]

/** Numbers per item. */
export const itemColumnCount = itemColumns.length

/** Writes the item's numbers from `at` on. */
export function writeItemColumns(out: Float32Array, at: number, facts: ItemFacts): void {
  for (let column = 0; column < itemColumns.length; column++) out[at + column] = itemColumns[column]!.of(facts)
}

function rate(count: number, looks: number, prior: number): number {
  return Math.min(1, (count + prior) / (looks + 20))
}
