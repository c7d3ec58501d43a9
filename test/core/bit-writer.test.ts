import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitReader } from '../../core/bit-reader.ts'
import { BitWriter, bitLength } from '../../core/bit-writer.ts'

/** One thing to write, and the bits it must become, as text: the slow definition. */
interface Piece {
  readonly bits: string
  readonly value: unknown
  write(writer: BitWriter): void
  read(reader: BitReader): unknown
}

const anyNumber = fc.oneof(
  fc.nat({ max: 9 }),
  fc.nat(),
  fc.maxSafeNat().map((number) => Math.floor(number / 2)),
  fc.constant(2 ** 52),
)

const piece: fc.Arbitrary<Piece> = fc.oneof(
  fc.tuple(fc.nat({ max: 24 }), fc.nat()).map(([count, any]): Piece => {
    const value = any % 2 ** count
    return {
      value,
      bits: count === 0 ? '' : binary(value, count),
      write: (writer) => writer.bits(value, count),
      read: (reader) => reader.bits(count),
    }
  }),
  anyNumber.map((value): Piece => {
    const count = bitLength(value)
    return {
      value,
      bits: value === 0 ? '' : value.toString(2),
      write: (writer) => writer.wide(value, count),
      read: (reader) => reader.wide(count),
    }
  }),
  fc.tuple(anyNumber, fc.nat({ max: 52 })).map(([value, k]): Piece => {
    const shifted = (BigInt(value) + (1n << BigInt(k))).toString(2)
    return {
      value,
      bits: '0'.repeat(shifted.length - 1 - k) + shifted,
      write: (writer) => writer.golomb(value, k),
      read: (reader) => reader.golomb(k),
    }
  }),
  fc.float().map((value): Piece => {
    const view = new DataView(new ArrayBuffer(4))
    view.setFloat32(0, value)
    return {
      value,
      bits: binary(view.getUint32(0), 32),
      write: (writer) => writer.float(value),
      read: (reader) => reader.float(),
    }
  }),
  fc.double().map((value): Piece => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value)
    return {
      value,
      bits: view.getBigUint64(0).toString(2).padStart(64, '0'),
      write: (writer) => writer.double(value),
      read: (reader) => reader.double(),
    }
  }),
)

describe('BitWriter and BitReader', () => {
  it('write the bits that the definition says, and read them again', () => {
    const writer = new BitWriter()
    const reader = new BitReader()
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        writer.reset()
        for (const each of pieces) each.write(writer)
        const bytes = writer.copy()
        const text = pieces.map(({ bits }) => bits).join('')
        expect([...bytes].map((byte) => binary(byte, 8)).join('')).toBe(text.padEnd(Math.ceil(text.length / 8) * 8, '0'))
        reader.open(bytes)
        for (const each of pieces) expect(each.read(reader)).toBe(each.value)
        reader.close()
      }),
    )
  })

  it('grows over many times its first memory', () => {
    const writer = new BitWriter()
    for (let i = 0; i < 100_000; i++) writer.bits(i & 0xfffff, 20)
    const reader = new BitReader()
    reader.open(writer.copy())
    for (let i = 0; i < 100_000; i++) if (reader.bits(20) !== (i & 0xfffff)) throw new Error(`number ${i} is another`)
    reader.close()
  })

  it('refuses what ends early, goes on, or is not filled up with zeros', () => {
    const reader = new BitReader()
    const read = (bytes: number[], count: number) => () => {
      reader.open(Uint8Array.from(bytes))
      reader.wide(count)
      reader.close()
    }
    expect(read([1], 9)).toThrow('the bytes end within the value')
    expect(read([], 40)).toThrow('the bytes end within the value')
    expect(read([0, 0], 8)).toThrow('8 bits are left over behind the value')
    expect(read([0x10], 3)).toThrow('the last byte is not filled up with zeros')
    expect(read([0xe0], 3)).not.toThrow()
    reader.open(new Uint8Array(9))
    expect(() => reader.golomb(0)).toThrow('a number has more than 52 bits')
    reader.open(Uint8Array.of(0b00100000))
    expect(() => reader.golomb(0, 2)).toThrow('the number 3 is larger than 2')
  })
})

function binary(value: number, count: number): string {
  return value.toString(2).padStart(count, '0')
}
