import { type Static, Type } from '@sinclair/typebox'
import type { Item } from '../schemas/item.ts'
import { nullable } from './nullable.ts'

/** What a front end shows of an item, as it is now (features.md F9.7). */
export const itemAnswerSchema = Type.Object({
  title: Type.String(),
  category: Type.Array(Type.String(), { description: 'General first.' }),
  brand: nullable('string', 'Brand.'),
  price: Type.Number({ description: 'Live price.' }),
  stock: nullable('integer', 'Pieces left; null = not counted.'),
  image_url: nullable('string', 'Picture.'),
})

/** An item as JSON. */
export function itemAnswerOf(item: Item): Static<typeof itemAnswerSchema> {
  const { title, brand, price, stock } = item
  return { title, category: [...item.category], brand, price, stock, image_url: item.imageUrl }
}
