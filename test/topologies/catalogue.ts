import type { Item } from '../../schemas/item.ts'
import { openMs } from './shop-events.ts'

/** An item of a small shop. */
export function shopItem(itemId: string, fields: Partial<Item> = {}): Item {
  return {
    itemId,
    title: `thing ${itemId}`,
    description: '',
    category: ['things'],
    tags: [],
    brand: null,
    price: 10,
    margin: 1,
    stock: null,
    createdMs: openMs - 1_000,
    imageUrl: null,
    listPrice: null,
    sellerRating: null,
    releasedMs: null,
    ...fields,
  }
}
