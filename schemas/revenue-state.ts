import { type Assignment, assignmentsField } from './assignment.ts'
import { optional, recordSchema } from './record-schema.ts'

/** One shown slot as far as credit goes. */
export interface ShownSlot {
  readonly itemId: string
  readonly source: string
}

/** A list that somebody was shown. */
export interface Showing {
  readonly listId: string
  readonly timeMs: number
  readonly surface: string
  readonly policy: string
  readonly slots: readonly ShownSlot[]
}

/** A showing that waits until everything before it was read. */
export interface WaitingShowing extends Showing {
  readonly id: string
  readonly assignments: readonly Assignment[]
}

/** An event that waits until everything before it was read. */
export interface WaitingEvent {
  readonly id: string
  readonly timeMs: number
  readonly type: string
  readonly itemId: string | null
  readonly listId: string | null
  /** Price times pieces in hundredths; null without a price. */
  readonly cents: number | null
  /** Of a purchase the first level of its category; empty without one. */
  readonly category: string
}

/** What of a person waits; `{attribution.p}:waiting:<user>`. */
export interface WaitingState {
  showings: WaitingShowing[]
  events: WaitingEvent[]
}

/** Lists shown to a person lately, oldest first; `{attribution.p}:shown:<user>`. */
export interface ShownState {
  showings: Showing[]
}

/** To which sums something is credited. */
export interface CreditPlace {
  readonly surface: string
  readonly source: string
  readonly policy: string
}

/** A slot that somebody clicked, liked, carted or bought; of several times the last one. */
export interface Touch extends CreditPlace {
  readonly itemId: string
  readonly listId: string
  timeMs: number
}

/** An item in somebody's cart; empty names where no list led to it. */
export interface CartLine extends CreditPlace {
  readonly itemId: string
  readonly timeMs: number
}

/** What somebody spent since their first showing in an experiment. */
export interface SpendingExposure {
  readonly experiment: string
  readonly variant: string
  /** Their first showing in it. */
  readonly sinceMs: number
  purchases: number
  cents: number
}

/** What is remembered of a person; `{attribution.p}:person:<user>`. */
export interface ShopperState {
  touches: Touch[]
  carts: CartLine[]
  exposures: SpendingExposure[]
  firstMs: number
  lastMs: number
  /** Hashes of distinct items, as many as tell a new person from others. */
  items: number[]
  /** Newest orders, as many as make somebody loyal. */
  orderTimesMs: number[]
  orders: number
  cents: number
  /** The newest purchase, and the places its order is counted at already. */
  lastPurchaseMs: number
  orderPlaces: CreditPlace[]
  /** Empty before the first event. */
  segment: string
  /** The one before it; empty if it is the first. */
  previousSegment: string
  /** When time alone may change something next; 0 = never. */
  wakeMs: number
}

/** Tiles that may still change, ascending; `{attribution.p}:tiles:`. */
export interface OpenTiles {
  startsMs: number[]
}

