import { recordSchema } from './record-schema.ts'

/**
 * What one event says about a key. Below 16 the kind is the index of the event type and the key is the item. `co_visit` and
 * `co_purchase` say that `other` goes with the key item; `scope` says that item `other` was touched within the key scope
 * (`scope:all`, `scope:category:<name>`, `scope:region:<name>`).
 */
export const signalKinds = { coVisit: 16, coPurchase: 17, scope: 18 } as const

/**
 * Contributions of many events to the keys of one target partition, packed as columns: sending costs per message. Additive:
 * each row carries its source offset, ascending; a reader skips rows below the position it stores for `sourcePartition`.
 */
export interface ItemSignals {
  /** Partition of user-events all rows come from. */
  readonly sourcePartition: number
  /** Log time of the newest event, ms. */
  readonly loggedMs: number
  /** The texts that `keys` and `others` index. */
  readonly strings: readonly string[]
  readonly keys: readonly number[]
  /** -1 = none. */
  readonly others: readonly number[]
  readonly kinds: readonly number[]
  readonly offsets: readonly number[]
  readonly timesMs: readonly number[]
  readonly weights: readonly number[]
  /** 32-bit hash of the person: for counting distinct people, never for finding one. */
  readonly people: readonly number[]
  /** Money: price times quantity of purchases, unit price otherwise; 0 unknown. */
  readonly amounts: readonly number[]
}

export const itemSignalsSchema = recordSchema<ItemSignals>(
  'ItemSignals',
  'Contributions of events to items and scopes, as columns.',
  [
    { name: 'sourcePartition', type: 'int', doc: 'Partition of user-events.' },
    { name: 'loggedMs', type: 'long', doc: 'Log time of the newest event.' },
    { name: 'strings', type: { type: 'array', items: 'string' }, doc: 'Texts that keys and others index.' },
    { name: 'keys', type: { type: 'array', items: 'int' }, doc: 'Index of the item or scope.' },
    { name: 'others', type: { type: 'array', items: 'int' }, doc: 'Index of the other item; -1 none.' },
    { name: 'kinds', type: { type: 'array', items: 'int' }, doc: 'Kind of contribution.' },
    { name: 'offsets', type: { type: 'array', items: 'long' }, doc: 'Source offset, ascending.' },
    { name: 'timesMs', type: { type: 'array', items: 'long' }, doc: 'Event time.' },
    { name: 'weights', type: { type: 'array', items: 'float' }, doc: 'Strength.' },
    { name: 'people', type: { type: 'array', items: 'int' }, doc: 'Hash of the person.' },
    { name: 'amounts', type: { type: 'array', items: 'double' }, doc: 'Money.' },
  ],
)
