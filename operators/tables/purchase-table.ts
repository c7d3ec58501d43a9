import { Interner } from '../../algorithms/interner.ts'
import { PurchaseShares } from '../../algorithms/purchase-shares.ts'
import type { Sourced } from '../../ports/batch.ts'
import type { ItemUpdate } from '../../schemas/item-update.ts'

const itemsMax = 1 << 22

/** `item-updates` as a table: what `item-features` must know of other partitions' items to tell a complement from what everybody buys. */
export class PurchaseTable {
  readonly #items = new Interner(itemsMax)
  readonly #shares = new PurchaseShares()
  readonly #leaves: (string | undefined)[] = []

  apply(records: readonly Sourced<ItemUpdate | null>[]): void {
    for (const { key, value } of records) {
      const row = this.#items.add(key)
      if (row < 0 || value === null) continue
      this.#shares.set(row, value.bought, value.eventTimeMs)
      this.#leaves[row] = value.item?.category.at(-1)
    }
  }

  /** P(j) over the purchases of all items; 0 for an unknown item. */
  shareOf(itemId: string): number {
    return this.#shares.of(this.#items.find(itemId))
  }

  /** The item's leaf category; undefined if it has none or is unknown. */
  leafOf(itemId: string): string | undefined {
    return this.#leaves[this.#items.find(itemId)]
  }
}
