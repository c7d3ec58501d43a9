import { money, optional, recordSchema, timestampMs } from './record-schema.ts'

/** One catalogue item. A null record withdraws it. */
export interface Item {
  readonly itemId: string
  readonly title: string
  readonly description: string
  /** Category path, general first. */
  readonly category: readonly string[]
  readonly tags: readonly string[]
  readonly brand: string | null
  readonly price: number
  /** Money earned per piece sold. */
  readonly margin: number
  /** Pieces left; null = not counted, always available. */
  readonly stock: number | null
  readonly createdMs: number
  readonly imageUrl: string | null
  /** The price without a discount; null if there is no other. */
  readonly listPrice: number | null
  /** What buyers think of whoever sells it, 1–5. */
  readonly sellerRating: number | null
  /** When it came, or comes, out: a book, a film, a record. */
  readonly releasedMs: number | null
}

export const itemSchema = recordSchema<Item>('Item', 'One catalogue item; null withdraws it.', [
  { name: 'itemId', type: 'string', doc: 'The item; also the record key.' },
  { name: 'title', type: 'string', doc: 'What people read.' },
  { name: 'description', type: 'string', doc: 'Longer text.', default: '' },
  { name: 'category', type: { type: 'array', items: 'string' }, doc: 'Category path, general first.', default: [] },
  { name: 'tags', type: { type: 'array', items: 'string' }, doc: 'Free attributes.', default: [] },
  optional('brand', 'string', 'Brand.'),
  { name: 'price', type: money, doc: 'Unit price.' },
  { name: 'margin', type: money, doc: 'Money earned per piece sold.' },
  optional('stock', 'int', 'Pieces left; null = not counted.'),
  { name: 'createdMs', type: timestampMs, doc: 'When it entered the catalogue.' },
  optional('imageUrl', 'string', 'Picture.'),
  optional('listPrice', money, 'The price without a discount.'),
  optional('sellerRating', 'float', 'What buyers think of the seller, 1-5.'),
  optional('releasedMs', timestampMs, 'When it came, or comes, out.'),
])
