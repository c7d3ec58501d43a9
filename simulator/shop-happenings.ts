import { createRandom, type Random } from '../core/random.ts'
import type { Item } from '../schemas/item.ts'
import { draw } from './draw.ts'
import type { ShopCatalogue } from './shop-catalogue.ts'
import type { ShopTrends } from './shop-trends.ts'
import type { TimeQueue } from './time-queue.ts'

/** A changed catalogue entry; `value` null = withdrawn. */
export interface ItemChange {
  readonly itemId: string
  readonly timeMs: number
  readonly value: Item | null
}

/** Mean number of shop events between two happenings of a kind; a small shop lives as fast as a big one per event. */
const everyEvents = { newItem: 400, withdrawal: 1600, price: 150, trend: 1500 } as const
const trendLengthEvents = 5000
const restockAfterEvents = 3000
/** From this stock on every change of it is published. */
const lowStock = 3

/** What happens in the shop whoever visits it: new items, withdrawals, prices, trends, sold out and restocked. */
export class ShopHappenings {
  readonly counts = { newItems: 0, withdrawnItems: 0, soldOut: 0, restocked: 0, priceChanges: 0, trends: 0 }
  readonly #catalogue: ShopCatalogue
  readonly #trends: ShopTrends
  readonly #queue: TimeQueue
  readonly #random: Random
  readonly #millisPerEvent: number
  readonly #onWithdrawn: (slot: number) => void
  #changes: ItemChange[] = []

  constructor(parts: {
    readonly seed: string
    readonly startMs: number
    readonly eventsPerSecond: number
    readonly catalogue: ShopCatalogue
    readonly trends: ShopTrends
    readonly queue: TimeQueue
    /** Told before a slot becomes free. */
    readonly onWithdrawn: (slot: number) => void
  }) {
    this.#onWithdrawn = parts.onWithdrawn
    this.#catalogue = parts.catalogue
    this.#trends = parts.trends
    this.#queue = parts.queue
    this.#random = createRandom(`${parts.seed}/happenings`)
    this.#millisPerEvent = 1000 / parts.eventsPerSecond
    this.#repeat(everyEvents.newItem, parts.startMs, (timeMs) => this.#newItem(timeMs))
    this.#repeat(everyEvents.withdrawal, parts.startMs, (timeMs) => this.#withdrawal(timeMs))
    this.#repeat(everyEvents.price, parts.startMs, (timeMs) => this.#price(timeMs))
    this.#repeat(everyEvents.trend, parts.startMs, (timeMs) => this.#trend(timeMs))
    this.#trend(parts.startMs)
    this.#trend(parts.startMs)
  }

  /** Changes since the last call, in time order. */
  takeChanges(): ItemChange[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** Takes pieces out of the stock, at most what is there; returns how many. */
  sell(slot: number, pieces: number, timeMs: number): number {
    const stock = this.#catalogue.stock
    const sold = Math.min(pieces, stock[slot]!)
    if (sold === 0) return 0
    stock[slot] = stock[slot]! - sold
    if (stock[slot]! <= lowStock) this.#publish(slot, timeMs)
    if (stock[slot] === 0) this.#soldOut(slot, timeMs)
    return sold
  }

  #soldOut(slot: number, timeMs: number): void {
    this.counts.soldOut++
    const number = this.#catalogue.number[slot]
    const backMs = timeMs + Math.ceil(draw.exponential(this.#random, restockAfterEvents * this.#millisPerEvent))
    this.#queue.push(backMs, () => {
      if (this.#catalogue.number[slot] !== number) return
      this.#catalogue.stock[slot] = 5 + this.#random.below(40)
      this.counts.restocked++
      this.#publish(slot, backMs)
    })
  }

  #newItem(timeMs: number): void {
    if (this.#catalogue.isFull) this.#withdrawal(timeMs)
    this.counts.newItems++
    this.#publish(this.#catalogue.add(timeMs), timeMs)
  }

  /** The oldest of a few random items leaves, unless its leaf would be empty. */
  #withdrawal(timeMs: number): void {
    const { live, createdMs, leaf } = this.#catalogue
    let oldest = draw.oneOf(this.#random, live)
    for (let i = 0; i < 4; i++) {
      const other = draw.oneOf(this.#random, live)
      if (createdMs[other]! < createdMs[oldest]!) oldest = other
    }
    if (this.#catalogue.inLeaf(leaf[oldest]!).length < 2) return
    this.#changes.push({ itemId: this.#catalogue.itemId(oldest), timeMs, value: null })
    this.#trends.drop(oldest)
    this.#onWithdrawn(oldest)
    this.#catalogue.withdraw(oldest)
    this.counts.withdrawnItems++
  }

  #price(timeMs: number): void {
    const slot = draw.oneOf(this.#random, this.#catalogue.live)
    const usual = this.#catalogue.leafOf(slot).price
    const price = this.#catalogue.price[slot]! * Math.exp(0.15 * draw.normal(this.#random))
    this.#catalogue.setPrice(slot, Math.max(usual / 4, Math.min(usual * 4, price)))
    this.counts.priceChanges++
    this.#publish(slot, timeMs)
  }

  #trend(timeMs: number): void {
    const lengthMs = draw.exponential(this.#random, trendLengthEvents * this.#millisPerEvent)
    const endMs = timeMs + Math.ceil(lengthMs)
    if (!this.#trends.begin(this.#random, this.#catalogue, endMs)) return
    this.counts.trends++
    this.#queue.push(endMs, () => this.#trends.endDue(endMs))
  }

  #publish(slot: number, timeMs: number): void {
    this.#changes.push({ itemId: this.#catalogue.itemId(slot), timeMs, value: this.#catalogue.record(slot) })
  }

  #repeat(events: number, fromMs: number, happen: (timeMs: number) => void): void {
    const timeMs = fromMs + Math.ceil(draw.exponential(this.#random, events * this.#millisPerEvent))
    this.#queue.push(timeMs, () => {
      happen(timeMs)
      this.#repeat(events, timeMs, happen)
    })
  }
}
