/** Writes one protobuf message into a buffer that grows; large tensor bytes are appended by `bytes` with one copy. */
export class InferenceWireWriter {
  #buffer: Buffer
  #length = 0

  constructor(sizeBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes)
  }

  /** What was written so far; a view that later writes may overtake. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  string(field: number, value: string): void {
    if (value !== '') this.stringAlways(field, value)
  }

  /** Also writes '': for repeated fields and oneofs, where presence means something. */
  stringAlways(field: number, value: string): void {
    const length = Buffer.byteLength(value, 'utf8')
    this.#key(field, 2)
    this.varint(length)
    this.#room(length)
    this.#buffer.write(value, this.#length, length, 'utf8')
    this.#length += length
  }

  /** What comes before so many bytes that are sent from elsewhere. */
  bytesHead(field: number, length: number): void {
    this.#key(field, 2)
    this.varint(length)
  }

  bytes(field: number, value: Uint8Array): void {
    this.bytesHead(field, value.length)
    this.#room(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** A nested message, built by `build` in a writer of its own. */
  message(field: number, build: (writer: InferenceWireWriter) => void): void {
    const nested = new InferenceWireWriter(128)
    build(nested)
    this.bytes(field, nested.finish())
  }

  bool(field: number, value: boolean): void {
    this.#key(field, 0)
    this.varint(value ? 1 : 0)
  }

  double(field: number, value: number): void {
    this.#key(field, 1)
    this.fixed64Float(value)
  }

  int64(field: number, value: bigint): void {
    this.#key(field, 0)
    this.bigVarint(value)
  }

  /** A packed list; nothing is written for an empty one. */
  packed<T>(field: number, values: readonly T[], writeOne: (writer: InferenceWireWriter, value: T) => void): void {
    if (values.length === 0) return
    this.message(field, (nested) => {
      for (const value of values) writeOne(nested, value)
    })
  }

  /** A whole number of any sign, exact up to ±2^53. */
  varint(value: number): void {
    if (value < 0 || value > 0x7fffffff) {
      this.bigVarint(BigInt(value))
      return
    }
    this.#room(5)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#length++] = rest
  }

  bigVarint(value: bigint): void {
    this.#room(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#buffer[this.#length++] = Number(rest)
  }

  fixed32Float(value: number): void {
    this.#room(4)
    this.#length = this.#buffer.writeFloatLE(value, this.#length)
  }

  fixed64Float(value: number): void {
    this.#room(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  #key(field: number, wireType: number): void {
    this.varint(field * 8 + wireType)
  }

  #room(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
