import { recordSchema, timestampMs } from './record-schema.ts'

/** One item of a scope. */
export interface TrendEntry {
  readonly itemId: string
  /** Decayed strength in the scope, half-life 7 d. */
  readonly popularity: number
  /** z of features.md F2.10. */
  readonly trend: number
}

/** Popular and trending items of one scope (`scopeNames`): newest wins. */
export interface TrendUpdate {
  readonly scope: string
  /** At most 100, most popular first. */
  readonly items: readonly TrendEntry[]
  readonly eventTimeMs: number
  /** About how many different people touched them; good to about 100. */
  readonly people: number
}

const trendEntrySchema = recordSchema<TrendEntry>('TrendEntry', 'One item of a scope.', [
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'popularity', type: 'double', doc: 'Decayed strength.' },
  { name: 'trend', type: 'double', doc: 'z score.' },
])

export const trendUpdateSchema = recordSchema<TrendUpdate>('TrendUpdate', 'Popular and trending items of one scope.', [
  { name: 'scope', type: 'string', doc: 'The scope; also the record key.' },
  { name: 'items', type: { type: 'array', items: trendEntrySchema.definition }, doc: 'Most popular first.' },
  { name: 'eventTimeMs', type: timestampMs, doc: 'Newest event in it.' },
  { name: 'people', type: 'int', doc: 'About how many different people; good to about 100.', default: 0 },
])
