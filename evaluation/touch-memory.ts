import { eventTypeNumber } from '../schemas/user-event.ts'
import type { Observation } from './recommender.ts'

/** How events are told apart: looked at, wanted (cart, like, rating), bought. */
export const touchKinds = ['looked', 'wanted', 'bought'] as const

/** What one person did with one item. */
export interface Touch {
  count: number
  /** Per kind of touch when it last happened, ms; −Infinity for never. */
  readonly lastMs: Float64Array
  bought: number
}

/** One person, as far as the memory goes. */
export interface Person {
  /** By item, the one touched longest ago first. */
  readonly touches: Map<number, Touch>
  events: number
  /** Asked-for events that repeated an item of theirs, and all of them. */
  repeats: number
  targets: number
}

/** Items remembered of one person. */
const itemsMax = 200

/** Who did what with which item, and how often each item was touched: kept per event, the oldest items of a person are forgotten. */
export class TouchMemory {
  readonly #people = new Map<number, Person>()
  readonly #counts: Float64Array
  readonly #targets: Float64Array
  readonly #lastMs: Float64Array
  #largest = 1

  constructor(itemCount: number) {
    this.#counts = new Float64Array(itemCount)
    this.#targets = new Float64Array(itemCount)
    this.#lastMs = new Float64Array(itemCount).fill(Number.NEGATIVE_INFINITY)
  }

  /** What is known of a person; null for a stranger. */
  person(user: number): Person | null {
    return this.#people.get(user) ?? null
  }

  /** ln(1 + events of the item) over that of the largest, in [0, 1]. */
  popularity(item: number): number {
    return Math.log1p(this.#counts[item]!) / Math.log1p(this.#largest)
  }

  /** Share of an item's events that are asked for, shrunk towards 0. */
  targetShare(item: number): number {
    return this.#targets[item]! / (this.#counts[item]! + 5)
  }

  /** When anybody last touched the item, ms. */
  lastMs(item: number): number {
    return this.#lastMs[item]!
  }

  /** Takes one event; `isTarget` says whether such events are asked for. */
  add({ user, item, timeMs, type }: Readonly<Observation>, isTarget: boolean): void {
    this.#counts[item]!++
    this.#largest = Math.max(this.#largest, this.#counts[item]!)
    this.#lastMs[item] = timeMs
    let person = this.#people.get(user)
    if (person === undefined) {
      person = { touches: new Map(), events: 0, repeats: 0, targets: 0 }
      this.#people.set(user, person)
    }
    const known = person.touches.get(item)
    if (isTarget) {
      this.#targets[item]!++
      person.targets++
      if (known !== undefined) person.repeats++
    }
    person.events++
    const touch = known ?? { count: 0, bought: 0, lastMs: new Float64Array(touchKinds.length).fill(Number.NEGATIVE_INFINITY) }
    const kind = kindOf(type)
    touch.count++
    touch.lastMs[kind] = timeMs
    if (kind === touchKinds.indexOf('bought')) touch.bought++
    // A Map keeps the place of a key's first `set`: the newest belongs to the end.
    person.touches.delete(item)
    person.touches.set(item, touch)
    if (person.touches.size > itemsMax) person.touches.delete(person.touches.keys().next().value!)
  }
}

const wanted = new Set((['add_to_cart', 'like', 'rating'] as const).map(eventTypeNumber))
const purchase = eventTypeNumber('purchase')

/** Index in `touchKinds`. */
function kindOf(type: number): number {
  return type === purchase ? 2 : wanted.has(type) ? 1 : 0
}
