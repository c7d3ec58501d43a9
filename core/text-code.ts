import { BitReader } from './bit-reader.ts'
import { BitWriter } from './bit-writer.ts'
import { TextTable } from './text-table.ts'

/**
 * How often a symbol of names and ids is met, roughly, per 10,000: most are lower-case words. What is not here is written as UTF-8.
 * `\0` ends a text, `\x01` makes the next letter a capital. These numbers are part of every stored value.
 */
const frequencies: Readonly<Record<string, number>> = {
  '\0': 1_200,
  '\x01': 500,
  ...Object.fromEntries(
    [...'etaoinshrdlcumwfgypbvkjxqz'].map((letter, at) => [
      letter,
      [
        1_000, 700, 750, 650, 620, 600, 600, 250, 600, 320, 430, 320, 260, 260, 110, 130, 190, 160, 220, 160, 90, 110, 20, 30, 15,
        25,
      ][at]!,
    ]),
  ),
  ...Object.fromEntries([...'0123456789'].map((digit) => [digit, 60])),
  ...Object.fromEntries([..." -_&/.'@:,+#"].map((mark) => [mark, mark === ' ' || mark === '-' ? 90 : 12])),
}

/** Longest code of a symbol. */
const codeBitsMax = 12
const endSymbol = 0
const capitalSymbol = 1
const textBytesMax = 65_535
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const uuidBytes = 36

const lengths = codeLengths()
const { codes, symbols } = canonicalCodes()
const texts = new TextTable(8_192)
/** Names whose bits are known; they are forgotten when there are too many. */
const namesMax = 16_384
const nameUnitsMax = 64
const knownNames = new Map<string, readonly number[]>()
const nameWriter = new BitWriter()
const nameReader = new BitReader()
const scratch = Buffer.allocUnsafe(textBytesMax)

/** Writes a text of at most 65,535 UTF-8 bytes; names and ids take about 5 bits per letter. */
export function writeText(writer: BitWriter, text: string): void {
  const first = text.charCodeAt(0)
  if (isPlain(text)) {
    const isCapital = isCapitalLetter(first)
    // 0: a word with a capital; 10: other symbols; 110: a UUID; 111: UTF-8.
    if (writer.flag(!isCapital)) writer.flag(false)
    writeSymbols(writer, text, isCapital)
  } else writeRaw(writer, text)
}

/** The same bits as `writeText`, which are kept: for names of which there are few, and which come again and again. */
export function writeName(writer: BitWriter, name: string): void {
  let words = knownNames.get(name)
  if (words === undefined) {
    nameWriter.reset()
    writeText(nameWriter, name)
    words = wordsOf(nameWriter)
    if (name.length <= nameUnitsMax) {
      if (knownNames.size >= namesMax) knownNames.clear()
      knownNames.set(name, words)
    }
  }
  for (let i = 0; i < words.length; i += 2) writer.bits(words[i]!, words[i + 1]!)
}

/** What was written, as pairs of up to 24 bits and how many they are. */
function wordsOf(written: BitWriter): number[] {
  const { length } = written
  const words: number[] = []
  nameReader.open(written.copy())
  for (let at = 0; at < length; at += 24) {
    const count = Math.min(24, length - at)
    words.push(nameReader.bits(count), count)
  }
  return words
}

/** Reads what `writeText` wrote. Errors: a plain `Error`. */
export function readText(reader: BitReader): string {
  const isCapital = !reader.flag()
  if (isCapital || !reader.flag()) return texts.read(scratch, 0, readSymbols(reader, isCapital))
  return reader.flag() ? readUtf8(reader) : texts.read(scratch, 0, readUuid(reader))
}

/** Whether symbols can say it, and shorter than other forms. */
function isPlain(text: string): boolean {
  if (text.length === uuidBytes && text[8] === '-' && uuidForm.test(text)) return false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f || (codes[unit] === 0 && !isCapitalLetter(unit)) || unit <= capitalSymbol) return false
  }
  return text.length <= textBytesMax
}

function isCapitalLetter(unit: number): boolean {
  return unit >= 0x41 && unit <= 0x5a
}

