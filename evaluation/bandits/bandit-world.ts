import { sampleNormal } from '../../algorithms/sample.ts'
import { createRandom } from '../../core/random.ts'

/** What a world of a few arms is made of. */
export interface WorldOptions {
  /** Arms at the start, 2–100. */
  readonly arms: number
  /** Numbers of a context, the first always 1; 1 = people do not differ. */
  readonly features: number
  readonly decisions: number
  /** Share of the decisions after which tastes are drawn anew; 1 = never. */
  readonly driftAt: number
  /** Share of the decisions after which the best arm is taken away; 1 = never. */
  readonly removeAt: number
  /** Mean decisions until a reward is known; 0 = at once. */
  readonly delay: number
  readonly seed: string
}

/** Log odds of a click for an average person: about 6 %. */
const baseLogit = -2.75

/** People by whom the arm that goes is chosen. */
const peopleAsked = 2_000

/**
 * A synthetic shop for policies: people with a context, arms that suit some of them, clicks by a logistic choice. Everything follows from
 * the seed and the number of the decision, so that every policy meets the same people, luck and delays.
 */
export class BanditWorld {
  readonly options: WorldOptions
  readonly arms: readonly string[]
  readonly #before: readonly Float64Array[]
  readonly #after: readonly Float64Array[]
  readonly #removed: number

  constructor(options: WorldOptions) {
    this.options = options
    this.arms = Array.from({ length: options.arms }, (_, arm) => `arm-${arm}`)
    this.#before = tastes(options, 'before')
    this.#after = tastes(options, 'after')
    this.#removed = options.removeAt < 1 ? this.#bestOverall() : -1
  }

  /** What a policy has come to rely on before an arm goes: the best over people, not the one with the highest rate for an average person. */
  #bestOverall(): number {
    const totals = this.arms.map(() => 0)
    for (let decision = 0; decision < Math.min(peopleAsked, this.options.decisions); decision++) {
      const context = this.contextOf(decision)
      for (let arm = 0; arm < totals.length; arm++) totals[arm]! += this.rateOf(arm, context, 0)
    }
    return totals.indexOf(Math.max(...totals))
  }

  /** The person of a decision: 1 and standard normal numbers. */
  contextOf(decision: number): Float64Array {
    const random = createRandom(`${this.options.seed} person ${decision}`)
    return Float64Array.from({ length: this.options.features }, (_, i) => (i === 0 ? 1 : sampleNormal(random)))
  }

  /** Numbers of the arms there are. */
  availableAt(decision: number): number[] {
    const removed = decision >= this.options.removeAt * this.options.decisions ? this.#removed : -1
    return this.arms.map((_, arm) => arm).filter((arm) => arm !== removed)
  }

  /** Chance of a click, (0, 1). */
  rateOf(arm: number, context: Float64Array, decision: number): number {
    const taste = (decision >= this.options.driftAt * this.options.decisions ? this.#after : this.#before)[arm]!
    let logit = baseLogit
    for (let i = 0; i < context.length; i++) logit += taste[i]! * context[i]!
    return 1 / (1 + Math.exp(-logit))
  }

  /** The luck of a decision, the same for every arm; and how many decisions later its reward is known. */
  luckOf(decision: number): { readonly uniform: number; readonly delay: number } {
    const random = createRandom(`${this.options.seed} luck ${decision}`)
    const uniform = random.next()
    return { uniform, delay: this.options.delay === 0 ? 0 : Math.ceil(-Math.log(1 - random.next()) * this.options.delay) }
  }
}

function tastes({ arms, features, seed }: WorldOptions, when: string): Float64Array[] {
  const random = createRandom(`${seed} tastes ${when}`)
  return Array.from({ length: arms }, () =>
    Float64Array.from({ length: features }, (_, i) => (i === 0 ? 0.3 : 0.6) * sampleNormal(random)),
  )
}
