import type { Item } from '../schemas/item.ts'

/** The part of a data set an event belongs to, where the set comes with parts of its own. */
export const dataParts = ['train', 'valid', 'test'] as const
export type DataPart = (typeof dataParts)[number]

/**
 * Who did what and when, in columns: row n is `users[n]`, `sessions[n]`, `items[n]` … in order of time (equal times in file
 * order). Users, sessions and items are dense indexes from 0; item indexes follow the order of the ids (numeric ids by number,
 * others by text), so that "score desc, then item id asc" is "score desc, then index asc"; or an order that was drawn.
 */
export interface Observations {
  readonly count: number
  readonly users: Int32Array
  readonly sessions: Int32Array
  readonly items: Int32Array
  /** Event time, ms. */
  readonly timesMs: Float64Array
  /** Index in `eventTypes`. */
  readonly types: Uint8Array
  /** The rating (1–5) of a rating event, else 0. */
  readonly ratings: Float32Array
  /** Index in `dataParts`; all 0 where the data has no parts. */
  readonly parts: Uint8Array
  readonly userIds: readonly string[]
  readonly itemIds: readonly string[]
  /** How items of equal scores stand, in words. */
  readonly ties: string
  readonly sessionCount: number
  /** What is known of each item, null for nothing but its id. */
  readonly facts: readonly (Item | null)[]
}
