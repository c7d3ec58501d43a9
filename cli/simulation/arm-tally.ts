import { addPerson, type ClickThrough, emptyClickThrough } from '../../algorithms/click-through.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import type { ShownList, ShowRequest } from '../../simulator/storefront.ts'
import type { ShopObserver } from './shop-loop.ts'

/** What one person of an arm was shown and did. */
interface PersonCount {
  readonly arm: string
  lists: number
  showings: number
  clicks: number
  expectedClicks: number
  purchases: number
  revenue: number
  /** Of items that a list had brought. */
  listPurchases: number
  listRevenue: number
}

/** What is measured: something counted per person over something counted per person, in units of `scale`. */
export interface ShopMeasure {
  readonly name: string
  readonly scale: number
  readonly over: (person: PersonCount) => number
  readonly of: (person: PersonCount) => number
}

/** The measures of an arm, in the order in which they are told; `purchase` is one event, whatever its quantity. */
export const shopMeasures: readonly ShopMeasure[] = [
  { name: 'clickThrough', scale: 1, of: (person) => person.clicks, over: (person) => person.showings },
  // The same with less noise: what the shop's own choice model says of what was shown, which no arm is told.
  { name: 'expectedClickThrough', scale: 1, of: (person) => person.expectedClicks, over: (person) => person.showings },
  { name: 'listPurchasesPerThousand', scale: 1000, of: (person) => person.listPurchases, over: (person) => person.showings },
  { name: 'listRevenuePerThousand', scale: 1000, of: (person) => person.listRevenue, over: (person) => person.showings },
  { name: 'purchasesPerVisitor', scale: 1, of: (person) => person.purchases, over: () => 1 },
  { name: 'revenuePerVisitor', scale: 1, of: (person) => person.revenue, over: () => 1 },
]

/** Totals of one arm in one shop, and the sums over its people behind each measure. */
export interface ArmSums {
  visitors: number
  lists: number
  showings: number
  clicks: number
  purchases: number
  listPurchases: number
  revenue: number
  readonly measures: Readonly<Record<string, ClickThrough>>
}

/** Counts one shop by person. What comes before `start` is not counted: lists get better while little is known. */
export class ArmTally implements ShopObserver {
  readonly #people = new Map<string, PersonCount>()
  #counts = false

  /** Counts from now on. */
  start(): void {
    this.#counts = true
  }

  shown(arm: string, { userId }: ShowRequest, { items }: ShownList, expectedClicks: number): void {
    if (!this.#counts) return
    const person = this.#personOf(userId, arm)
    person.lists++
    person.showings += items.length
    person.expectedClicks += expectedClicks
  }

  event(arm: string, { userId, type, listId, price, quantity }: UserEvent): void {
    if (!this.#counts) return
    const person = this.#personOf(userId, arm)
    if (type === 'click' && listId !== null) person.clicks++
    if (type !== 'purchase') return
    const paid = (price ?? 0) * (quantity ?? 1)
    person.purchases++
    person.revenue += paid
    if (listId === null) return
    person.listPurchases++
    person.listRevenue += paid
  }

  /** The sums of one arm. */
  sumsOf(arm: string): ArmSums {
    const sums: ArmSums = {
      ...{ visitors: 0, lists: 0, showings: 0, clicks: 0, purchases: 0, listPurchases: 0, revenue: 0 },
      measures: Object.fromEntries(shopMeasures.map(({ name }) => [name, emptyClickThrough()])),
    }
    for (const person of this.#people.values()) {
      if (person.arm !== arm) continue
      sums.visitors++
      for (const field of ['lists', 'showings', 'clicks', 'purchases', 'listPurchases', 'revenue'] as const)
        sums[field] += person[field]
      for (const { name, of, over } of shopMeasures) addPerson(sums.measures[name]!, of(person), over(person))
    }
    return sums
  }

  #personOf(userId: string, arm: string): PersonCount {
    let person = this.#people.get(userId)
    if (!person) {
      person = {
        ...{ arm, lists: 0, showings: 0, clicks: 0, expectedClicks: 0 },
        ...{ purchases: 0, revenue: 0, listPurchases: 0, listRevenue: 0 },
      }
      this.#people.set(userId, person)
    }
    return person
  }
}
