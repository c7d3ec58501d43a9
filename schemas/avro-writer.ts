/** Longest single write besides texts and bytes: a 64-bit varint or a double. */
const numberBytesMax = 10
const bytesAtFirst = 65_536

/**
 * Writes Avro binary (Avro 1.12, "Binary Encoding") into one growing memory that is used again and again. Numbers must have been
 * checked by the caller: a wrong one would be written as something else.
 */
export class AvroWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(bytesAtFirst)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  /** Bytes written since `reset`. */
  get at(): number {
    return this.#at
  }

  /** Starts over from a position. */
  reset(at = 0): void {
    this.#at = at
  }

  /** A copy of what was written from `from` on. */
  copy(from = 0): Buffer {
    const bytes = Buffer.allocUnsafe(this.#at - from)
    bytes.set(this.#bytes.subarray(from, this.#at))
    return bytes
  }

  byte(value: number): void {
    if (this.#at + numberBytesMax > this.#bytes.length) this.#grow(numberBytesMax)
    this.#bytes[this.#at++] = value
  }

  /** Big-endian, as the wire format's schema id. */
  uint32(value: number): void {
    if (this.#at + numberBytesMax > this.#bytes.length) this.#grow(numberBytesMax)
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  /** A zigzag varint of a safe integer. */
  long(value: number): void {
    if (this.#at + numberBytesMax > this.#bytes.length) this.#grow(numberBytesMax)
    const bytes = this.#bytes
    let at = this.#at
    let rest: number
    const small = value | 0
    if (small === value && small >= -0x40000000 && small < 0x40000000) rest = (small << 1) ^ (small >> 31)
    else {
      // Doubled it may need 54 bits, which a number does not hold: 27 bits of it become the first 28 of the zigzag form.
      const magnitude = value >= 0 ? value : -value - 1
      let low = ((magnitude % 0x8000000) << 1) | (value < 0 ? 1 : 0)
      for (let i = 0; i < 4; i++) {
        bytes[at++] = (low & 0x7f) | 0x80
        low >>>= 7
      }
      rest = Math.floor(magnitude / 0x8000000)
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.#at = at
  }

  float(value: number): void {
    if (this.#at + numberBytesMax > this.#bytes.length) this.#grow(numberBytesMax)
    this.#view.setFloat32(this.#at, value, true)
    this.#at += 4
  }

  double(value: number): void {
    if (this.#at + numberBytesMax > this.#bytes.length) this.#grow(numberBytesMax)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  bytes(value: Uint8Array): void {
    this.long(value.length)
    if (this.#at + value.length > this.#bytes.length) this.#grow(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  text(value: string): void {
    const { length } = value
    if (this.#at + length + numberBytesMax > this.#bytes.length) this.#grow(length + numberBytesMax)
    // Most texts are short ASCII ids: their length is one byte and their units are their bytes.
    if (length < 64) {
      const bytes = this.#bytes
      const start = this.#at + 1
      let i = 0
      for (; i < length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 0x7f) break
        bytes[start + i] = unit
      }
      if (i === length) {
        bytes[start - 1] = length << 1
        this.#at = start + length
        return
      }
    }
    const sizeBytes = Buffer.byteLength(value)
    this.long(sizeBytes)
    if (this.#at + sizeBytes > this.#bytes.length) this.#grow(sizeBytes)
    this.#at += this.#bytes.write(value, this.#at)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + needed + numberBytesMax))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}
