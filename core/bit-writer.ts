const bytesAtFirst = 4_096
/** Most bits of one `bits`. */
const bitsMax = 24
const twoTo24 = 2 ** 24
const smallMax = 2 ** 23
const powers = Array.from({ length: 54 }, (_, exponent) => 2 ** exponent)

/** Writes numbers of any number of bits, highest bit first, into one growing memory that is used again and again. */
export class BitWriter {
  #bytes = Buffer.allocUnsafeSlow(bytesAtFirst)
  #view = new DataView(this.#bytes.buffer)
  /** Bytes of whole words. */
  #at = 0
  /** The bits of the next word, from its highest on. */
  #word = 0
  #wordBits = 0
  readonly #double = new DataView(new ArrayBuffer(8))

  /** Starts over. */
  reset(): void {
    this.#at = 0
    this.#word = 0
    this.#wordBits = 0
  }

  /** Bits written since `reset`. */
  get length(): number {
    return this.#at * 8 + this.#wordBits
  }

  /** A copy of what was written since `reset`, filled up with zeros to a whole byte. */
  copy(): Buffer {
    this.#view.setUint32(this.#at, this.#word)
    const size = this.#at + ((this.#wordBits + 7) >>> 3)
    const bytes = Buffer.allocUnsafe(size)
    bytes.set(this.#bytes.subarray(0, size))
    return bytes
  }

  /** The lowest `count` bits (0–24) of `value`, an integer in [0, 2^count). */
  bits(value: number, count: number): void {
    const free = 32 - this.#wordBits
    if (count < free) {
      this.#word |= value << (free - count)
      this.#wordBits += count
      return
    }
    const rest = count - free
    this.#view.setUint32(this.#at, this.#word | (value >>> rest))
    this.#at += 4
    // A shift by 32 is one by 0.
    this.#word = rest === 0 ? 0 : value << (32 - rest)
    this.#wordBits = rest
    if (this.#at + 8 > this.#bytes.length) this.#grow()
  }

  /** One bit; answers it. */
  flag(value: boolean): boolean {
    this.bits(value ? 1 : 0, 1)
    return value
  }

  /** `count` bits (0–53) of an integer in [0, 2^count). */
  wide(value: number, count: number): void {
    const high = count > bitsMax ? Math.floor(value / twoTo24) : 0
    if (count > bitsMax) this.wide(high, count - bitsMax)
    this.bits(value - high * twoTo24, Math.min(count, bitsMax))
  }

  /**
   * An integer in [0, 2^52], short if it is near 2^k or below: Exp-Golomb code of order `k` (0–52). It has k + 1 bits below 2^k, and
   * two more per doubling.
   */
  golomb(value: number, k: number): void {
    if (value < smallMax && k < bitsMax) {
      // The leading zeros, a one and the rest are one number with zeros before it.
      const small = (value | 0) + (1 << k)
      const count = 2 * (31 - Math.clz32(small)) - k + 1
      if (count <= bitsMax) {
        this.bits(small, count)
        return
      }
    }
    const shifted = value + powers[k]!
    const length = bitLength(shifted) - 1
    let zeros = length - k
    for (; zeros >= bitsMax; zeros -= bitsMax) this.bits(0, bitsMax)
    this.bits(1, zeros + 1)
    this.wide(shifted - powers[length]!, length)
  }

  float(value: number): void {
    this.#double.setFloat32(0, value)
    const word = this.#double.getUint32(0)
    this.bits(word >>> 16, 16)
    this.bits(word & 0xffff, 16)
  }

  double(value: number): void {
    this.#double.setFloat64(0, value)
    for (let at = 0; at < 8; at += 2) this.bits(this.#double.getUint16(at), 16)
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** Bits of an integer in [0, 2^53]: 0 for 0, 1 for 1, 2 for 2 and 3. */
export function bitLength(value: number): number {
  return value < 0x1_0000_0000 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / 0x1_0000_0000))
}
