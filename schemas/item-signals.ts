import { recordSchema } from './record-schema.ts'

/**
 * What one event says about a key. Below 16 the kind is the index of the event type and the key is the item. `co_visit` and
 * `co_purchase` say that `other` goes with the key item; `scope` says that item `other` was touched within the key scope
 * (`scopeNames`); `spend` says how many people more, or fewer, are buyers of step `other` of spending (algorithms/spend-ranks.ts).
 */
export const signalKinds = { coVisit: 16, coPurchase: 17, scope: 18, spend: 19 } as const

/**
 * Contributions of many events to the keys of one target partition, packed as columns: sending costs per message, and then per
 * byte. Additive: each event carries its source offset, ascending; a reader skips events below the position it stores for
 * `sourcePartition`. Offsets and times are differences to the event before (the first: to 0), which takes them a byte or three.
 */
export interface ItemSignals {
  /** Partition of user-events all rows come from. */
  readonly sourcePartition: number
  /** Log time of the newest event, ms. */
  readonly loggedMs: number
  /** The texts that `keys` and `others` index. */
  readonly strings: readonly string[]
  /** One number per event. */
  readonly offsets: readonly number[]
  readonly timesMs: readonly number[]
  /** 32-bit hash of the person: for counting distinct people, never for finding one. */
  readonly people: readonly number[]
  /** How many rows the event has, one or more. */
  readonly rowCounts: readonly number[]
  /** One number per row. */
  readonly keys: readonly number[]
  /** -1 = none. */
  readonly others: readonly number[]
  readonly kinds: readonly number[]
  readonly weights: readonly number[]
}

export const itemSignalsSchema = recordSchema<ItemSignals>(
  'ItemSignals',
  'Contributions of events to items and scopes, as columns: some per event, some per row of an event.',
  [
    { name: 'sourcePartition', type: 'int', doc: 'Partition of user-events.' },
    { name: 'loggedMs', type: 'long', doc: 'Log time of the newest event.' },
    { name: 'strings', type: { type: 'array', items: 'string' }, doc: 'Texts that keys and others index.' },
    {
      name: 'offsets',
      type: { type: 'array', items: 'long' },
      doc: 'Per event: source offset, as difference to the one before.',
    },
    { name: 'timesMs', type: { type: 'array', items: 'long' }, doc: 'Per event: event time, as difference to the one before.' },
    { name: 'people', type: { type: 'array', items: 'int' }, doc: 'Per event: hash of the person.' },
    { name: 'rowCounts', type: { type: 'array', items: 'int' }, doc: 'Per event: its number of rows.' },
    { name: 'keys', type: { type: 'array', items: 'int' }, doc: 'Per row: index of the item or scope.' },
    { name: 'others', type: { type: 'array', items: 'int' }, doc: 'Per row: index of the other item; -1 none.' },
    { name: 'kinds', type: { type: 'array', items: 'int' }, doc: 'Per row: kind of contribution.' },
    { name: 'weights', type: { type: 'array', items: 'float' }, doc: 'Per row: strength.' },
  ],
)
