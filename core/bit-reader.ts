const bitsMax = 24
const bytesAtFirst = 4_096
const paddingBytes = 8
const twoTo24 = 2 ** 24
const powers = Array.from({ length: 54 }, (_, exponent) => 2 ** exponent)

/**
 * Reads what a `BitWriter` wrote. Behind the end there are zeros for ever: `close` finds that out, and `left` is below 0 then, so a
 * length must be held against it before it is believed. Errors: a plain `Error`; bytes of any kind cause nothing else.
 */
export class BitReader {
  /** What is read, with zeros behind it: looking at whole words needs no check then. */
  #bytes = new Uint8Array(bytesAtFirst)
  #at = 0
  #end = 0
  readonly #double = new DataView(new ArrayBuffer(8))

  /** Goes to the start of `bytes`, and takes a copy of them. */
  open(bytes: Uint8Array): void {
    if (bytes.length + paddingBytes > this.#bytes.length) this.#bytes = new Uint8Array((bytes.length + paddingBytes) * 2)
    this.#bytes.set(bytes)
    this.#bytes.fill(0, bytes.length, bytes.length + paddingBytes)
    this.#at = 0
    this.#end = bytes.length * 8
  }

  /** Checks that nothing but the zeros that fill a byte is left. */
  close(): void {
    const { left } = this
    if (left < 0) throw new Error('the bytes end within the value')
    if (left >= 8) throw new Error(`${left} bits are left over behind the value`)
    if (this.bits(left) !== 0) throw new Error('the last byte is not filled up with zeros')
  }

  /** Bits not read yet; below 0 once what was read lies behind the end. */
  get left(): number {
    return this.#end - this.#at
  }

  /** `count` bits (0–24), as an integer in [0, 2^count). */
  bits(count: number): number {
    const value = this.peek(count)
    this.#at += count
    return value
  }

  /** The next `count` bits (0–24) without going on. */
  peek(count: number): number {
    if (this.#at > this.#end || count === 0) return 0
    const bytes = this.#bytes
    const at = this.#at >>> 3
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    return (word << (this.#at & 7)) >>> (32 - count)
  }

  /** Goes on by some bits. */
  skip(count: number): void {
    this.#at += count
  }

  flag(): boolean {
    return this.bits(1) === 1
  }

  /** `count` bits (0–53). */
  wide(count: number): number {
    return count <= bitsMax ? this.bits(count) : this.wide(count - bitsMax) * twoTo24 + this.bits(bitsMax)
  }

  /** An integer of at most `max` (up to 2^52), see `BitWriter.golomb`. */
  golomb(k: number, max: number = 2 ** 52): number {
    const zeros = Math.clz32(this.peek(bitsMax)) - (32 - bitsMax)
    const value = 2 * zeros + k < bitsMax ? this.bits(2 * zeros + k + 1) - (1 << k) : this.#longGolomb(k)
    if (value > max) throw new Error(`the number ${value} is larger than ${max}`)
    return value
  }

  #longGolomb(k: number): number {
    let zeros = 0
    while (this.bits(1) === 0) if (++zeros + k > 53) throw new Error('a number has more than 52 bits')
    return powers[zeros + k]! + this.wide(zeros + k) - powers[k]!
  }

  float(): number {
    this.#double.setUint32(0, this.bits(16) * 0x10000 + this.bits(16))
    return this.#double.getFloat32(0)
  }

  double(): number {
    for (let at = 0; at < 8; at += 2) this.#double.setUint16(at, this.bits(16))
    return this.#double.getFloat64(0)
  }
}
