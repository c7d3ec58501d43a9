import { createRandom, type Random } from '../core/random.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { ShopCatalogue } from './shop-catalogue.ts'
import type { ResolvedShopOptions } from './shop-options.ts'
import type { ShopPeople } from './shop-people.ts'
import type { EventParts, Visitor } from './shop-world.ts'
import type { TimeQueue } from './time-queue.ts'

/** Popularity halves every so many events of the whole shop. */
const popularityHalfLifeEvents = 20_000
const duplicateAfterMsMax = 5000

/** Turns what people do into events and hands each over at its time: some late, some twice, if the options say so. */
export class ShopMail {
  /** How often each slot was opened and bought lately, in units that grow; only for comparing. */
  readonly popularity: Float64Array
  readonly #people: ShopPeople
  readonly #catalogue: ShopCatalogue
  readonly #queue: TimeQueue
  readonly #options: ResolvedShopOptions
  readonly #tag: string
  readonly #random: Random
  #unit = 1
  #written = 0
  #delivered = 0
  #events: UserEvent[] = []
  #timesMs: number[] = []

  constructor(parts: {
    readonly options: ResolvedShopOptions
    readonly tag: string
    readonly people: ShopPeople
    readonly catalogue: ShopCatalogue
    readonly queue: TimeQueue
  }) {
    this.#people = parts.people
    this.#catalogue = parts.catalogue
    this.#queue = parts.queue
    this.#options = parts.options
    this.#tag = parts.tag
    this.#random = createRandom(`${parts.options.seed}/mail`)
    this.popularity = new Float64Array(parts.catalogue.slotsMax)
  }

  /** Events handed over so far, repeats included. */
  get delivered(): number {
    return this.#delivered
  }

  /** Events handed over since the last call. */
  takeEvents(): { events: UserEvent[]; eventTimesMs: number[] } {
    const taken = { events: this.#events, eventTimesMs: this.#timesMs }
    this.#events = []
    this.#timesMs = []
    return taken
  }

  /** Sends an event at `parts.timeMs` of simulated time. */
  send(visitor: Visitor, parts: EventParts): void {
    const event = this.#write(visitor, parts)
    if (parts.slot >= 0) this.#notePopular(parts)
    const { lateShare, lateMsMax, duplicateShare } = this.#options
    let atMs = event.timeMs
    if (lateShare > 0 && this.#random.next() < lateShare) atMs += 1 + this.#random.below(lateMsMax)
    this.#queue.push(atMs, () => this.#deliver(event, atMs))
    if (duplicateShare === 0 || this.#random.next() >= duplicateShare) return
    const againMs = atMs + this.#random.below(duplicateAfterMsMax)
    this.#queue.push(againMs, () => this.#deliver(event, againMs))
  }

  #deliver(event: UserEvent, atMs: number): void {
    this.#events.push(event)
    this.#timesMs.push(atMs)
    this.#delivered++
  }

  /** A withdrawn item leaves its popularity behind. */
  forget(slot: number): void {
    this.popularity[slot] = 0
  }

  #notePopular({ type, slot }: EventParts): void {
    this.#unit *= 2 ** (1 / popularityHalfLifeEvents)
    const weight = type === 'purchase' ? 3 : type === 'add_to_cart' || type === 'like' ? 2 : type === 'view' ? 1 : 0
    this.popularity[slot] = this.popularity[slot]! + weight * this.#unit
    if (this.#unit < 1e100) return
    for (let i = 0; i < this.popularity.length; i++) this.popularity[i] = this.popularity[i]! / this.#unit
    this.#unit = 1
  }

  #write({ person, sessionId, device }: Visitor, { type, slot, timeMs, shown, quantity, rating, query }: EventParts): UserEvent {
    const hasItem = slot >= 0
    return {
      eventId: `${this.#tag}-e${++this.#written}`,
      userId: this.#people.userId(person),
      itemId: hasItem ? this.#catalogue.itemId(slot) : null,
      type,
      timeMs,
      sessionId: `${this.#tag}-${sessionId}`,
      listId: shown?.listId ?? null,
      position: shown?.position ?? null,
      rating: rating ?? null,
      price: hasItem ? this.#catalogue.price[slot]! : null,
      quantity: quantity ?? null,
      query: query ?? null,
      device,
      region: this.#people.region(person),
      timeZone: this.#people.timeZone(person),
      category: hasItem ? this.#catalogue.leafOf(slot).path : [],
      brand: hasItem ? this.#catalogue.brandName(slot) : null,
    }
  }
}
