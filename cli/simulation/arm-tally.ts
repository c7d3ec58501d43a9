import { addPerson, type ClickThrough, emptyClickThrough } from '../../algorithms/click-through.ts'
import type { MeanEstimate } from '../../algorithms/difference.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import type { ShownList, ShowRequest } from '../../simulator/storefront.ts'
import type { Expected, ShopObserver } from './shop-loop.ts'

/** What one person of an arm was shown and did. */
interface PersonCount {
  readonly arm: string
  lists: number
  showings: number
  clicks: number
  expectedClicks: number
  expectedPurchases: number
  purchases: number
  revenue: number
  /** Of items that a list had brought. */
  listPurchases: number
  listRevenue: number
}

/** Sums over the lists that an arm made or would have made for one person. */
interface ComparedLists {
  clicks: number
  purchases: number
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
  {
    name: 'expectedPurchasesPerThousand',
    scale: 1000,
    of: (person) => person.expectedPurchases,
    over: (person) => person.showings,
  },
  { name: 'listRevenuePerThousand', scale: 1000, of: (person) => person.listRevenue, over: (person) => person.showings },
  { name: 'purchasesPerVisitor', scale: 1, of: (person) => person.purchases, over: () => 1 },
  { name: 'revenuePerVisitor', scale: 1, of: (person) => person.revenue, over: () => 1 },
]

/** What is compared over the same requests: a sum of expectations per item shown, in units of `scale`. */
export const pairedMeasures = [
  { name: 'pairedExpectedClickThrough', scale: 1, of: 'clicks' },
  { name: 'pairedExpectedPurchasesPerThousand', scale: 1000, of: 'purchases' },
] as const satisfies readonly { name: string; scale: number; of: keyof Expected }[]

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
  /** By arm, in the order of `pairedMeasures`: the first arm less that arm over the same requests; of nobody unless `paired`. */
  readonly paired: Readonly<Record<string, readonly MeanEstimate[]>>
}

/** Counts one shop by person. What comes before `start` is not counted: lists get better while little is known. */
export class ArmTally implements ShopObserver {
  readonly #people = new Map<string, PersonCount>()
  readonly #compared = new Map<string, Map<string, ComparedLists>>()
  #counts = false

  /** Counts from now on. */
  start(): void {
    this.#counts = true
  }

  shown(arm: string, { userId }: ShowRequest, { items }: ShownList, expected: Expected): void {
    if (!this.#counts) return
    const person = this.#personOf(userId, arm)
    person.lists++
    person.showings += items.length
    person.expectedClicks += expected.clicks
    person.expectedPurchases += expected.purchases
  }

  compared(arm: string, { userId }: ShowRequest, { items }: ShownList, expected: Expected): void {
    if (!this.#counts) return
    let arms = this.#compared.get(userId)
    if (!arms) {
      arms = new Map()
      this.#compared.set(userId, arms)
    }
    const lists = arms.get(arm) ?? { clicks: 0, purchases: 0, items: 0 }
    lists.clicks += expected.clicks
    lists.purchases += expected.purchases
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
      paired: Object.fromEntries(
        arms
          .slice(1)
          .map((arm) => [arm, pairedMeasures.map(({ of, scale }) => this.#pairedDifference(arms[0]!, arm, { of, scale }))]),
      ),
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
   * Expectation per item shown of arm `a` less that of `b` over the same requests, by the delta method over people; nobody's
   * unless the shop ran `paired`.
   */
  #pairedDifference(a: string, b: string, { of, scale }: { of: keyof Expected; scale: number }): MeanEstimate {
    const people = [...this.#compared.values()].map((arms) => [arms.get(a)!, arms.get(b)!] as const)
    const totals = [0, 1].map((side) => ({
      expected: people.reduce((sum, lists) => sum + lists[side]![of], 0),
      items: people.reduce((sum, lists) => sum + lists[side]!.items, 0),
    }))
    const [rateA, rateB] = totals.map(({ expected, items }) => expected / Math.max(1, items))
    const count = people.length
    if (count < 2) return { mean: 0, variance: 0, count: 0 }
    let squares = 0
    for (const [ofA, ofB] of people) {
      const residualA = (ofA[of] - rateA! * ofA.items) / (totals[0]!.items / count)
      squares += (residualA - (ofB[of] - rateB! * ofB.items) / (totals[1]!.items / count)) ** 2
    }
    return { mean: scale * (rateA! - rateB!), variance: scale ** 2 * (squares / (count - 1)), count }
  }

  #personOf(userId: string, arm: string): PersonCount {
    let person = this.#people.get(userId)
    if (!person) {
      person = {
        ...{ arm, lists: 0, showings: 0, clicks: 0, expectedClicks: 0, expectedPurchases: 0 },
        ...{ purchases: 0, revenue: 0, listPurchases: 0, listRevenue: 0 },
      }
      this.#people.set(userId, person)
    }
    return person
  }
}
