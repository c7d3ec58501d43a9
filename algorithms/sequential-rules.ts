import { RuleCounts } from './rule-counts.ts'

export interface SequentialRulesOptions {
  /** Item ids are whole numbers in [0, itemsMax). */
  readonly itemsMax: number
  /** Farthest step back that makes a rule. Default 20. */
  readonly stepsMax?: number
  /** A rule over s steps weighs 1/s^power. Default 2. */
  readonly power?: number
  /** Consequents remembered per item. Default 400. */
  readonly consequentsMax?: number
}

/**
 * SR, sequential rules (Kamehkhosh, Jannach, Ludewig, TempRec 2017; Ludewig, Jannach, UMUAI 2018): the rule from the item s steps
 * back to an item grows by 1/s² with every event; an item is followed by its heaviest rules.
 */
export class SequentialRules {
  readonly rules: RuleCounts
  readonly #weights: Float64Array

  constructor({ itemsMax, stepsMax = 20, power = 2, consequentsMax = 400 }: SequentialRulesOptions) {
    this.rules = new RuleCounts(itemsMax, consequentsMax)
    this.#weights = Float64Array.from({ length: stepsMax }, (_, n) => 1 / (n + 1) ** power)
  }

  /** Takes the next event of a session whose earlier items are `before`, oldest first. */
  add(before: Int32Array, item: number): void {
    const steps = Math.min(before.length, this.#weights.length)
    for (let step = 1; step <= steps; step++) this.rules.add(before[before.length - step]!, item, this.#weights[step - 1]!)
  }
}
