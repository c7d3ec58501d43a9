import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** Where somebody stands with the shop by recency, frequency and money (features.md F16.3): newest wins. */
export interface SegmentUpdate {
  readonly userId: string
  /** `new`, `active`, `loyal`, `quiet`, `lapsing` or `lost`. */
  readonly segment: string
  /** The one before; null at first. */
  readonly previous: string | null
  /** Their first and their newest event. */
  readonly firstMs: number
  readonly lastMs: number
  readonly orders: number
  /** In hundredths. */
  readonly revenue: number
  /** Event time at which this became so. */
  readonly timeMs: number
}

export const segmentUpdateSchema = recordSchema<SegmentUpdate>('SegmentUpdate', 'Where somebody stands with the shop.', [
  { name: 'userId', type: 'string', doc: 'The person; also the record key; null erases.' },
  { name: 'segment', type: 'string', doc: 'new, active, loyal, quiet, lapsing or lost.' },
  optional('previous', 'string', 'The segment before.'),
  { name: 'firstMs', type: timestampMs, doc: 'First event.' },
  { name: 'lastMs', type: timestampMs, doc: 'Newest event.' },
  { name: 'orders', type: 'long', doc: 'Orders so far.' },
  { name: 'revenue', type: 'long', doc: 'Spent so far, in hundredths.' },
  { name: 'timeMs', type: timestampMs, doc: 'Event time at which this became so.' },
])
