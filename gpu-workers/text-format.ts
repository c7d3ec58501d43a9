import { MillraceError } from '../core/errors.ts'

/** Where something stands in a config file, both from 1. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

/** One `name: value` or `name { … }` of a protobuf text file; a list `[a, b]` becomes several fields of one name. */
export interface TextField {
  readonly name: string
  readonly place: TextPlace
  readonly value: TextValue
}

export type TextValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'message'; readonly fields: readonly TextField[] }

const DEPTH_MAX = 32

/** Parses protobuf text format (config.pbtxt) into fields, without knowing any schema. Errors: `MILL_MODEL_INVALID` with line and column. */
export function parseTextFormat(text: string, file: string): readonly TextField[] {
  return new TextParser(text, file).parse()
}

/** The error of a place in a config file. */
export function textError(file: string, place: TextPlace, message: string): MillraceError {
  return new MillraceError('MILL_MODEL_INVALID', `${file}:${place.line}:${place.column}: ${message}`, {
    details: { file, ...place },
  })
}

class TextParser {
  readonly #text: string
  readonly #file: string
  #at = 0
  #line = 1
  #lineStart = 0

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  parse(): readonly TextField[] {
    return this.#fields(null, 0)
  }

  #fields(closer: string | null, depth: number): TextField[] {
    if (depth > DEPTH_MAX) this.#fail(`nested deeper than ${DEPTH_MAX}`)
    const fields: TextField[] = []
    for (;;) {
      this.#blank()
      if (this.#at >= this.#text.length) {
        if (closer) this.#fail(`"${closer}" is missing at the end`)
        return fields
      }
      if (closer && this.#accept(closer)) return fields
      this.#field(fields, depth)
      this.#blank()
      if (!this.#accept(',')) this.#accept(';')
    }
  }

  #field(into: TextField[], depth: number): void {
    const place = this.#place()
    const name = this.#word('a field name')
    this.#blank()
    const colon = this.#accept(':')
    this.#blank()
    if (!this.#accept('[')) {
      into.push({ name, place, value: this.#value(colon, depth) })
      return
    }
    this.#blank()
    if (this.#accept(']')) return
    for (;;) {
      this.#blank()
      into.push({ name, place: this.#place(), value: this.#value(true, depth) })
      this.#blank()
      if (this.#accept(']')) return
      if (!this.#accept(',')) this.#fail('"," or "]" expected')
    }
  }

  #value(scalarAllowed: boolean, depth: number): TextValue {
    if (this.#accept('{')) return { kind: 'message', fields: this.#fields('}', depth + 1) }
    if (this.#accept('<')) return { kind: 'message', fields: this.#fields('>', depth + 1) }
    if (!scalarAllowed) this.#fail('":" or "{" expected')
    const quote = this.#text[this.#at]
    if (quote === '"' || quote === "'") return { kind: 'string', text: this.#strings() }
    return { kind: 'word', text: this.#word('a value') }
  }

  /** Adjacent strings are one string. */
  #strings(): string {
    let text = ''
    for (let quote = this.#text[this.#at]; quote === '"' || quote === "'"; quote = this.#text[this.#at]) {
      text += this.#quoted(quote)
      this.#blank()
    }
    return text
  }

  #quoted(quote: string): string {
    let text = ''
    for (this.#at++; ; this.#at++) {
      const char = this.#text[this.#at]
      if (char === undefined || char === '\n') this.#fail('the string does not end on its line')
      if (char === quote) break
      if (char !== '\\') text += char
      else text += this.#escape()
    }
    this.#at++
    return text
  }

  #escape(): string {
    const char = this.#text[++this.#at] ?? ''
    const plain: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'" }
    const meaning = plain[char]
    if (meaning === undefined) this.#fail(`the escape "\\${char}" is not known`)
    return meaning
  }

  #word(what: string): string {
    const start = this.#at
    while (/[A-Za-z0-9_.+-]/.test(this.#text[this.#at] ?? '')) this.#at++
    if (this.#at === start) this.#fail(`${what} expected, found ${JSON.stringify(this.#text[start] ?? 'the end')}`)
    return this.#text.slice(start, this.#at)
  }

  #accept(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  /** Blanks and comments. */
  #blank(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]
      if (char === '#') {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end < 0 ? this.#text.length : end
      }
      if (this.#text[this.#at] === '\n') {
        this.#line++
        this.#lineStart = this.#at + 1
      } else if (this.#at < this.#text.length && !/\s/.test(this.#text[this.#at]!)) return
    }
  }

  #place(): TextPlace {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 }
  }

  #fail(message: string): never {
    throw textError(this.#file, this.#place(), message)
  }
}
