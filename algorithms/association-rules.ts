import { RuleCounts } from './rule-counts.ts'

export interface AssociationRulesOptions {
  /** Item ids are whole numbers in [0, itemsMax). */
  readonly itemsMax: number
  /** Newest earlier events of a session that a new one is paired with: bounds the cost of a robot. Default 50. */
  readonly backMax?: number
  /** Consequents remembered per item. Default 400. */
  readonly consequentsMax?: number
}

/**
 * AR, simple association rules of size two (Agrawal, Imieliński, Swami, SIGMOD 1993, as the baseline of Ludewig, Jannach, UMUAI
 * 2018): every pair of events of a session with different items counts 1 in both directions, whatever lies between; an item is
 * followed by what was most often with it. Counts move with every event.
 */
export class AssociationRules {
  readonly rules: RuleCounts
  readonly #backMax: number

  constructor({ itemsMax, backMax = 50, consequentsMax = 400 }: AssociationRulesOptions) {
    this.rules = new RuleCounts(itemsMax, consequentsMax)
    this.#backMax = backMax
  }

  /** Takes the next event of a session whose earlier items are `before`, oldest first. */
  add(before: Int32Array, item: number): void {
    for (let at = before.length - 1; at >= Math.max(0, before.length - this.#backMax); at--) {
      const other = before[at]!
      if (other === item) continue
      this.rules.add(item, other, 1)
      this.rules.add(other, item, 1)
    }
  }
}
