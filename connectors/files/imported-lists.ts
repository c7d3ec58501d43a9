import { type ImportedLine, importedLineOf } from '../../schemas/imported-list.ts'
import { listInputFiles } from './input-files.ts'
import { readLines } from './read-rows.ts'

/** A line of a file that is no list, and how to mend it. */
export interface RefusedLine {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly reason: string
}

/** A piece of a file: its lists, and what was refused. */
export interface ImportedLists {
  readonly lists: readonly ImportedLine[]
  readonly refused: readonly RefusedLine[]
}

/**
 * Lists of another vendor from JSON Lines, plain or gzip, a piece of about 256 KiB at a time: a line is a person's list, and one without a
 * person the list for everybody else, which there may be once. Errors: `MILL_IMPORT_INVALID` for a file that cannot be read, or a line of more than 1 MiB.
 */
export async function* importedLists(path: string): AsyncGenerator<ImportedLists> {
  const watch = { onBytes: () => {}, onBroken: () => {} }
  let forAllAt = ''
  for (const file of await listInputFiles(path, /\.jsonl$/, '.jsonl file')) {
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      const lists: ImportedLine[] = []
      const refused: RefusedLine[] = []
      for (const [index, text] of lines.entries()) {
        if (text.trim() === '') continue
        const line = firstLine + index
        const list = importedLineOf(text)
        if (typeof list === 'string') refused.push({ file: file.path, line, reason: list })
        else if (list.userId === null && forAllAt !== '')
          refused.push({
            file: file.path,
            line,
            reason: `it has no "userId", as ${forAllAt}: there is one list for everybody else`,
          })
        else {
          if (list.userId === null) forAllAt = `${file.name}:${line}`
          lists.push(list)
        }
      }
      yield { lists, refused }
    }
  }
}
