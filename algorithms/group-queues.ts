/** The rows of each group in order of rank, taken from the front. */
export class GroupQueues {
  readonly #order: Int32Array
  /** Places in the order by group; the last queue holds rows of no group. */
  readonly #places: readonly number[][]
  readonly #heads: Int32Array

  /** @param order rows, best first. @param groups group by row; outside 0 … groupCount − 1 = none. */
  constructor(order: Int32Array, groups: Int32Array, groupCount: number) {
    const places: number[][] = Array.from({ length: groupCount + 1 }, () => [])
    for (let n = 0; n < order.length; n++) {
      const group = groups[order[n]!]!
      places[group >= 0 && group < groupCount ? group : groupCount]!.push(n)
    }
    this.#order = order
    this.#places = places
    this.#heads = new Int32Array(groupCount + 1)
  }

  isEmpty(group: number): boolean {
    return this.#heads[group]! >= this.#places[group]!.length
  }

  /** Place of the group's head in the order: lower is better; beyond all places when empty. */
  headPlace(group: number): number {
    return this.#places[group]![this.#heads[group]!] ?? this.#order.length
  }

  /** Whether the head of `group` is better than that of `other`; -1 as other = nothing yet. */
  isBetter(group: number, other: number): boolean {
    return other < 0 || this.headPlace(group) < this.headPlace(other)
  }

  /** Takes the group's head and answers its row; -1 = the rows of no group. The queue must not be empty. */
  take(group: number): number {
    const queue = group < 0 ? this.#places.length - 1 : group
    return this.#order[this.#places[queue]![this.#heads[queue]!++]!]!
  }
}
