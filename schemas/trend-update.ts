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
  /** Of a category: how busy each hour of the week is, 168 from Monday 0:00 UTC on, 1 = as busy as any; empty for a week, and of other scopes. */
  readonly hours: readonly number[]
  /** Of all: people by step of what they spent in 90 days, decayed by their last purchase (algorithms/spend-ranks.ts); empty of other scopes. */
  readonly spenders: readonly number[]
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
  {
    name: 'hours',
    type: { type: 'array', items: 'float' },
    doc: 'Of a category: index of each hour of the week, from Monday 0:00 UTC on; empty if unknown.',
    default: [],
  },
  {
    name: 'spenders',
    type: { type: 'array', items: 'float' },
    doc: 'Of all: buyers by step of what they spent in 90 days; empty of other scopes.',
    default: [],
  },
])
