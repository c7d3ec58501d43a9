import { type AttributionWindows, attributePurchase } from '../algorithms/attribute-purchase.ts'
import { personSegment } from '../algorithms/person-segment.ts'
import { hash48 } from '../core/hash.ts'
import type {
  CartLine,
  CreditPlace,
  ShopperState,
  Showing,
  ShownState,
  WaitingEvent,
  WaitingShowing,
} from '../schemas/revenue-state.ts'
import type { CategoryRevenue } from '../schemas/revenue-tile.ts'
import type { SegmentUpdate } from '../schemas/segment-update.ts'
import { countFirstDays, firstDaysEnds } from './first-days.ts'
import type { RevenueSums } from './revenue-sums.ts'

/** How revenue is attributed; everything in ms of event time. */
export interface AttributionOptions extends AttributionWindows {
  /** After which an item in a cart that was not bought is abandoned. */
  readonly cartWindowMs: number
  /** Length of a stretch of time that is summed up by itself. */
  readonly tileMs: number
  /** How far records of one input may come out of order. */
  readonly latenessMs: number
}

const dayMs = 86_400_000
/** Purchases of one person with at most this between them are one order. */
const orderGapMs = 30 * 60_000
/** What is remembered of a person, the newest of each. */
const showingsMax = 32
const touchesMax = 64
const cartsMax = 64
const exposuresMax = 64
const orderPlacesMax = 32
/** As many as the segments ask for. */
const itemsMax = 5
const orderTimesMax = 3
const touchTypes: ReadonlySet<string> = new Set(['view', 'click', 'like', 'add_to_cart', 'purchase'])

/**
 * Folds one person's showings and events, given in order of event time, into their state and into the sums. Time alone changes
 * something too: carts are abandoned, segments age, first days in experiments end. That happens at `wakeMs`, as if somebody had looked
 * then, so the state is the same whenever `advance` is called.
 */
export class ShopperFold {
  readonly shopper: ShopperState
  readonly shown: ShownState
  /** Times at which this person has to be looked at again. */
  readonly wakesMs: number[] = []
  /** How the person stood when their segment or orders last moved; null if neither did. */
  moved: Omit<SegmentUpdate, 'userId'> | null = null
  readonly #sums: RevenueSums
  readonly #options: AttributionOptions

  constructor(shopper: ShopperState, shown: ShownState, sums: RevenueSums, options: AttributionOptions) {
    this.shopper = shopper
    this.shown = shown
    this.#sums = sums
    this.#options = options
  }

