import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'

/** Rows held at most: about 2 GB of columns with ten arms each. */
const rowsMax = 20_000_000

/** A policy's log in columns, in order of time. */
export class PolicyLog {
  readonly arms: string[] = []
  /** Positions that occur: 0 to positions − 1. */
  positions = 0
  /** Values of the context of one candidate. */
  width = 0
  readonly timeMs: number[] = []
  readonly arm: number[] = []
  readonly position: number[] = []
  readonly propensity: number[] = []
  readonly reward: number[] = []
  readonly unit: number[] = []
  /** First rows of slates; empty where the log holds single slots. */
  readonly slates: number[] = []
  /** In slates the chance whatever stands above; NaN = not logged. */
  readonly marginal: number[] = []
  readonly #candidates: (Int32Array | null)[] = []
  readonly #context: number[] = []
  /** Where the context of a row begins. */
  readonly #contextAt: number[] = []
  readonly #numbers = new Map<string, number>()
  readonly #units = new Map<string, number>()
  readonly #sets = new Map<string, Int32Array>()
  #all = new Int32Array(0)

  get rows(): number {
    return this.arm.length
  }

  /** Adds rows. Errors: `MILL_IMPORT_INVALID` if there are too many, or a row's context has another width than the first one's. */
  add(choices: readonly LoggedChoice[]): void {
    if (this.rows + choices.length > rowsMax)
      throw new MillraceError('MILL_IMPORT_INVALID', `a policy log may have ${rowsMax} rows; give a shorter time`)
    for (const choice of choices) {
      const width = choice.context.length / (choice.perCandidate ? choice.candidates!.length : 1)
      if (this.rows === 0) this.width = width
      if (width !== this.width)
        throw new MillraceError(
          'MILL_IMPORT_INVALID',
          `row ${this.rows + 1} has ${width} context values, the first has ${this.width}`,
        )
      if (choice.slate && choice.position === 0) this.slates.push(this.rows)
      this.positions = Math.max(this.positions, choice.position + 1)
      this.timeMs.push(choice.timeMs)
      this.arm.push(this.numberOf(choice.arm))
      this.position.push(choice.position)
      this.propensity.push(choice.propensity)
      this.reward.push(choice.reward)
      this.unit.push(choice.unit === '' ? -1 : interned(this.#units, choice.unit))
      this.marginal.push(choice.slate?.marginal ?? Number.NaN)
      this.#candidates.push(this.#setOf(choice.candidates))
      this.#contextAt.push(this.#context.length)
      for (const value of choice.context) this.#context.push(value)
    }
  }

  /** The number of an arm; a new one gets the next. */
  numberOf(name: string): number {
    const number = interned(this.#numbers, name)
    if (number === this.arms.length) this.arms.push(name)
    return number
  }

  /** Arms that could have stood in a row's place, as numbers. */
  candidatesOf(row: number): Int32Array {
    const candidates = this.#candidates[row]
    if (candidates) return candidates
    if (this.#all.length !== this.arms.length) this.#all = Int32Array.from(this.arms, (_, arm) => arm)
    return this.#all
  }

  /** Rows of the slate that begins at a row. */
  slateLength(first: number): number {
    let length = 1
    while (first + length < this.rows && this.position[first + length] === length) length++
    return length
  }

  /** What was known of one of a row's candidates. */
  contextOf(row: number, arm: number): Float64Array {
    const from = this.#contextAt[row]!
    const to = this.#contextAt[row + 1] ?? this.#context.length
    const at = to - from === this.width ? 0 : this.candidatesOf(row).indexOf(arm) * this.width
    return Float64Array.from(this.#context.slice(from + at, from + at + this.width))
  }

  /** Sets repeat from row to row: each is kept once. */
  #setOf(names: readonly string[] | null): Int32Array | null {
    if (names === null) return null
    const key = names.join('\n')
    let set = this.#sets.get(key)
    if (!set) {
      set = Int32Array.from(names, (name) => this.numberOf(name))
      this.#sets.set(key, set)
    }
    return set
  }
}

function interned(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  numbers.set(name, numbers.size)
  return numbers.size - 1
}
