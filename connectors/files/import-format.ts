import type { TopicValue } from '../../schemas/topics.ts'

/** One record that an import file gave. */
export type ImportRecord = {
  [N in 'user-events' | 'items' | 'users']: { readonly topic: N; readonly key: string; readonly value: TopicValue<N> }
}['user-events' | 'items' | 'users']

/** How far a reading is. */
export interface ImportProgress {
  /** Bytes of the files as they lie on the disk (compressed ones count compressed). */
  readonly bytesRead: number
  readonly bytesTotal: number
  /** Data rows seen, good or bad. */
  readonly rows: number
}

/** Records in the order in which they are to be sent, at most `batchRecordsMax` and a few. */
export interface ImportBatch extends ImportProgress {
  readonly records: readonly ImportRecord[]
}

/** A row that could not be used. */
export interface InvalidRow {
  readonly file: string
  /** 1-based line. */
  readonly line: number
  readonly reason: string
}

/** What became of the rows. */
export interface ImportReport extends ImportProgress {
  readonly events: number
  readonly items: number
  readonly users: number
  /** Rows that could not be used; the first are in `invalidExamples`. */
  readonly invalid: number
  readonly invalidExamples: readonly InvalidRow[]
  /** Rows left out on purpose, by reason, e.g. `cancellation`. */
  readonly skipped: Readonly<Record<string, number>>
  /** Events older than one before them. */
  readonly outOfOrder: number
  /** Event time of the oldest and newest event, ms; null without any. */
  readonly firstMs: number | null
  readonly lastMs: number | null
}

export interface ImportOptions {
  /** Records per batch, 1–100,000. Default 2,000. */
  readonly batchRecordsMax?: number
  /** Called after each batch. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Called for every row that cannot be used. */
  readonly onInvalid?: (row: InvalidRow) => void
  /** Of the format `mapped`: which column is which field (see column-mapping.ts). */
  readonly columns?: readonly string[]
  /** Of `movielens`, `sessions` and `mapped`: `time` sorts all rows by time first (in memory, at most `sortRowsMax`). */
  readonly order?: 'time' | 'file'
  /** Most rows that are sorted in memory. Default 1,000,000 (about 500 MB). */
  readonly sortRowsMax?: number
  /** Of `online-retail`: lines without a customer become a person of that invoice alone (default), or are left out. */
  readonly anonymous?: 'invoice' | 'skip'
}

/** A reading under way: `batches` can be read once; `report` is right at any moment and final after the last batch. */
export interface ImportReading {
  readonly batches: AsyncIterable<ImportBatch>
  report(): ImportReport
}

/** A public file format that can be fed as events. */
export interface ImportFormat {
  /** As on the command line: `millrace import <name> <path>`. */
  readonly name: string
  /** One sentence for help. */
  readonly summary: string
  /** Files that it accepts, in words. */
  readonly accepts: string
  /** Names of the options in `ImportOptions` that matter to it. */
  readonly options: readonly (keyof ImportOptions)[]
  /**
   * Opens a file or folder. Memory is bounded (see `order`). Errors, when `batches` is read: `MILL_IMPORT_INVALID` when there is
   * nothing to read, a needed column is missing or every row is wrong.
   */
  read(path: string, options?: ImportOptions): ImportReading
}
