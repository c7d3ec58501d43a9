import type { Observation, Query, RankedList, Recommender } from './recommender.ts'

/** What is held back: columns that double when full. */
const firstSize = 1024

/**
 * Gives an algorithm its events late: those after `fit` only at the next full multiple of a period (a model trained anew each
 * hour, or each night), or never (a frozen one). What is asked for still carries the running visit as it is.
 */
export class HeldBack implements Recommender {
  readonly #inner: Recommender
  readonly #periodMs: number
  #columns = { numbers: new Int32Array(4 * firstSize), values: new Float64Array(3 * firstSize) }
  #held = 0
  #fitted = false
  #period = Number.NEGATIVE_INFINITY
  readonly #one: Observation = { user: 0, session: 0, item: 0, timeMs: 0, type: 0, strength: 0, rating: 0 }
  readonly predict?: (user: number, item: number) => number
  readonly prepare?: (query: Query) => Promise<void>
  readonly face?: (query: Query) => void

  /** `every`: seconds, or `never`. */
  constructor(inner: Recommender, every: number | 'never') {
    this.#inner = inner
    this.#periodMs = every === 'never' ? Number.POSITIVE_INFINITY : every * 1000
    if (inner.prepare !== undefined) this.prepare = (query) => inner.prepare!(query)
    // Later what was chosen comes late or never, and would be taken for the answer to another question.
    if (inner.face !== undefined) this.face = (query) => (this.#fitted ? undefined : inner.face!(query))
    if (inner.predict !== undefined) this.predict = (user, item) => inner.predict!(user, item)
  }

  learn(observation: Observation): void {
    if (!this.#fitted) this.#inner.learn(observation)
    else if (this.#periodMs < Number.POSITIVE_INFINITY) {
      this.#turn(observation.timeMs)
      this.#hold(observation)
    }
  }

  fit(): void {
    this.#inner.fit?.()
    this.#fitted = true
  }

  recommend(query: Query, n: number, out: RankedList): void {
    if (this.#periodMs < Number.POSITIVE_INFINITY) this.#turn(query.nowMs)
    this.#inner.recommend(query, n, out)
  }

  /** When a new period has begun, everything before it is learned. */
  #turn(nowMs: number): void {
    const period = Math.floor(nowMs / this.#periodMs)
    if (period <= this.#period) return
    this.#period = period
    if (this.#held === 0) return
    const { numbers, values } = this.#columns
    const one = this.#one
    for (let n = 0; n < this.#held; n++) {
      one.user = numbers[4 * n]!
      one.session = numbers[4 * n + 1]!
      one.item = numbers[4 * n + 2]!
      one.type = numbers[4 * n + 3]!
      one.timeMs = values[3 * n]!
      one.strength = values[3 * n + 1]!
      one.rating = values[3 * n + 2]!
      this.#inner.learn(one)
    }
    this.#held = 0
    this.#inner.fit?.()
  }

  #hold({ user, session, item, type, timeMs, strength, rating }: Observation): void {
    if (4 * this.#held === this.#columns.numbers.length) {
      const numbers = new Int32Array(8 * this.#held)
      const values = new Float64Array(6 * this.#held)
      numbers.set(this.#columns.numbers)
      values.set(this.#columns.values)
      this.#columns = { numbers, values }
    }
    this.#columns.numbers.set([user, session, item, type], 4 * this.#held)
    this.#columns.values.set([timeMs, strength, rating], 3 * this.#held)
    this.#held++
  }
}
