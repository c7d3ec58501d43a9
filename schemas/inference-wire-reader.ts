import { MillraceError } from '../core/errors.ts'

const TWO_32 = 4294967296

/** Reads one protobuf message front to back without copying; a broken one ends in `MILL_INFERENCE_INVALID`, never out of range. */
export class InferenceWireReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #end: number
  #position: number
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#position = start
    this.#end = end
  }

  get done(): boolean {
    return this.#position >= this.#end
  }

  /** The next field key (field number × 8 + wire type). */
  key(): number {
    this.#varint()
    if (this.#low >>> 3 === 0) this.#broken('field number 0')
    return this.#low >>> 0
  }

  /** A varint cut to 32 bits, unsigned. */
  uint32(): number {
    this.#varint()
    return this.#low >>> 0
  }

  /** A varint cut to 32 bits, signed. */
  int32(): number {
    this.#varint()
    return this.#low | 0
  }

  bool(): boolean {
    this.#varint()
    return this.#low !== 0 || this.#high !== 0
  }

  /** An int64 as number: exact up to ±2^53. */
  int64Number(): number {
    this.#varint()
    return (this.#high | 0) * TWO_32 + (this.#low >>> 0)
  }

  int64(): bigint {
    this.#varint()
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low >>> 0)
  }

  uint64(): bigint {
    this.#varint()
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
  }

  float(): number {
    return this.#view.getFloat32(this.#take(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  /** A view into the message, at whatever alignment it happens to lie. */
  bytes(): Uint8Array {
    const length = this.uint32()
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  string(): string {
    const length = this.uint32()
    const start = this.#take(length)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('utf8')
  }

  /** A reader over the nested message that comes next. */
  message(): InferenceWireReader {
    const length = this.uint32()
    const start = this.#take(length)
    return new InferenceWireReader(this.#bytes, start, start + length)
  }

  /** A repeated scalar, packed (wire type 2) or not: calls `readOne` once per element. */
  repeated(key: number, readOne: (reader: InferenceWireReader) => void): void {
    if ((key & 7) !== 2) {
      readOne(this)
      return
    }
    const packed = this.message()
    while (!packed.done) readOne(packed)
  }

  /** Skips a field nobody here knows. */
  skip(key: number): void {
    switch (key & 7) {
      case 0:
        this.#varint()
        return
      case 1:
        this.#take(8)
        return
      case 2:
        this.#take(this.uint32())
        return
      case 5:
        this.#take(4)
        return
      default:
        this.#broken(`wire type ${key & 7}`)
    }
  }

  #take(length: number): number {
    const start = this.#position
    if (start + length > this.#end) this.#broken(`${length} bytes wanted, ${this.#end - start} left`)
    this.#position = start + length
    return start
  }

  #varint(): void {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) this.#broken('a number is cut off')
      const byte = this.#bytes[this.#position++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >>> 4
      } else high |= shift < 63 ? bits << (shift - 32) : (bits & 1) << 31
      if (byte < 0x80) {
        this.#low = low
        this.#high = high
        return
      }
    }
    this.#broken('a number is longer than 10 bytes')
  }

  #broken(what: string): never {
    throw new MillraceError('MILL_INFERENCE_INVALID', `the inference message is broken at byte ${this.#position}: ${what}`)
  }
}
