import { type Item, itemSchema } from './item.ts'
import { recordSchema, timestampMs } from './record-schema.ts'

/** A related item with how often the two met, decayed with half-life 30 d; most first in lists. */
export interface Neighbour {
  readonly itemId: string
  readonly weight: number
}

/** Everything the streams know about one item: newest wins. */
export interface ItemUpdate {
  readonly itemId: string
  /** Catalogue data; null if only events were seen so far. */
  readonly item: Item | null
  readonly withdrawn: boolean
  /** Decayed strength, half-life 7 d, as of `eventTimeMs`. */
  readonly popularity: number
  /** z of features.md F2.10 as of `eventTimeMs`. */
  readonly trend: number
  /** Events so far by index in `eventTypes`. */
  readonly counts: readonly number[]
  /** Smoothed purchases per view. */
  readonly purchaseRate: number
  /** Mean rating with 5 pseudo-ratings of 3.5. */
  readonly rating: number
  /** Decayed strength, half-life 1 h, as of `eventTimeMs`. */
  readonly hourly: number
  /** Distinct people, about. */
  readonly people: number
  /** Seen together, at most 50. */
  readonly similar: readonly Neighbour[]
  /** Bought with it or within 7 days after it, at most 50. */
  readonly together: readonly Neighbour[]
  /** Decayed purchases, half-life 30 d, as of `eventTimeMs`. */
  readonly bought: number
  /** Decayed co-purchases after it of whatever item, those left out of `together` too, half-life 30 d, as of `eventTimeMs`. */
  readonly followed: number
  readonly eventTimeMs: number
}

const neighbourSchema = recordSchema<Neighbour>('Neighbour', 'A related item.', [
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'weight', type: 'float', doc: 'Decayed number of meetings.' },
])

export const itemUpdateSchema = recordSchema<ItemUpdate>('ItemUpdate', 'Everything the streams know about one item.', [
  { name: 'itemId', type: 'string', doc: 'The item; also the record key.' },
  { name: 'item', type: ['null', itemSchema.definition], doc: 'Catalogue data; null if unknown.', default: null },
  { name: 'withdrawn', type: 'boolean', doc: 'Taken out of the catalogue.', default: false },
  { name: 'popularity', type: 'double', doc: 'Decayed strength, half-life 7 d.' },
  { name: 'trend', type: 'double', doc: 'z score against its own week.' },
  { name: 'counts', type: { type: 'array', items: 'int' }, doc: 'Events by type index.' },
  { name: 'purchaseRate', type: 'double', doc: 'Smoothed purchases per view.' },
  { name: 'similar', type: { type: 'array', items: neighbourSchema.definition }, doc: 'Seen together.' },
  { name: 'together', type: { type: 'array', items: 'Neighbour' }, doc: 'Bought together.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest event in it.' },
  { name: 'rating', type: 'double', doc: 'Mean rating with 5 pseudo-ratings of 3.5.', default: 3.5 },
  { name: 'hourly', type: 'double', doc: 'Decayed strength, half-life 1 h.', default: 0 },
  { name: 'people', type: 'int', doc: 'Distinct people, about.', default: 0 },
  { name: 'bought', type: 'double', doc: 'Decayed purchases, half-life 30 d.', default: 0 },
  { name: 'followed', type: 'double', doc: 'Decayed co-purchases after it, half-life 30 d.', default: 0 },
])
