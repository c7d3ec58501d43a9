import type { PurchaseHistory } from '../../algorithms/bg-nbd.ts'
import type { SpendHistory } from '../../algorithms/gamma-gamma.ts'
import type { UserEvent } from '../../schemas/user-event.ts'

const dayMs = 86_400_000
const weekMs = 7 * dayMs

/** What somebody bought on one day: several items of one visit are one transaction. */
export interface Transaction {
  /** Start of the day, UTC ms. */
  readonly dayMs: number
  readonly value: number
}

/** One customer's purchases up to a moment. */
export interface Customer extends PurchaseHistory {
  readonly userId: string
  readonly firstMs: number
  readonly lastMs: number
  /** Transactions, the first one counted. */
  readonly frequency: number
  /** Their value in all. */
  readonly monetary: number
  /** Repeat transactions only, as the model of spend reads them; null without one. */
  readonly spend: SpendHistory | null
}

/** Purchases by customer and day. Time is in weeks in what the models read. */
export class CustomerBase {
  readonly #customers = new Map<string, Map<number, number>>()
  firstMs = Number.POSITIVE_INFINITY
  lastMs = Number.NEGATIVE_INFINITY

  /** Adds a purchase; other events, and purchases without a price, are passed over. */
  add({ type, userId, timeMs, price, quantity }: UserEvent): void {
    if (type !== 'purchase' || price === null || !(price > 0)) return
    const day = Math.floor(timeMs / dayMs) * dayMs
    let days = this.#customers.get(userId)
    if (!days) {
      days = new Map()
      this.#customers.set(userId, days)
    }
    days.set(day, (days.get(day) ?? 0) + price * (quantity ?? 1))
    this.firstMs = Math.min(this.firstMs, day)
    this.lastMs = Math.max(this.lastMs, day)
  }

  get size(): number {
    return this.#customers.size
  }

  /** Customers whose first purchase lies before a moment, as they stood then. */
  customersAt(nowMs: number): Customer[] {
    const customers: Customer[] = []
    for (const [userId, days] of this.#customers) {
      const before = [...days].filter(([day]) => day < nowMs).sort(([a], [b]) => a - b)
      if (before.length === 0) continue
      const firstMs = before[0]![0]
      const lastMs = before.at(-1)![0]
      const repeats = before.length - 1
      const later = before.slice(1).reduce((sum, [, value]) => sum + value, 0)
      customers.push({
        userId,
        firstMs,
        lastMs,
        repeats,
        recency: (lastMs - firstMs) / weekMs,
        age: (nowMs - firstMs) / weekMs,
        frequency: before.length,
        monetary: before[0]![1] + later,
        spend: repeats > 0 ? { transactions: repeats, mean: later / repeats } : null,
      })
    }
    return customers
  }

  /** What a customer bought from one moment on until before another. */
  boughtBetween(userId: string, fromMs: number, toMs: number): { readonly transactions: number; readonly value: number } {
    let transactions = 0
    let value = 0
    for (const [day, spent] of this.#customers.get(userId) ?? [])
      if (day >= fromMs && day < toMs) {
        transactions++
        value += spent
      }
    return { transactions, value }
  }
}
