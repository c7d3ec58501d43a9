import type { ImportRecord } from './import-format.ts'
import type { ImportTally } from './import-tally.ts'
import type { InputFile } from './input-files.ts'
import type { RowMapper } from './map-files.ts'
import { readLines } from './read-rows.ts'

/**
 * Records of JSON Lines files. `columns` are paths such as `user.id`; a row is the texts found there ('' where there is nothing,
 * lists joined by `/`). Errors: `MILL_IMPORT_INVALID`.
 */
export async function* mapJsonLines(
  files: readonly InputFile[],
  tally: ImportTally,
  columns: readonly string[],
  mapperOf: (columns: readonly string[]) => RowMapper,
): AsyncGenerator<ImportRecord[]> {
  for (const file of files) tally.expectBytes(file.sizeBytes)
  const paths = columns.map((column) => column.split('.'))
  const map = mapperOf(columns)
  for (const file of files) {
    const watch = {
      onBytes: (bytes: number) => tally.readBytes(bytes),
      onBroken: (line: number, reason: string) => tally.invalid(file.path, line, reason),
    }
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      const records: ImportRecord[] = []
      for (const [index, text] of lines.entries()) {
        if (text.trim() === '') continue
        const line = firstLine + index
        const value = parseObject(text)
        if (value === null) {
          tally.invalid(file.path, line, 'not a JSON object')
          continue
        }
        const wrong = map(
          paths.map((path) => textAt(value, path)),
          { file, line },
          (record) => records.push(record),
        )
        if (wrong === null) tally.row()
        else tally.invalid(file.path, line, explain(wrong, value))
      }
      yield records
    }
  }
}

/** A wrong row of JSON Lines is mostly a wrong path: says what is there. */
function explain(reason: string, value: Record<string, unknown>): string {
  return reason.endsWith('is missing') ? `${reason} (the object has: ${Object.keys(value).slice(0, 20).join(', ')})` : reason
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function textAt(value: Record<string, unknown>, path: readonly string[]): string {
  let at: unknown = value
  for (const name of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined
  if (at === null || at === undefined) return ''
  return Array.isArray(at) ? at.map(String).join('/') : String(at)
}
