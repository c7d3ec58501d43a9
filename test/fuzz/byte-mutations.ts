import fc from 'fast-check'

/** One change to a text of bytes; `at` and `size` are shares of its length, so that a change fits bytes of any length. */
interface ByteChange {
  readonly kind: 'flip' | 'set' | 'cut' | 'drop' | 'double' | 'insert' | 'count'
  /** 0 to below 1. */
  readonly at: number
  /** 0 to below 1, of 16 bytes. */
  readonly size: number
  readonly value: number
}

// Not `fc.double`: nearly all doubles lie close to 0.
const share = fc.nat({ max: 9_999 }).map((tenThousandths) => tenThousandths / 10_000)

const change: fc.Arbitrary<ByteChange> = fc.record({
  kind: fc.constantFrom('flip', 'set', 'cut', 'drop', 'double', 'insert', 'count'),
  at: share,
  size: share,
  value: fc.nat({ max: 255 }),
})

/** Numbers that a careless reader allocates, loops or jumps by: 2^24 to 2^62, and their negatives. */
const counts: readonly bigint[] = [24n, 31n, 32n, 40n, 52n, 62n].flatMap((power) => [1n << power, -(1n << power)])

/** One to four changes in a row, to be laid over valid bytes with `mutated`. */
export const byteChanges: fc.Arbitrary<readonly ByteChange[]> = fc.array(change, { minLength: 1, maxLength: 4 })

/** `bytes` with the changes made one after another. */
export function mutated(bytes: Uint8Array, changes: readonly ByteChange[]): Buffer {
  let result = Buffer.from(bytes)
  for (const { kind, at, size, value } of changes) {
    const place = Math.floor(at * result.length)
    const end = Math.min(result.length, place + 1 + Math.floor(size * 16))
    const insert = (middle: Uint8Array) => Buffer.concat([result.subarray(0, place), middle, result.subarray(place)])
    if (kind === 'flip' && place < result.length) result[place]! ^= 1 << (value & 7)
    else if (kind === 'set' && place < result.length) result[place] = value
    else if (kind === 'cut') result = result.subarray(0, place)
    else if (kind === 'drop') result = Buffer.concat([result.subarray(0, place), result.subarray(end)])
    else if (kind === 'double') result = insert(result.subarray(place, end))
    else if (kind === 'insert') result = insert(Buffer.alloc(1 + Math.floor(size * 16), value))
    else if (kind === 'count') result = insert(zigzag(counts[value % counts.length]!))
  }
  return result
}

/** An Avro `long`: zigzag, then seven bits a byte. */
export function zigzag(value: bigint): Buffer {
  return varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
}

/** A protobuf varint of a number of 0 or more. */
export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128)
  bytes.push(Number(value))
  return Buffer.from(bytes)
}
