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

/**
 * Served lists under the reader's own keys (architecture.md section 5).
 * Errors: `MILL_STORE_UNAVAILABLE`.
 */
export interface ListStore {
  /** Guarded swap: an entry is written only if nothing is stored or its version is higher. Returns, per entry, whether it was. */
  swap(entries: readonly ListEntry[]): Promise<readonly boolean[]>
  /** One value per key, null where absent. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]>
  remove(keys: readonly string[]): Promise<void>
  /** Keys that begin with `prefix`, at most `limit`: for the CLI, never for serving. */
  keys(prefix: string, limit: number): Promise<readonly string[]>
  close(): Promise<void>
}
