/** Half-life of what is known of purchases; that of co-purchases, too. */
export const purchaseHalfLifeMs = 30 * 24 * 3_600_000

/**
 * P(j): each item's share of all purchases lately. Decayed sums that items bring as of different moments are compared at one landmark, the
 * moment of the first, so that a share moves only when somebody buys. Memory: 8 bytes an item.
 */
export class PurchaseShares {
  #sums = new Float64Array(1024)
  #total = 0
  #referenceMs = Number.NaN

  /** Replaces what is known of item number `row`: `bought` ≥ 0 decayed purchases (half-life 30 d) as of `atMs`. */
  set(row: number, bought: number, atMs: number): void {
    if (row >= this.#sums.length) this.#grow(row)
    if (Number.isNaN(this.#referenceMs) && bought > 0) this.#referenceMs = atMs
    const sum = bought > 0 ? bought * 2 ** ((atMs - this.#referenceMs) / purchaseHalfLifeMs) : 0
    this.#total += sum - this.#sums[row]!
    this.#sums[row] = sum
  }

  /** The share of an item, 0–1; 0 while nothing was bought. */
  of(row: number): number {
    const sum = this.#sums[row] ?? 0
    return sum > 0 ? Math.min(1, sum / this.#total) : 0
  }

  #grow(row: number): void {
    const longer = new Float64Array(Math.max(row + 1, this.#sums.length * 2))
    longer.set(this.#sums)
    this.#sums = longer
  }
}
