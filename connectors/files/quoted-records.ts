import { parse } from 'csv-parse/sync'

/** A record that runs over more lines, or more characters, is taken for a quote that nobody closed. */
const linesMax = 200
const lengthMax = 1 << 20
const quote = 34

interface Rows {
  readonly rows: string[][]
  readonly lines: number[]
}

/**
 * Puts CSV records together from lines. A line without a quoted field is split; csv-parse reads the others, one-line records of a
 * block in one call. When a quote is never closed, or closing it gives another number of fields than the first row has, only its
 * first line is given up and reading goes on with the next one: the neighbours are unharmed. Holds at most `linesMax` lines.
 */
export class QuotedRecords {
  readonly #delimiter: string
  readonly #onBroken: (line: number, reason: string) => void
  #width = 0
  #open: string[] = []
  #openLine = 0
  #openLength = 0

  constructor(delimiter: string, onBroken: (line: number, reason: string) => void) {
    this.#delimiter = delimiter
    this.#onBroken = onBroken
  }

  /** Records completed by these lines, in order. */
  take(lines: readonly string[], firstLine: number): Rows {
    const done: Rows = { rows: [], lines: [] }
    const quoted: number[] = []
    for (let i = 0; i < lines.length; i++) this.#line(lines[i]!, firstLine + i, done, quoted)
    return this.#parseQuoted(done, quoted)
  }

  /** What is left when the file is over: an open quote is broken, the lines after it are read. */
  end(): Rows {
    const done: Rows = { rows: [], lines: [] }
    const quoted: number[] = []
    while (this.#open.length > 0) this.#giveUp('a quote that is not closed', done, quoted)
    return this.#parseQuoted(done, quoted)
  }

  #line(text: string, line: number, done: Rows, quoted: number[]): void {
    if (this.#open.length > 0) {
      this.#open.push(text)
      this.#openLength += text.length
      if (isOdd(text)) this.#close(done, quoted)
      else if (this.#open.length > linesMax || this.#openLength > lengthMax)
        this.#giveUp(`a quote that is not closed within ${linesMax} lines`, done, quoted)
      return
    }
    const plain = text.charCodeAt(text.length - 1) === 13 ? text.slice(0, -1) : text
    if (plain === '') return
    if (!this.#hasQuotedField(plain)) this.#add(plain.split(this.#delimiter), line, done)
    else if (isOdd(plain)) this.#begin(text, line)
    else {
      quoted.push(done.rows.length)
      done.rows.push([plain])
      done.lines.push(line)
    }
  }

  #begin(text: string, line: number): void {
    this.#open = [text]
    this.#openLine = line
    this.#openLength = text.length
  }

  #add(row: string[], line: number, done: Rows): void {
    if (this.#width === 0) this.#width = row.length
    done.rows.push(row)
    done.lines.push(line)
  }

  #hasQuotedField(text: string): boolean {
    return text.charCodeAt(0) === quote || text.includes(`${this.#delimiter}"`)
  }

  #close(done: Rows, quoted: number[]): void {
    const rows = this.#parse(this.#open.join('\n'))
    const row = typeof rows === 'string' ? undefined : rows[0]
    if (row && (this.#width === 0 || row.length === this.#width)) {
      this.#add(row, this.#openLine, done)
      this.#open = []
    } else this.#giveUp(typeof rows === 'string' ? rows : 'a quote that is not closed', done, quoted)
  }

  /** Reports the first open line and reads the others anew. */
  #giveUp(reason: string, done: Rows, quoted: number[]): void {
    const [, ...others] = this.#open
    const firstLine = this.#openLine
    this.#open = []
    this.#onBroken(firstLine, reason)
    for (let i = 0; i < others.length; i++) this.#line(others[i]!, firstLine + 1 + i, done, quoted)
  }

  /** Parses the one-line records that wait in `done` at the given places. */
  #parseQuoted(done: Rows, places: readonly number[]): Rows {
    if (places.length === 0) return done
    const texts = places.map((place) => done.rows[place]![0]!)
    const together = this.#parse(texts.join('\n'))
    const broken = new Set<number>()
    for (const [index, place] of places.entries()) {
      const alone = typeof together === 'string' || together.length !== places.length ? this.#parse(texts[index]!) : null
      if (typeof alone === 'string') {
        broken.add(place)
        this.#onBroken(done.lines[place]!, alone)
      } else done.rows[place] = (alone?.[0] ?? (together as string[][])[index])!
    }
    if (this.#width === 0 && !broken.has(0)) this.#width = done.rows[0]!.length
    if (broken.size === 0) return done
    const kept = <T>(values: readonly T[]): T[] => values.filter((_, place) => !broken.has(place))
    return { rows: kept(done.rows), lines: kept(done.lines) }
  }

  /** The records, or what is wrong with them. */
  #parse(text: string): string[][] | string {
    try {
      return parse(text, {
        delimiter: this.#delimiter,
        relax_column_count: true,
        max_record_size: 2 * lengthMax,
        record_delimiter: ['\n', '\r\n'],
      })
    } catch (error) {
      return (error as Error).message.replace(/ at line \d+.*/s, '')
    }
  }
}

/** Whether a text has an odd number of quotes. */
function isOdd(text: string): boolean {
  let odd = false
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd
  return odd
}