function writeSymbols(writer: BitWriter, text: string, isCapital: boolean): void {
  let held = 0
  let heldBits = 0
  for (let i = 0; i <= text.length; i++) {
    const unit = i === text.length ? endSymbol : text.charCodeAt(i)
    let code = codes[unit]!
    if (code === 0) {
      code = codes[unit + 0x20]!
      // The form of the text says it of the first letter.
      if (i > 0 || !isCapital) {
        writer.bits(held, heldBits)
        held = codes[capitalSymbol]! & 0xfff
        heldBits = codes[capitalSymbol]! >>> 16
      }
    }
    const length = code >>> 16
    if (heldBits + length > 24) {
      writer.bits(held, heldBits)
      held = 0
      heldBits = 0
    }
    held = (held << length) | (code & 0xfff)
    heldBits += length
  }
  writer.bits(held, heldBits)
}

function writeRaw(writer: BitWriter, text: string): void {
  if (uuidForm.test(text)) {
    writer.bits(0b110, 3)
    for (let i = 0; i < uuidBytes; i++) if (text[i] !== '-') writer.bits(Number.parseInt(text[i]!, 16), 4)
    return
  }
  const bytes = Buffer.from(text)
  if (bytes.length > textBytesMax) throw new Error(`a text of ${bytes.length} bytes is too long (${textBytesMax})`)
  writer.bits(0b111, 3)
  writer.golomb(bytes.length, 5)
  for (const byte of bytes) writer.bits(byte, 8)
}

/** Answers the length of what it wrote into `scratch`. */
function readSymbols(reader: BitReader, isCapital: boolean): number {
  let length = 0
  let capital = isCapital
  for (;;) {
    const entry = symbols[reader.peek(codeBitsMax)]!
    reader.skip(entry >>> 8)
    const unit = entry & 0xff
    if (unit === endSymbol) return length
    if (unit === capitalSymbol) {
      capital = true
      continue
    }
    if (length === textBytesMax) throw new Error('a text does not end')
    scratch[length++] = capital && unit >= 0x61 ? unit - 0x20 : unit
    capital = false
  }
}

function readUuid(reader: BitReader): number {
  for (let i = 0; i < uuidBytes; i++) {
    if (i === 8 || i === 13 || i === 18 || i === 23) scratch[i] = 0x2d
    else {
      const digit = reader.bits(4)
      scratch[i] = digit < 10 ? 0x30 + digit : 0x57 + digit
    }
  }
  return uuidBytes
}

function readUtf8(reader: BitReader): string {
  const length = reader.golomb(5, textBytesMax)
  if (length * 8 > reader.left) throw new Error('the bytes end within a text')
  for (let i = 0; i < length; i++) scratch[i] = reader.bits(8)
  return texts.read(scratch, 0, length)
}

/** Huffman's algorithm (1952) over `frequencies`, by ASCII code; 0 for what has no code. */
function codeLengths(): Uint8Array {
  const result = new Uint8Array(128)
  let trees = Object.entries(frequencies).map(([symbol, weight]) => ({ weight, units: [symbol.charCodeAt(0)] }))
  while (trees.length > 1) {
    // Sorting is stable, so equal weights always meet in the same order.
    trees = trees.sort((a, b) => a.weight - b.weight)
    const [one, other] = trees as [(typeof trees)[0], (typeof trees)[0]]
    const units = [...one.units, ...other.units]
    for (const unit of units) result[unit]!++
    trees = [...trees.slice(2), { weight: one.weight + other.weight, units }]
  }
  return result
}

/**
 * Codes (length × 65,536 + code) in order of length, then of symbol; 0 for what has none. And for any next 12 bits the symbol with its
 * length (length × 256 + symbol).
 */
function canonicalCodes(): { codes: Uint32Array; symbols: Uint16Array } {
  const codes = new Uint32Array(128)
  const symbols = new Uint16Array(1 << codeBitsMax)
  let next = 0
  for (let length = 1; length <= codeBitsMax; length++)
    for (let unit = 0; unit < 128; unit++) {
      if (lengths[unit] !== length) continue
      const places = 1 << (codeBitsMax - length)
      codes[unit] = (length << 16) | (next >>> (codeBitsMax - length))
      symbols.fill((length << 8) | unit, next, next + places)
      next += places
    }
  return { codes, symbols }
}
