import type { BitReader } from './bit-reader.ts'
import { type BitWriter, bitLength } from './bit-writer.ts'

const lengthBits = 6
const lossLengthBits = 5
const powers = Array.from({ length: 32 }, (_, exponent) => 2 ** exponent)
/** The bits of the largest 32-bit float that is finite. */
const largestFloat = 0x7f7fffff
const floats = new Float32Array(1)
const words = new Uint32Array(floats.buffer)
const cents = 100
/** Amounts below this many cents are exact as such. */
const centsMax = 2 ** 46
const centsOrder = 12
/** Amounts this many doubles away from a whole number of cents are written as they are. */
const stepsMax = 4_096
const doubles = new Float64Array(1)
const doubleWords = new Uint32Array(doubles.buffer)
/** Where the lower half of a double lies in memory. */
const lowWord = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1

/** Writes an integer in [0, 2^52] of any size: 6 bits for its length, then itself. */
export function writeNumber(writer: BitWriter, value: number): void {
  const length = bitLength(value)
  writer.bits(length, lengthBits)
  writer.wide(value, length)
}

/** Reads what `writeNumber` wrote. Errors: a plain `Error`. */
export function readNumber(reader: BitReader): number {
  const length = reader.bits(lengthBits)
  if (length > 53) throw new Error(`a number has ${length} bits`)
  return reader.wide(length)
}

/** Writes the first `count` integers in [0, 2^52], most of them of one size: about their mean length + 1 bits each. */
export function writeNumbers(writer: BitWriter, values: readonly number[], count: number = values.length): void {
  let lengths = 0
  for (let i = 0; i < count; i++) lengths += bitLength(values[i]!)
  const order = count === 0 ? 0 : Math.min(52, Math.round(lengths / count))
  writer.bits(order, lengthBits)
  for (let i = 0; i < count; i++) writer.golomb(values[i]!, order)
}

/** Reads `count` numbers into the first places of `into`. Errors: a plain `Error`. */
export function readNumbers(reader: BitReader, count: number, into: number[]): void {
  const order = reader.bits(lengthBits)
  if (order > 52) throw new Error(`numbers of ${order} bits`)
  for (let i = 0; i < count; i++) into[i] = reader.golomb(order)
}

/** Writes any double; cents and sums of them take about 16 bits and more, as their size is, other things 66. */
export function writeAmount(writer: BitWriter, value: number): void {
  if (!writer.flag(value !== 0 || Object.is(value, -0))) return
  const units = Math.round(value * cents)
  const off = value > 0 && units < centsMax ? stepsBetween(units / cents, value) : stepsMax
  if (!writer.flag(Math.abs(off) < stepsMax)) {
    writer.double(value)
    return
  }
  writer.golomb(units, centsOrder)
  // A sum of cents is not always the double that is nearest to it.
  writer.golomb(off >= 0 ? 2 * off : -2 * off - 1, 0)
}

/** Reads what `writeAmount` wrote. Errors: a plain `Error`. */
export function readAmount(reader: BitReader): number {
  if (!reader.flag()) return 0
  if (!reader.flag()) return reader.double()
  const amount = reader.golomb(centsOrder, centsMax) / cents
  const zigzag = reader.golomb(0, 2 * stepsMax)
  doubles[0] = amount
  doubleWords[lowWord] = doubleWords[lowWord]! + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2)
  return doubles[0]!
}

/** How many doubles `to` lies above `from`; `stepsMax` if far, or if their higher words differ. */
function stepsBetween(from: number, to: number): number {
  doubles[0] = from
  const low = doubleWords[lowWord]!
  const high = doubleWords[1 - lowWord]!
  doubles[0] = to
  const steps = doubleWords[lowWord]! - low
  return doubleWords[1 - lowWord] === high && Math.abs(steps) < stepsMax ? steps : stepsMax
}

/** Writes 32-bit floats of 0 or more in descending order: what they lose from one to the next, as their bits are numbers. */
export function writeDescendingFloats(writer: BitWriter, values: readonly number[]): void {
  let last = 0
  for (let i = 0; i < values.length; i++) {
    floats[0] = values[i]!
    const word = words[0]!
    if (i === 0) writer.wide(word, 32)
    else {
      const loss = last - word
      const length = 32 - Math.clz32(loss)
      // Its highest bit is 1 and need not be said.
      const count = Math.max(0, length - 1)
      const rest = loss & ((1 << count) - 1)
      if (lossLengthBits + count <= 24) writer.bits((length << count) | rest, lossLengthBits + count)
      else {
        writer.bits(length, lossLengthBits)
        writer.wide(rest, count)
      }
    }
    last = word
  }
}

/** Reads `count` floats into `into`. Errors: a plain `Error`. */
export function readDescendingFloats(reader: BitReader, count: number, into: number[]): void {
  let last = 0
  for (let i = 0; i < count; i++) {
    if (i === 0) last = reader.wide(32)
    else {
      const length = reader.bits(lossLengthBits)
      if (length > 0) last -= powers[length - 1]! + (length > 1 ? reader.wide(length - 1) : 0)
    }
    if (last < 0 || last > largestFloat) throw new Error('a weight is no number of 0 or more')
    words[0] = last
    into.push(floats[0]!)
  }
}
