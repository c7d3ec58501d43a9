import { addPerson, type ClickThrough, emptyClickThrough } from '../../algorithms/click-through.ts'
import type { MeanEstimate } from '../../algorithms/difference.ts'
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

interface ComparedLists {
  expectedClicks: number
  items: number
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

/** What came of one shop, in plain data. */
export interface ShopResult {
  readonly arms: Readonly<Record<string, ArmSums>>
  /** By arm: expected click-through of the first arm less that arm's over the same requests; of nobody unless `paired`. */
  readonly paired: Readonly<Record<string, MeanEstimate>>
}

/** Counts one shop by person. What comes before `start` is not counted: lists get better while little is known. */
export class ArmTally implements ShopObserver {
  readonly #people = new Map<string, PersonCount>()
  /** By person and arm: expected clicks and items of the lists that were or would have been shown. */
  readonly #compared = new Map<string, Map<string, ComparedLists>>()
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

  compared(arm: string, { userId }: ShowRequest, { items }: ShownList, expectedClicks: number): void {
    if (!this.#counts) return
    let arms = this.#compared.get(userId)
    if (!arms) {
      arms = new Map()
      this.#compared.set(userId, arms)
    }
    const lists = arms.get(arm) ?? { expectedClicks: 0, items: 0 }
    lists.expectedClicks += expectedClicks
    lists.items += items.length
    arms.set(arm, lists)
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

  /** The sums of these arms, and the first held against the others. */
  result(arms: readonly string[]): ShopResult {
    return {
      arms: Object.fromEntries(arms.map((arm) => [arm, this.#sumsOf(arm)])),
      paired: Object.fromEntries(arms.slice(1).map((arm) => [arm, this.#pairedDifference(arms[0]!, arm)])),
    }
  }

  #sumsOf(arm: string): ArmSums {
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

  /**
   * Expected click-through of arm `a` less that of `b` over the same requests, by the delta method over people; nobody's
   * unless the shop ran `paired`.
   */
  #pairedDifference(a: string, b: string): MeanEstimate {
    const people = [...this.#compared.values()].map((arms) => [arms.get(a)!, arms.get(b)!] as const)
    const totals = [0, 1].map((side) => ({
      expectedClicks: people.reduce((sum, lists) => sum + lists[side]!.expectedClicks, 0),
      items: people.reduce((sum, lists) => sum + lists[side]!.items, 0),
    }))
    const [rateA, rateB] = totals.map(({ expectedClicks, items }) => expectedClicks / Math.max(1, items))
    const count = people.length
    if (count < 2) return { mean: 0, variance: 0, count: 0 }
    let squares = 0
    for (const [ofA, ofB] of people) {
      const residualA = (ofA.expectedClicks - rateA! * ofA.items) / (totals[0]!.items / count)
      squares += (residualA - (ofB.expectedClicks - rateB! * ofB.items) / (totals[1]!.items / count)) ** 2
    }
    return { mean: rateA! - rateB!, variance: squares / (count - 1), count }
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
