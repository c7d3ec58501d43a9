/** Gives texts dense numbers from 0 in order of first sight, both directions; bounded. */
export class Interner {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []
  readonly #max: number

  /** `max`: numbers given at most; further texts get -1. */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#texts.length
  }

  /** The number of a text, given now if it is new; -1 when full. */
  add(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (this.#texts.length >= this.#max) return -1
    this.#numbers.set(text, this.#texts.length)
    return this.#texts.push(text) - 1
  }

  /** The number of a text, -1 if it was never seen. */
  find(text: string): number {
    return this.#numbers.get(text) ?? -1
  }

  text(number: number): string {
    return this.#texts[number]!
  }
}
