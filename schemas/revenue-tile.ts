import { recordSchema, timestampMs } from './record-schema.ts'

/** What all of a shop did in one stretch of time. Money is in hundredths of its currency. */
export interface RevenueTotal {
  lists: number
  /** Times an item was put into a cart; of these, those bought within the cart window, and those not. The others are still open. */
  carts: number
  bought: number
  abandoned: number
  orders: number
  purchases: number
  /** Purchases without a price: they add nothing to the revenue. */
  unpriced: number
  revenue: number
}

/** What lists of one surface and policy did with items of one source. Money is in hundredths. */
export interface RevenueRow {
  readonly surface: string
  readonly source: string
  readonly policy: string
  /** Slots shown, and those of them that somebody clicked, liked, carted or bought. */
  slots: number
  touched: number
  carts: number
  bought: number
  abandoned: number
  /** Orders with something credited to the row by last touch. */
  orders: number
  purchases: number
  /** The three ways of crediting; the third never overlaps the others. */
  lastTouch: number
  timeDecayed: number
  viewThrough: number
}

/** What was bought of one category, credited or not. Money is in hundredths. */
export interface CategoryRevenue {
  /** First level of the path that the purchase carried; empty where it carried none. */
  readonly category: string
  purchases: number
  revenue: number
  /** Of it what was credited to touched slots, by last touch or by age, which share out the same; and apart from it to what was only seen. */
  credited: number
  viewThrough: number
}

/** Categories that are summed up by themselves, and what those beyond are summed up as. */
export const categoriesMax = 100
export const otherCategories = 'others'

/** The sums of one task over one stretch of event time: newest wins, and those of all tasks add up. */
export interface RevenueTile {
  readonly partition: number
  readonly startMs: number
  readonly tileMs: number
  /** Grows with everything counted. */
  version: number
  readonly total: RevenueTotal
  /** In order of first touch. */
  readonly rows: RevenueRow[]
  /** In order of first purchase: `categoriesMax`, and one for all beyond. */
  readonly categories: CategoryRevenue[]
}

const totalSchema = recordSchema<RevenueTotal>('RevenueTotal', 'What all of the shop did.', [
  { name: 'lists', type: 'long', doc: 'Lists shown.' },
  { name: 'carts', type: 'long', doc: 'Times an item was put into a cart.' },
  { name: 'bought', type: 'long', doc: 'Of these, those bought within the cart window; counted at the time of the cart.' },
  { name: 'abandoned', type: 'long', doc: 'Of these, those not bought within it; counted at the time of the cart.' },
  { name: 'orders', type: 'long', doc: 'Orders: purchases of one person with less than 30 minutes between them.' },
  { name: 'purchases', type: 'long', doc: 'Purchases, one per item.' },
  { name: 'unpriced', type: 'long', doc: 'Purchases without a price.' },
  { name: 'revenue', type: 'long', doc: 'Price times pieces, in hundredths.' },
])

const rowSchema = recordSchema<RevenueRow>('RevenueRow', 'What lists of one surface and policy did with items of one source.', [
  { name: 'surface', type: 'string', doc: 'Where the list was shown.' },
  { name: 'source', type: 'string', doc: 'Candidate source of the slot.' },
  { name: 'policy', type: 'string', doc: 'Policy of the list.' },
  { name: 'slots', type: 'long', doc: 'Slots shown.' },
  { name: 'touched', type: 'long', doc: 'Slots clicked, or more.' },
  { name: 'carts', type: 'long', doc: 'Carts after a touch.' },
  { name: 'bought', type: 'long', doc: 'Of these, those bought in time.' },
  { name: 'abandoned', type: 'long', doc: 'Of these, those abandoned.' },
  { name: 'orders', type: 'long', doc: 'Orders with a purchase credited by last touch.' },
  { name: 'purchases', type: 'long', doc: 'Purchases credited by last touch.' },
  { name: 'lastTouch', type: 'long', doc: 'Revenue by last touch, in hundredths.' },
  { name: 'timeDecayed', type: 'long', doc: 'Revenue shared among all touches by their age, in hundredths.' },
  { name: 'viewThrough', type: 'long', doc: 'Revenue of what was shown and not touched, in hundredths; apart from the others.' },
])

const categorySchema = recordSchema<CategoryRevenue>('CategoryRevenue', 'What was bought of one category.', [
  { name: 'category', type: 'string', doc: 'First level of its path; empty without one, others beyond 100.' },
  { name: 'purchases', type: 'long', doc: 'Purchases.' },
  { name: 'revenue', type: 'long', doc: 'Price times pieces, in hundredths.' },
  { name: 'credited', type: 'long', doc: 'Of it, credited to touched slots.' },
  { name: 'viewThrough', type: 'long', doc: 'Of it, of what was shown and not touched.' },
])

export const revenueTileSchema = recordSchema<RevenueTile>('RevenueTile', 'Sums of one task over one stretch of time.', [
  { name: 'partition', type: 'int', doc: 'Task that counted; the record key is partition/startMs.' },
  { name: 'startMs', type: timestampMs, doc: 'Start of the stretch, event time.' },
  { name: 'tileMs', type: 'long', doc: 'Its length.' },
  { name: 'version', type: 'long', doc: 'Grows with everything counted.' },
  { name: 'total', type: totalSchema.definition, doc: 'All of the shop.' },
  { name: 'rows', type: { type: 'array', items: rowSchema.definition }, doc: 'By surface, source and policy.' },
  { name: 'categories', type: { type: 'array', items: categorySchema.definition }, doc: 'By category bought.', default: [] },
])

/** Nothing happened yet. */
export function emptyTotal(): RevenueTotal {
  return { lists: 0, carts: 0, bought: 0, abandoned: 0, orders: 0, purchases: 0, unpriced: 0, revenue: 0 }
}

/** A place where nothing happened yet. */
export function emptyRow({ surface, source, policy }: Pick<RevenueRow, 'surface' | 'source' | 'policy'>): RevenueRow {
  const carts = { carts: 0, bought: 0, abandoned: 0 }
  const revenue = { orders: 0, purchases: 0, lastTouch: 0, timeDecayed: 0, viewThrough: 0 }
  return { surface, source, policy, slots: 0, touched: 0, ...carts, ...revenue }
}

/** A category of which nothing was bought yet. */
export function emptyCategory(category: string): CategoryRevenue {
  return { category, purchases: 0, revenue: 0, credited: 0, viewThrough: 0 }
}

/** Under which name a category is summed up beside those that are known: its own while there is room, then `otherCategories`. */
export function categoryName(category: string, known: ReadonlyMap<string, unknown>): string {
  return known.has(category) || known.size < categoriesMax ? category : otherCategories
}
