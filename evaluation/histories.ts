/**
 * What each owner (a session or a user) has touched so far, oldest first. All places are laid out from the data beforehand, but
 * only what `add` has taken is ever shown: the future stays behind the view's end.
 */
export class Histories {
  readonly #starts: Int32Array
  readonly #lengths: Int32Array
  readonly #items: Int32Array

  /** `owners`: the owner of each event that will ever be added. `count`: owners, whose numbers are below it. */
  constructor(owners: Int32Array, count: number) {
    this.#starts = new Int32Array(count + 1)
    for (const owner of owners) this.#starts[owner + 1]!++
    for (let owner = 0; owner < count; owner++) this.#starts[owner + 1]! += this.#starts[owner]!
    this.#lengths = new Int32Array(count)
    this.#items = new Int32Array(owners.length)
  }

  add(owner: number, item: number): void {
    this.#items[this.#starts[owner]! + this.#lengths[owner]!++] = item
  }

  length(owner: number): number {
    return this.#lengths[owner]!
  }

  /** The items so far; a view that stays as it is when more are added. */
  of(owner: number): Int32Array {
    const start = this.#starts[owner]!
    return this.#items.subarray(start, start + this.#lengths[owner]!)
  }
}
