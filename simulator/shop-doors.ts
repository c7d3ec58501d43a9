import { createRandom, type Random } from '../core/random.ts'
import { draw } from './draw.ts'
import type { ResolvedShopOptions } from './shop-options.ts'
import type { ShopPeople } from './shop-people.ts'
import { ShopVisit } from './shop-visit.ts'
import type { ShopWorld, Visitor } from './shop-world.ts'
import type { TimeQueue } from './time-queue.ts'

/** Mean daily course of visits by UTC hour; averages 1. */
const hourRates = [
  0.35, 0.25, 0.2, 0.2, 0.25, 0.4, 0.65, 0.9, 1.05, 1.15, 1.2, 1.25, 1.3, 1.2, 1.15, 1.15, 1.2, 1.35, 1.55, 1.75, 1.8, 1.65, 1.2,
  0.85,
]
/** Seconds of visitors who are there already at the first moment: about as many as later on average. */
const alreadySeconds = 30

/** Lets people in: as many visits as make the wanted number of events, whatever a visit turns out to hold. */
export class ShopDoors {
  readonly #options: ResolvedShopOptions
  readonly #people: ShopPeople
  readonly #queue: TimeQueue
  readonly #world: ShopWorld
  readonly #random: Random
  /** The newest open visit of each person. */
  readonly #byPerson = new Map<number, ShopVisit>()
  /** Moving mean over ended visits. */
  #eventsPerVisit = 16
  #visits = 0
  #openVisits = 0

  constructor(parts: {
    readonly options: ResolvedShopOptions
    readonly people: ShopPeople
    readonly queue: TimeQueue
    readonly world: ShopWorld
  }) {
    this.#options = parts.options
    this.#people = parts.people
    this.#queue = parts.queue
    this.#world = parts.world
    this.#random = createRandom(`${parts.options.seed}/arrivals`)
  }

  /** Visits begun so far, or about to begin. */
  get visits(): number {
    return this.#visits
  }

  get openVisits(): number {
    return this.#openVisits
  }

  /** The visit that a person is on, or null. */
  visitOf(person: number): ShopVisit | null {
    return this.#byPerson.get(person) ?? null
  }

  /** Begins with people who are there already and the stream of those who come. */
  open(): void {
    const { startMs, eventsPerSecond } = this.#options
    const already = Math.ceil((eventsPerSecond * this.#rateAt(startMs) * alreadySeconds) / this.#eventsPerVisit)
    for (let i = 0; i < already; i++) this.#enter(startMs + this.#random.below(12_000))
    this.#awaitNext(startMs)
  }

  /** A visit is over, after so many events. */
  left(visit: Visitor, events: number): void {
    if (this.#byPerson.get(visit.person) === visit) this.#byPerson.delete(visit.person)
    this.#openVisits--
    const mean = this.#eventsPerVisit + 0.01 * (events - this.#eventsPerVisit)
    this.#eventsPerVisit = Math.max(3, Math.min(60, mean))
  }

  #awaitNext(fromMs: number): void {
    const perSecond = (this.#options.eventsPerSecond * this.#rateAt(fromMs)) / this.#eventsPerVisit
    const atMs = fromMs + draw.exponential(this.#random, 1000 / perSecond)
    this.#queue.push(atMs, () => {
      this.#enter(Math.floor(atMs))
      this.#awaitNext(atMs)
    })
  }

  #rateAt(timeMs: number): number {
    return this.#options.daypart ? hourRates[Math.floor(timeMs / 3_600_000) % 24]! : 1
  }

  /** One visit begins; who is here already comes a second time only when nobody else is found. */
  #enter(timeMs: number): void {
    let person = this.#people.visitor(this.#random)
    for (let i = 0; i < 8 && this.#byPerson.has(person); i++) person = this.#people.visitor(this.#random)
    this.#openVisits++
    this.#byPerson.set(person, new ShopVisit(this.#world, person, `v${++this.#visits}`, timeMs))
  }
}