  /** Lets event time pass up to a moment, exclusive. */
  advance(untilMs: number): void {
    const { shopper } = this
    while (shopper.wakeMs > 0 && shopper.wakeMs < untilMs) {
      const atMs = shopper.wakeMs
      shopper.wakeMs = 0
      countFirstDays(shopper, atMs, this.#sums)
      this.#decide('abandoned', (line) => line.timeMs + this.#options.cartWindowMs <= atMs)
      // Who was only shown something is in no segment.
      if (shopper.firstMs > 0 && this.#classify(atMs)) this.#tell(atMs)
      this.#schedule(atMs)
    }
  }

  /** Takes a showing. */
  addShowing({ id: _id, assignments, ...showing }: WaitingShowing): void {
    const { timeMs, surface, policy, slots } = showing
    this.advance(timeMs)
    const { shown, shopper } = this
    const kept = shown.showings.filter((other) => this.#isShownStill(other, timeMs))
    shown.showings = [...kept, showing].slice(-showingsMax)
    this.#sums.total(timeMs).lists++
    for (const { source } of slots) this.#sums.row(timeMs, { surface, source, policy }).slots++
    for (const { experiment, variant } of assignments) {
      if (shopper.exposures.some((exposure) => exposure.experiment === experiment)) continue
      shopper.exposures = [...shopper.exposures, { experiment, variant, sinceMs: timeMs, purchases: 0, cents: 0 }].slice(
        -exposuresMax,
      )
      this.#sums.variant(experiment, variant).people++
      this.#schedule(timeMs)
    }
  }

  /** Takes an event. */
  addEvent(event: WaitingEvent): void {
    const { shopper } = this
    const { timeMs, itemId } = event
    this.advance(timeMs)
    if (shopper.firstMs === 0) shopper.firstMs = timeMs
    shopper.lastMs = timeMs
    if (itemId !== null) {
      const hash = hash48(itemId)
      if (shopper.items.length < itemsMax && !shopper.items.includes(hash)) shopper.items.push(hash)
      if (event.listId !== null && touchTypes.has(event.type)) this.#touch(itemId, event.listId, timeMs)
      if (event.type === 'add_to_cart') this.#cart(itemId, timeMs)
      if (event.type === 'purchase') this.#purchase(itemId, event)
    }
    if (this.#classify(timeMs) || event.type === 'purchase') this.#tell(timeMs)
    this.#schedule(timeMs)
  }

  /** Notes that a slot was touched: counted once, credited from the last time on. */
  #touch(itemId: string, listId: string, timeMs: number): void {
    const { shopper, shown } = this
    const { clickWindowMs } = this.#options
    const recent = shopper.touches.filter((touch) => touch.timeMs >= timeMs - clickWindowMs)
    const known = recent.find((touch) => touch.listId === listId && touch.itemId === itemId)
    if (known) {
      known.timeMs = timeMs
      shopper.touches = [...recent.filter((touch) => touch !== known), known]
      return
    }
    const showing = shown.showings.findLast(
      (other) => other.listId === listId && this.#isShownStill(other, timeMs) && placeOf(other, itemId) !== null,
    )
    if (!showing) return
    const place = placeOf(showing, itemId)!
    shopper.touches = [...recent, { itemId, listId, timeMs, ...place }].slice(-touchesMax)
    this.#sums.row(timeMs, place).touched++
  }

  #cart(itemId: string, timeMs: number): void {
    const { shopper } = this
    if (shopper.carts.some((line) => line.itemId === itemId)) return
    const touch = this.#touchesOf(itemId).findLast((other) => other.timeMs >= timeMs - this.#options.clickWindowMs)
    shopper.carts = [...shopper.carts, { itemId, timeMs, ...(touch ? placeIn(touch) : noPlace) }].slice(-cartsMax)
    this.#sums.total(timeMs).carts++
    if (touch) this.#sums.row(timeMs, touch).carts++
  }

  #purchase(itemId: string, { timeMs, cents, category }: WaitingEvent): void {
    const { shopper } = this
    const total = this.#sums.total(timeMs)
    const units = cents ?? 0
    if (shopper.orders === 0 || timeMs - shopper.lastPurchaseMs > orderGapMs) {
      shopper.orders++
      total.orders++
      shopper.orderPlaces = []
      shopper.orderTimesMs = [...shopper.orderTimesMs, timeMs].slice(-orderTimesMax)
    }
    shopper.lastPurchaseMs = timeMs
    shopper.cents += units
    this.#decide('bought', (line) => line.itemId === itemId)
    total.purchases++
    total.revenue += units
    if (cents === null) total.unpriced++
    const sums = this.#sums.category(timeMs, category)
    sums.purchases++
    sums.revenue += units
    this.#credit(itemId, timeMs, units, sums)
    for (const exposure of shopper.exposures) {
      const before = exposure.cents
      exposure.cents += units
      const spending = this.#sums.variant(exposure.experiment, exposure.variant)
      if (exposure.purchases++ === 0) spending.buyers++
      spending.revenue += units
      spending.revenueSquared += exposure.cents ** 2 - before ** 2
    }
  }

  #credit(itemId: string, timeMs: number, units: number, category: CategoryRevenue): void {
    const { shopper } = this
    const showings = this.shown.showings.flatMap((showing) => {
      const place = placeOf(showing, itemId)
      return place === null ? [] : [{ timeMs: showing.timeMs, ...place }]
    })
    const purchase = { timeMs, units }
    const { last, decayed, viewed } = attributePurchase<CreditPlace & { readonly timeMs: number }>(
      purchase,
      this.#touchesOf(itemId),
      showings,
      this.#options,
    )
    if (last !== null) {
      const row = this.#sums.row(timeMs, last)
      row.purchases++
      row.lastTouch += units
      category.credited += units
      if (!shopper.orderPlaces.some((place) => isSame(place, last))) {
        row.orders++
        shopper.orderPlaces = [...shopper.orderPlaces, placeIn(last)].slice(-orderPlacesMax)
      }
    }
    for (const { touch, units: part } of decayed) this.#sums.row(timeMs, touch).timeDecayed += part
    if (viewed === null) return
    this.#sums.row(timeMs, viewed).viewThrough += units
    category.viewThrough += units
  }

