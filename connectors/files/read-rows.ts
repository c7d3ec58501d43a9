import { StringDecoder } from 'node:string_decoder'
import { MillraceError } from '../../core/errors.ts'
import { type InputFile, readChunks } from './input-files.ts'
import { QuotedRecords } from './quoted-records.ts'

/** Longest line or record. */
const recordLengthMax = 1 << 20

/** How the rows of a file are written. */
export interface RowSyntax {
  readonly delimiter: string
  /** Whether fields may be quoted with `"`; without, reading is faster. */
  readonly quoted: boolean
  /** Default utf8. */
  readonly encoding?: 'utf8' | 'latin1'
}

/** Consecutive rows with the 1-based line each begins in. */
export interface RowBlock {
  readonly rows: readonly (readonly string[])[]
  readonly lines: readonly number[]
}

export interface RowWatch {
  readonly onBytes: (bytes: number) => void
  /** A piece of the file that is no row at all. */
  readonly onBroken: (line: number, reason: string) => void
}

/** Rows of a file, header included, block by block; empty lines are left out. Errors: `MILL_IMPORT_INVALID`. */
export function readRows(file: InputFile, syntax: RowSyntax, watch: RowWatch): AsyncGenerator<RowBlock> {
  return syntax.quoted ? readQuotedRows(file, syntax, watch) : readPlainRows(file, syntax, watch)
}

/** Lines of a text file, block by block, without line ends. Errors: `MILL_IMPORT_INVALID`. */
export async function* readLines(
  file: InputFile,
  encoding: 'utf8' | 'latin1',
  watch: RowWatch,
): AsyncGenerator<{ readonly lines: string[]; readonly firstLine: number }> {
  const decoder = new StringDecoder(encoding)
  let carry = ''
  let firstLine = 1
  for await (const chunk of readChunks(file, watch.onBytes)) {
    const lines = (carry + decoder.write(chunk)).split('\n')
    carry = lines.pop()!
    if (carry.length > recordLengthMax)
      throw new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${firstLine + lines.length}: a line of more than 1 MiB`)
    if (firstLine === 1 && lines.length > 0) lines[0] = withoutByteOrderMark(lines[0]!)
    yield { lines, firstLine }
    firstLine += lines.length
  }
  carry += decoder.end()
  if (carry !== '') yield { lines: [firstLine === 1 ? withoutByteOrderMark(carry) : carry], firstLine }
}

async function* readPlainRows(file: InputFile, syntax: RowSyntax, watch: RowWatch): AsyncGenerator<RowBlock> {
  for await (const { lines: texts, firstLine } of readLines(file, syntax.encoding ?? 'utf8', watch)) {
    const rows: string[][] = []
    const lines: number[] = []
    for (let i = 0; i < texts.length; i++) {
      let text = texts[i]!
      if (text.charCodeAt(text.length - 1) === 13) text = text.slice(0, -1)
      if (text === '') continue
      rows.push(text.split(syntax.delimiter))
      lines.push(firstLine + i)
    }
    yield { rows, lines }
  }
}

async function* readQuotedRows(file: InputFile, syntax: RowSyntax, watch: RowWatch): AsyncGenerator<RowBlock> {
  const records = new QuotedRecords(syntax.delimiter, watch.onBroken)
  for await (const { lines, firstLine } of readLines(file, syntax.encoding ?? 'utf8', watch)) yield records.take(lines, firstLine)
  yield records.end()
}

function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
