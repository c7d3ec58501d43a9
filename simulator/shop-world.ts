import type { Random } from '../core/random.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { ChoiceModel } from './choice-model.ts'
import type { ShopCatalogue } from './shop-catalogue.ts'
import type { ShopPeople } from './shop-people.ts'
import type { ShopTrends } from './shop-trends.ts'
import type { ShownList } from './storefront.ts'

/** What differs from event to event; the rest follows from the visit and the item. */
export interface EventParts {
  readonly type: UserEvent['type']
  /** Slot of the item, or -1 for a search. */
  readonly slot: number
  readonly timeMs: number
  readonly shown?: { readonly listId: string; readonly position: number } | undefined
  readonly quantity?: number
  readonly rating?: number
  readonly query?: string
}

/** Who an event is of. */
export interface Visitor {
  readonly person: number
  readonly sessionId: string
  readonly device: UserEvent['device']
}

/** What a visit finds around it. */
export interface ShopWorld {
  readonly people: ShopPeople
  readonly catalogue: ShopCatalogue
  readonly trends: ShopTrends
  readonly choice: ChoiceModel
  readonly slots: number
  /** Expected simulated time in which the whole shop produces so many events. */
  spanMs(events: number): number
  /** Does something at a simulated time, in order. */
  at(timeMs: number, action: () => void): void
  /** Sends an event at its time. */
  emit(visitor: Visitor, parts: EventParts): void
  /** Asks for a list; `answer` runs at the end of the step, null when nobody could make one. */
  show(person: number, timeMs: number, answer: (list: ShownList | null) => void): void
  /** Takes pieces out of the stock, at most what is there, and returns how many. */
  take(slot: number, pieces: number, timeMs: number): number
  /** Writes down what came of a list: the true click probabilities and the clicks. */
  noteShown(policy: string, slots: number, clicks: number, expectedClicks: number): void
  /** A person buys for the first time and so becomes known. */
  register(person: number, timeMs: number): void
  visitEnded(visitor: Visitor, events: number): void
  /** A generator of its own for a visit. */
  randomFor(name: string): Random
}