  /** What became of lines of the cart: counted at the time at which they were put there. */
  #decide(outcome: 'bought' | 'abandoned', isDecided: (line: CartLine) => boolean): void {
    const { shopper } = this
    const decided = shopper.carts.filter(isDecided)
    if (decided.length === 0) return
    shopper.carts = shopper.carts.filter((line) => !decided.includes(line))
    for (const line of decided) {
      this.#sums.total(line.timeMs)[outcome]++
      if (!isSame(line, noPlace)) this.#sums.row(line.timeMs, line)[outcome]++
    }
  }

  /** Finds the segment as of a moment; true if it moved. */
  #classify(atMs: number): boolean {
    const { shopper } = this
    const purchases90d = shopper.orderTimesMs.filter((timeMs) => atMs - timeMs < 90 * dayMs).length
    const segment = personSegment({ nowMs: atMs, lastActiveMs: shopper.lastMs, items: shopper.items.length, purchases90d })
    if (segment === shopper.segment) return false
    shopper.previousSegment = shopper.segment
    shopper.segment = segment
    return true
  }

  #tell(timeMs: number): void {
    const { segment, previousSegment, firstMs, lastMs, orders, cents } = this.shopper
    const previous = previousSegment === '' ? null : previousSegment
    this.moved = { segment, previous, firstMs, lastMs, orders, revenue: cents, timeMs }
  }

  /** Sees to it that somebody looks when a cart is abandoned, the segment ages or a window ends; an earlier look finds the next one. */
  #schedule(nowMs: number): void {
    const { shopper } = this
    const { lastMs } = shopper
    const moments = [lastMs + 7 * dayMs + 1, lastMs + 30 * dayMs, lastMs + 90 * dayMs, ...firstDaysEnds(shopper.exposures)]
    if (shopper.orderTimesMs.length === orderTimesMax) moments.push(shopper.orderTimesMs[0]! + 90 * dayMs)
    const first = shopper.carts[0]
    if (first) moments.push(first.timeMs + this.#options.cartWindowMs)
    const next = Math.min(...moments.filter((momentMs) => momentMs > nowMs))
    if (!Number.isFinite(next) || (shopper.wakeMs > 0 && shopper.wakeMs <= next)) return
    shopper.wakeMs = next
    this.wakesMs.push(next)
  }

  #touchesOf(itemId: string) {
    return this.shopper.touches.filter((touch) => touch.itemId === itemId)
  }

  #isShownStill(showing: Showing, timeMs: number): boolean {
    return showing.timeMs >= timeMs - this.#options.viewWindowMs
  }
}

const noPlace: CreditPlace = { surface: '', source: '', policy: '' }

function placeOf({ surface, policy, slots }: Showing, itemId: string): CreditPlace | null {
  const slot = slots.find((other) => other.itemId === itemId)
  return slot ? { surface, source: slot.source, policy } : null
}

function placeIn({ surface, source, policy }: CreditPlace): CreditPlace {
  return { surface, source, policy }
}

function isSame(a: CreditPlace, b: CreditPlace): boolean {
  return a.surface === b.surface && a.source === b.source && a.policy === b.policy
}
