import { TextTable, utf8Text } from '../core/text-table.ts'

const textPlaces = 32_768

/**
 * Reads Avro binary (Avro 1.12, "Binary Encoding"). Errors: a plain `Error` that says what is wrong.
 */
export class AvroReader {
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #end = 0
  readonly #texts = new TextTable(textPlaces)

  /** Goes to the start of a value; it must end where the bytes end. */
  open(bytes: Uint8Array, from: number): void {
    if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer)
    this.#bytes = bytes
    this.#at = from
    this.#end = bytes.length
  }

  /** Checks that the value ended with the bytes; lets them go. */
  close(): void {
    const left = this.#end - this.#at
    if (left < 0) throw new Error('the bytes end within a value')
    if (left > 0) throw new Error(`${left} bytes are left over behind the value`)
  }

  byte(): number {
    if (this.#at >= this.#end) throw new Error('the bytes end within a value')
    return this.#bytes[this.#at++]!
  }

  /** Whether an optional value is there: the branch of a union of null and it. */
  present(): boolean {
    const branch = this.byte()
    if (branch !== 0 && branch !== 2) throw new Error(`a union of two types has no branch ${branch / 2}`)
    return branch === 2
  }

  boolean(): boolean {
    const byte = this.byte()
    if (byte > 1) throw new Error(`${byte} is no boolean`)
    return byte === 1
  }

  int(): number {
    const value = this.long()
    if (value !== (value | 0)) throw new Error(`${value} is no 32-bit integer`)
    return value
  }

  long(): number {
    const bytes = this.#bytes
    let at = this.#at
    let byte = bytes[at++]!
    let low = byte & 0x7f
    let shift = 7
    while (byte > 0x7f && shift < 28) {
      byte = bytes[at++]!
      low |= (byte & 0x7f) << shift
      shift += 7
    }
    if (byte > 0x7f) {
      let high = 0
      let scale = 1
      do {
        byte = bytes[at++]!
        high += (byte & 0x7f) * scale
        scale *= 128
      } while (byte > 0x7f && at - this.#at < 10)
      this.#at = at
      if (at > this.#end) throw new Error('the bytes end within a number')
      const magnitude = high * 0x8000000 + (low >>> 1)
      if (byte > 0x7f || magnitude > Number.MAX_SAFE_INTEGER) throw new Error('a number has more than 53 bits')
      return low & 1 ? -magnitude - 1 : magnitude
    }
    this.#at = at
    if (at > this.#end) throw new Error('the bytes end within a number')
    return (low >>> 1) ^ -(low & 1)
  }

  float(): number {
    const at = this.#take(4)
    return this.#view.getFloat32(this.#bytes.byteOffset + at, true)
  }

  double(): number {
    const at = this.#take(8)
    return this.#view.getFloat64(this.#bytes.byteOffset + at, true)
  }

  /** A copy: what it was read from may be a buffer of many records. */
  bytes(): Buffer {
    const length = this.#length()
    const at = this.#take(length)
    return Buffer.copyBytesFrom(this.#bytes, at, length)
  }

  text(): string {
    const length = this.#length()
    const at = this.#take(length)
    return this.#texts.read(this.#bytes, at, length)
  }

  /** A text that is not expected to come again. */
  uniqueText(): string {
    const length = this.#length()
    const at = this.#take(length)
    return utf8Text(this.#bytes, at, length)
  }

  /** The number of items in the next block of an array; 0 ends it. */
  block(): number {
    let count = this.long()
    if (count < 0) {
      count = -count
      this.long() // Its size in bytes: for readers that skip it.
    }
    // Every type of ours takes a byte at least, so a count that lies is found before memory is.
    if (count > this.#end - this.#at) throw new Error(`${count} items do not fit in ${this.#end - this.#at} bytes`)
    return count
  }

  #length(): number {
    const length = this.long()
    if (length < 0 || length > this.#end - this.#at)
      throw new Error(`a length of ${length} bytes, but ${this.#end - this.#at} are left`)
    return length
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#end) throw new Error('the bytes end within a value')
    this.#at = at + length
    return at
  }
}
