import { MillraceError } from '../../core/errors.ts'
import type { ImportRecord } from './import-format.ts'
import type { ImportTally } from './import-tally.ts'
import type { InputFile } from './input-files.ts'
import { type RowSyntax, readRows } from './read-rows.ts'

/** Where a row stands. */
export interface RowPlace {
  readonly file: InputFile
  readonly line: number
}

/**
 * Turns one row into records, which it pushes. Returns null, or why the row cannot be used. What it leaves out on purpose it
 * counts by `tally.skip`.
 */
export type RowMapper = (fields: readonly string[], place: RowPlace, push: (record: ImportRecord) => void) => string | null

/** How one file is read: `start` sees its first row and says whether that is a header, and who maps the others. */
export interface TableReader {
  readonly syntax: RowSyntax
  start(first: readonly string[], file: InputFile): { readonly isHeader: boolean; readonly map: RowMapper }
}

/** Records of one file after the other, block by block. Errors: `MILL_IMPORT_INVALID`. */
export async function* mapFiles(
  files: readonly InputFile[],
  tally: ImportTally,
  readerOf: (file: InputFile) => TableReader,
): AsyncGenerator<ImportRecord[]> {
  for (const file of files) tally.expectBytes(file.sizeBytes)
  for (const file of files) {
    const reader = readerOf(file)
    const watch = {
      onBytes: (bytes: number) => tally.readBytes(bytes),
      onBroken: (line: number, reason: string) => tally.invalid(file.path, line, reason),
    }
    let map: RowMapper | null = null
    for await (const { rows, lines } of readRows(file, reader.syntax, watch)) {
      const records: ImportRecord[] = []
      const push = (record: ImportRecord): void => {
        records.push(record)
      }
      for (let i = 0; i < rows.length; i++) {
        const fields = rows[i]!
        if (map === null) {
          const started = reader.start(fields, file)
          map = started.map
          if (started.isHeader) continue
        }
        const wrong = map(fields, { file, line: lines[i]! }, push)
        if (wrong === null) tally.row()
        else tally.invalid(file.path, lines[i]!, wrong)
      }
      yield records
    }
  }
}

/** The columns of a file by name; RecBole's type suffixes (`user_id:token`) and letter case do not count. */
export class ColumnNames {
  readonly #file: InputFile
  readonly #names: readonly string[]

  constructor(header: readonly string[], file: InputFile) {
    this.#file = file
    this.#names = header.map(plain)
  }

  /** Index of the first of the names that is there, or -1. */
  find(...names: readonly string[]): number {
    for (const name of names) {
      const at = this.#names.indexOf(plain(name))
      if (at >= 0) return at
    }
    return -1
  }

  /** Like `find`, but must be there. Errors: `MILL_IMPORT_INVALID` naming the column and what is there. */
  need(...names: readonly string[]): number {
    const at = this.find(...names)
    if (at >= 0) return at
    throw new MillraceError(
      'MILL_IMPORT_INVALID',
      `"${this.#file.path}" has no column "${names.join('" or "')}" (it has: ${this.#names.join(', ')})`,
      { details: { column: names[0], columns: this.#names } },
    )
  }
}

function plain(name: string): string {
  return name
    .trim()
    .replace(/:(token|token_seq|float|float_seq)$/, '')
    .toLowerCase()
}
