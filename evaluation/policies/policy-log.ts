import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'

/** Rows held at most: about 2 GB of columns with ten arms each. */
const rowsMax = 20_000_000

/** A policy's log in columns, in order of time. */
export class PolicyLog {
  readonly arms: string[] = []
  /** Positions that occur: 0 to positions − 1. */
  positions = 0
  /** Values of the context. */
  width = 0
  readonly timeMs: number[] = []
  readonly arm: number[] = []
  readonly position: number[] = []
  readonly propensity: number[] = []
  readonly reward: number[] = []
  readonly unit: number[] = []
  readonly #candidates: (Int32Array | null)[] = []
  readonly #context: number[] = []
  readonly #numbers = new Map<string, number>()
  readonly #units = new Map<string, number>()
  #sets = new Map<string, Int32Array>()

  get rows(): number {
    return this.arm.length
  }

  /** Adds rows. Errors: `MILL_IMPORT_INVALID` if there are too many, or a row's context has another width than the first one's. */
  add(choices: readonly LoggedChoice[]): void {
    if (this.rows + choices.length > rowsMax)
      throw new MillraceError('MILL_IMPORT_INVALID', `a policy log may have ${rowsMax} rows; give a shorter time`)
    for (const choice of choices) {
      if (this.rows === 0) this.width = choice.context.length
      if (choice.context.length !== this.width)
        throw new MillraceError(
          'MILL_IMPORT_INVALID',
          `row ${this.rows + 1} has ${choice.context.length} context values, the first has ${this.width}`,
        )
      this.positions = Math.max(this.positions, choice.position + 1)
      this.timeMs.push(choice.timeMs)
      this.arm.push(this.numberOf(choice.arm))
      this.position.push(choice.position)
      this.propensity.push(choice.propensity)
      this.reward.push(choice.reward)
      this.unit.push(choice.unit === '' ? -1 : interned(this.#units, choice.unit))
      this.#candidates.push(this.#setOf(choice.candidates))
      for (const value of choice.context) this.#context.push(value)
    }
  }

  /** The number of an arm; a new one gets the next. */
  numberOf(name: string): number {
    const number = interned(this.#numbers, name)
    if (number === this.arms.length) this.arms.push(name)
    return number
  }

  /** Arms that could have stood in a row's place, as numbers; null = all arms of the log. */
  candidatesOf(row: number): Int32Array | null {
    return this.#candidates[row]!
  }

  contextOf(row: number): Float64Array {
    return Float64Array.from(this.#context.slice(row * this.width, (row + 1) * this.width))
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
