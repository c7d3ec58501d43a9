import { MillraceError } from '../../core/errors.ts'
import type { ImportOptions, ImportProgress, ImportRecord, ImportReport, InvalidRow } from './import-format.ts'

const examplesMax = 20
/** If so many rows are wrong before the first good one, the format is. */
const wrongAtFirstMax = 1000

/** Counts what becomes of the rows of one import. */
export class ImportTally {
  readonly #options: ImportOptions
  #bytesRead = 0
  #bytesTotal = 0
  #rows = 0
  #used = 0
  #invalid = 0
  #outOfOrder = 0
  #firstMs: number | null = null
  #lastMs: number | null = null
  readonly #sent = { 'user-events': 0, items: 0, users: 0 }
  readonly #examples: InvalidRow[] = []
  readonly #skipped: Record<string, number> = {}

  constructor(options: ImportOptions) {
    this.#options = options
  }

  expectBytes(bytes: number): void {
    this.#bytesTotal += bytes
  }

  readBytes(bytes: number): void {
    this.#bytesRead += bytes
  }

  /** A data row was seen and could be used, or was left out on purpose. */
  row(): void {
    this.#rows++
    this.#used++
  }

  skip(reason: string): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1
  }

  /** A row that cannot be used. Errors: `MILL_IMPORT_INVALID` once it is clear that the format is wrong. */
  invalid(file: string, line: number, reason: string): void {
    this.#rows++
    this.#invalid++
    const row = { file, line, reason }
    if (this.#examples.length < examplesMax) this.#examples.push(row)
    this.#options.onInvalid?.(row)
    if (this.#used === 0 && this.#invalid >= wrongAtFirstMax) this.#refuse()
  }

  /** Notes the order of event times, as they are sent. */
  sent(records: readonly ImportRecord[]): void {
    for (const record of records) {
      this.#sent[record.topic]++
      if (record.topic !== 'user-events') continue
      const { timeMs } = record.value
      if (this.#lastMs !== null && timeMs < this.#lastMs) this.#outOfOrder++
      if (this.#firstMs === null || timeMs < this.#firstMs) this.#firstMs = timeMs
      if (this.#lastMs === null || timeMs > this.#lastMs) this.#lastMs = timeMs
    }
  }

  progress(): ImportProgress {
    return { bytesRead: this.#bytesRead, bytesTotal: this.#bytesTotal, rows: this.#rows }
  }

  report(): ImportReport {
    return {
      ...this.progress(),
      events: this.#sent['user-events'],
      items: this.#sent.items,
      users: this.#sent.users,
      invalid: this.#invalid,
      invalidExamples: [...this.#examples],
      skipped: { ...this.#skipped },
      outOfOrder: this.#outOfOrder,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
    }
  }

  /** At the end: throws `MILL_IMPORT_INVALID` if no row could be used. */
  finish(path: string): void {
    if (this.#used > 0) return
    if (this.#invalid > 0) this.#refuse()
    throw new MillraceError('MILL_IMPORT_INVALID', `"${path}" has no data rows`)
  }

  #refuse(): never {
    const { file, line, reason } = this.#examples[0]!
    throw new MillraceError(
      'MILL_IMPORT_INVALID',
      `none of the first ${this.#invalid} rows can be used; the first: ${file}:${line}: ${reason}`,
      { details: { examples: this.#examples } },
    )
  }
}
