import type { Random } from '../core/random.ts'

/**
 * A uniform sample without repeats of questions that come one by one (Knuth, TAOCP 2, 3.4.2, algorithm S): of all subsets of
 * `wanted` of `there` questions each is as likely, and nothing is kept. With `wanted` ≥ `there` all are taken.
 */
export class QuestionSample {
  readonly #random: Random
  #left: number
  #wanted: number

  constructor({ there, wanted, random }: { readonly there: number; readonly wanted: number; readonly random: Random }) {
    this.#left = there
    this.#wanted = wanted
    this.#random = random
  }

  /** Whether the next question belongs to the sample; to be asked once for each. */
  takes(): boolean {
    const taken = this.#random.next() * this.#left < this.#wanted
    this.#left--
    if (taken) this.#wanted--
    return taken
  }
}
