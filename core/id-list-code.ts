import type { BitReader } from './bit-reader.ts'
import type { BitWriter } from './bit-writer.ts'
import { readNumbers, writeNumbers } from './number-code.ts'
import { readText, writeText } from './text-code.ts'

/** Digits that a number in [0, 2^52] always holds. */
const digitsMax = 15
const widthBits = 4
const prefixUnitsMax = 64
/** Ids repeat between people: those read before, by their number; a newer one takes the place of an older one. */
const places = 65_536
const known = {
  numbers: new Float64Array(places).fill(-1),
  widths: new Uint8Array(places),
  prefixes: new Array<string>(places).fill(''),
  ids: new Array<string>(places).fill(''),
}

const numbers: number[] = []
const isNumbered: boolean[] = []

/**
 * Writes the first `count` ids of a list: those that are numbers behind one common beginning (`item-17`, `B0042`, `93`) as
 * numbers, others as texts. The first id says what the common beginning is, and whether numbers are filled up with zeros.
 */
export function writeIds(writer: BitWriter, ids: readonly string[], count: number = ids.length): void {
  if (count === 0) return
  const first = ids[0]!
  const prefixLength = prefixLengthOf(first)
  const prefix = first.slice(0, prefixLength)
  const digits = first.length - prefixLength
  const width = digits > 1 && first[prefixLength] === '0' ? digits : 0
  if (!writer.flag(digits > 0)) {
    for (let i = 0; i < count; i++) writeText(writer, ids[i]!)
    return
  }
  writeText(writer, prefix)
  writer.bits(width, widthBits)
  // Their memory is kept: only places that were written are read.
  let numbered = 0
  for (let i = 0; i < count; i++) {
    const number = numberOf(ids[i]!, prefix, width)
    isNumbered[i] = number >= 0
    if (number >= 0) numbers[numbered++] = number
  }
  const isAll = writer.flag(numbered === count)
  if (!isAll) for (let i = 0; i < count; i++) writer.flag(isNumbered[i]!)
  writeNumbers(writer, numbers, numbered)
  for (let i = 0; i < count; i++) if (!isNumbered[i]) writeText(writer, ids[i]!)
}

/** Reads `count` ids. Errors: a plain `Error`. */
export function readIds(reader: BitReader, count: number): string[] {
  const ids: string[] = []
  if (count === 0) return ids
  if (!reader.flag()) {
    for (let i = 0; i < count; i++) ids.push(readText(reader))
    return ids
  }
  const prefix = readText(reader)
  if (prefix.length > prefixUnitsMax) throw new Error('the common beginning of ids is too long')
  const width = reader.bits(widthBits)
  let numbered = 0
  const isAll = reader.flag()
  for (let i = 0; i < count; i++) {
    const flag = isAll || reader.flag()
    isNumbered[i] = flag
    if (flag) numbered++
  }
  readNumbers(reader, numbered, numbers)
  let next = 0
  for (let i = 0; i < count; i++) ids.push(isNumbered[i] ? idOf(prefix, numbers[next++]!, width) : readText(reader))
  return ids
}

/** Where the number at the end of an id begins; its length if it has none, or what is before is too long. */
function prefixLengthOf(id: string): number {
  let at = id.length
  while (at > 0 && id.length - at < digitsMax && isDigit(id.charCodeAt(at - 1))) at--
  return at > prefixUnitsMax ? id.length : at
}

/** -1 if the id is not the prefix and a number of that width (0: without zeros before it). */
function numberOf(id: string, prefix: string, width: number): number {
  const from = prefix.length
  const digits = id.length - from
  if (digits < 1 || digits > digitsMax || (width > 0 && digits !== width) || !id.startsWith(prefix)) return -1
  if (width === 0 && digits > 1 && id.charCodeAt(from) === 0x30) return -1
  let number = 0
  for (let i = from; i < id.length; i++) {
    const unit = id.charCodeAt(i)
    if (!isDigit(unit)) return -1
    number = number * 10 + unit - 0x30
  }
  return number
}

function idOf(prefix: string, number: number, width: number): string {
  const place = number & (places - 1)
  if (known.numbers[place] === number && known.widths[place] === width && known.prefixes[place] === prefix)
    return known.ids[place]!
  const digits = String(number)
  if (digits.length > digitsMax || (width > 0 && digits.length > width))
    throw new Error(`the number ${number} of an id is too long`)
  // Read back from bytes, it is one flat text and no chain of two.
  const id = Buffer.from(prefix + digits.padStart(width, '0')).toString()
  known.numbers[place] = number
  known.widths[place] = width
  known.prefixes[place] = prefix
  known.ids[place] = id
  return id
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}
