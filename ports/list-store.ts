import type { ListEdits } from '../schemas/amended-texts.ts'

/** The order of list versions: higher epoch, then higher position, wins. */
export interface ListVersion {
  readonly epoch: number
  readonly position: number
}

/** One served value. Its JSON text must begin with `{"version":[epoch,position]` (see schemas/served-list.ts). */
export interface ListEntry {
  readonly key: string
  readonly value: string
  /** Keys of the same hash tag that are swapped together with it (the reserve). */
  readonly companions?: readonly { readonly key: string; readonly value: string }[]
  readonly version: ListVersion
  /** Seconds; 0 = never expires. */
  readonly ttlS: number
}

/** A correction of one stored list: items that may not be shown any more leave it, others take their places. */
export interface ListAmendment extends ListEdits {
  readonly key: string
  /** The companion that holds the list's spare items. */
  readonly reserveKey: string
  /** The version whose contents the caller knows: with any other stored nothing is changed. */
  readonly version: ListVersion
}

/**
 * Served lists under the reader's own keys (architecture.md section 5).
 * Errors: `MILL_STORE_UNAVAILABLE`.
 */
export interface ListStore {
  /** Guarded swap: an entry is written only if nothing is stored or its version is higher. Returns, per entry, whether it was. */
  swap(entries: readonly ListEntry[]): Promise<readonly boolean[]>
  /**
   * Amends lists where they lie, each with its reserve as one step; version and expiry stay, so neither a repeat of the batch that
   * made the list nor a late amendment undoes anything. Returns, per amendment, whether the version was stored. Twice is once.
   */
  amend(amendments: readonly ListAmendment[]): Promise<readonly boolean[]>
  /** One value per key, null where absent. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]>
  remove(keys: readonly string[]): Promise<void>
  /** Keys that begin with `prefix`, some at a time, none twice unless keys move meanwhile; costs a walk over all keys: never for serving. */
  scan(prefix: string): AsyncIterable<readonly string[]>
  close(): Promise<void>
}