const slotSchema = recordSchema<ShownSlot>('ShownSlot', 'A shown slot.', [
  { name: 'itemId', type: 'string', doc: 'Item.' },
  { name: 'source', type: 'string', doc: 'Candidate source.' },
])
const showingFields = [
  { name: 'listId', type: 'string', doc: 'List.' },
  { name: 'timeMs', type: 'long', doc: 'When it was shown.' },
  { name: 'surface', type: 'string', doc: 'Where.' },
  { name: 'policy', type: 'string', doc: 'Policy.' },
] as const
const showingSchema = recordSchema<Showing>('Showing', 'A shown list.', [
  ...showingFields,
  { name: 'slots', type: { type: 'array', items: slotSchema.definition }, doc: 'Slots.' },
])
const waitingShowingSchema = recordSchema<WaitingShowing>('WaitingShowing', 'A showing that waits.', [
  { name: 'id', type: 'string', doc: 'Decision.' },
  ...showingFields,
  { name: 'slots', type: { type: 'array', items: slotSchema.definition }, doc: 'Slots.' },
  assignmentsField,
])
const waitingEventSchema = recordSchema<WaitingEvent>('WaitingEvent', 'An event that waits.', [
  { name: 'id', type: 'string', doc: 'Event.' },
  { name: 'timeMs', type: 'long', doc: 'Event time.' },
  { name: 'type', type: 'string', doc: 'What happened.' },
  optional('itemId', 'string', 'Item.'),
  optional('listId', 'string', 'List.'),
  optional('cents', 'long', 'Worth.'),
  { name: 'category', type: 'string', doc: 'Of a purchase, first level.' },
])
const placeFields = [
  { name: 'surface', type: 'string', doc: 'Surface.' },
  { name: 'source', type: 'string', doc: 'Source.' },
  { name: 'policy', type: 'string', doc: 'Policy.' },
] as const
const placeSchema = recordSchema<CreditPlace>('CreditPlace', 'Where something is credited.', [...placeFields])
const touchSchema = recordSchema<Touch>('Touch', 'A touched slot.', [
  { name: 'itemId', type: 'string', doc: 'Item.' },
  { name: 'listId', type: 'string', doc: 'List.' },
  { name: 'timeMs', type: 'long', doc: 'Last time.' },
  ...placeFields,
])
const cartSchema = recordSchema<CartLine>('CartLine', 'An item in a cart.', [
  { name: 'itemId', type: 'string', doc: 'Item.' },
  { name: 'timeMs', type: 'long', doc: 'Since when.' },
  ...placeFields,
])
const exposureSchema = recordSchema<SpendingExposure>('SpendingExposure', 'Spending in an experiment.', [
  { name: 'experiment', type: 'string', doc: 'Experiment.' },
  { name: 'variant', type: 'string', doc: 'Variant.' },
  { name: 'sinceMs', type: 'long', doc: 'First showing.' },
  { name: 'purchases', type: 'long', doc: 'Purchases since.' },
  { name: 'cents', type: 'long', doc: 'Spent since.' },
])

export const waitingStateSchema = recordSchema<WaitingState>('WaitingState', 'What of a person waits.', [
  { name: 'showings', type: { type: 'array', items: waitingShowingSchema.definition }, doc: 'Showings.' },
  { name: 'events', type: { type: 'array', items: waitingEventSchema.definition }, doc: 'Events.' },
])
export const shownStateSchema = recordSchema<ShownState>('ShownState', 'Lists shown to a person lately.', [
  { name: 'showings', type: { type: 'array', items: showingSchema.definition }, doc: 'Oldest first.' },
])
export const shopperStateSchema = recordSchema<ShopperState>('ShopperState', 'What is remembered of a person.', [
  { name: 'touches', type: { type: 'array', items: touchSchema.definition }, doc: 'Oldest first.' },
  { name: 'carts', type: { type: 'array', items: cartSchema.definition }, doc: 'Oldest first.' },
  { name: 'exposures', type: { type: 'array', items: exposureSchema.definition }, doc: 'Experiments.' },
  { name: 'firstMs', type: 'long', doc: 'First event.' },
  { name: 'lastMs', type: 'long', doc: 'Newest event.' },
  { name: 'items', type: { type: 'array', items: 'long' }, doc: 'Hashes of distinct items.' },
  { name: 'orderTimesMs', type: { type: 'array', items: 'long' }, doc: 'Newest orders.' },
  { name: 'orders', type: 'long', doc: 'Orders.' },
  { name: 'cents', type: 'long', doc: 'Spent.' },
  { name: 'lastPurchaseMs', type: 'long', doc: 'Newest purchase.' },
  { name: 'orderPlaces', type: { type: 'array', items: placeSchema.definition }, doc: 'Places of the order.' },
  { name: 'segment', type: 'string', doc: 'Segment.' },
  { name: 'previousSegment', type: 'string', doc: 'The one before.' },
  { name: 'wakeMs', type: 'long', doc: 'When to look again.' },
])
export const openTilesSchema = recordSchema<OpenTiles>('OpenTiles', 'Tiles that may still change.', [
  { name: 'startsMs', type: { type: 'array', items: 'long' }, doc: 'Starts.' },
])
