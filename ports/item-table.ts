import type { Item } from '../schemas/item.ts'

/** The catalogue as a process holds it in memory: live stock and price, no remote read. */
export interface ItemTable {
  /** The item, or undefined if it is unknown or withdrawn. */
  get(itemId: string): Item | undefined
}
