import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avroCodec } from '../../schemas/avro-codec.ts'
import { AvroWriter } from '../../schemas/avro-writer.ts'
import { typeOptions } from '../../schemas/record-schema.ts'
import { type TopicName, topics } from '../../schemas/topics.ts'

/** avsc loses the last bit of numbers beyond these. */
const longs = fc.maxSafeInteger().map((number) => Math.trunc(number / 4))

/** Any value of an Avro type, by walking avsc's own idea of it. */
function anyOf(type: avro.Type): fc.Arbitrary<unknown> {
  switch (type.typeName) {
    case 'record':
      return fc.record(Object.fromEntries((type as avro.types.RecordType).fields.map((field) => [field.name, anyOf(field.type)])))
    case 'array':
      return fc.array(anyOf((type as avro.types.ArrayType).itemsType), { maxLength: 5 })
    case 'enum':
      return fc.constantFrom(...(type as avro.types.EnumType).symbols)
    case 'union:unwrapped': {
      const [, item] = (type as avro.types.UnwrappedUnionType).types
      return fc.option(anyOf(item!), { nil: null })
    }
    case 'logical:decimal':
      return fc.integer({ min: -(2 ** 46), max: 2 ** 46 }).map((units) => units / 100)
    case 'string':
      return fc.oneof(fc.string({ unit: 'grapheme', maxLength: 90 }), fc.string({ minLength: 40, maxLength: 70 }))
    case 'int':
      return fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 63, 64, -64, -65))
    case 'long':
      return fc.oneof(longs, fc.integer(), fc.constantFrom(2 ** 30, -(2 ** 30), 2 ** 30 - 1, -(2 ** 30) - 1))
    case 'float':
      return fc.float({ noNaN: true })
    case 'double':
      return fc.double({ noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'bytes':
      return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    default:
      throw new Error(`no values for ${type.typeName}`)
  }
}

describe('avroCodec against avsc', () => {
  const writer = new AvroWriter()
  const schemas = Object.keys(topics).map((topic) => topics[topic as TopicName].schema)
  it.each([...new Set(schemas)].map((schema) => [schema.name, schema] as const))(
    '%s has the same bytes and values',
    (_name, schema) => {
      const type = avro.Type.forSchema(JSON.parse(schema.text), { ...typeOptions })
      const codec = avroCodec<unknown>(JSON.parse(schema.text))
      fc.assert(
        fc.property(anyOf(type), (value) => {
          writer.reset()
          codec.write(writer, value)
          const bytes = writer.copy()
          expect(bytes.equals(type.toBuffer(value))).toBe(true)
          // Through JSON: avsc's records have prototypes of their own.
          expect(JSON.stringify(codec.decode(bytes))).toBe(JSON.stringify(type.fromBuffer(bytes)))
          expect(codec.decode(Buffer.concat([Buffer.from([7, 7]), bytes]), 2)).toEqual(codec.decode(bytes))
        }),
        { numRuns: 200 },
      )
    },
  )
})

describe('avroCodec', () => {
  const definition = {
    type: 'record',
    name: 'Any',
    fields: [
      { name: 'texts', type: { type: 'array', items: 'string' } },
      { name: 'number', type: 'long' },
      { name: 'maybe', type: ['null', 'int'] },
      { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['red', 'green'] } },
    ],
  }
  const codec = avroCodec<unknown>(definition)
  const good = { texts: ['a', 'ü'], number: 2 ** 40, maybe: 7, colour: 'green' }
  const encoded = (value: unknown) => {
    const writer = new AvroWriter()
    codec.write(writer, value)
    return writer.copy()
  }

  it('reads arrays in several blocks, with or without their size', () => {
    const type = avro.Type.forSchema(definition as avro.Schema)
    const tail = type.toBuffer({ ...good, texts: [] }).subarray(1)
    const blocks = Buffer.from([2, 2, 0x61, 1, 4, 2, 0x62, 0]) // ["a"], then one item in a block of 2 bytes: ["b"]
    expect(codec.decode(Buffer.concat([blocks, tail]))).toEqual({ ...good, texts: ['a', 'b'] })
  })

  it.each([
    [{ ...good, texts: 'a' }, /an array/],
    [{ ...good, texts: [7] }, /a string/],
    [{ ...good, number: 1.5 }, /a long/],
    [{ ...good, number: 2 ** 53 }, /a long/],
    [{ ...good, maybe: 2 ** 31 }, /32-bit/],
    [{ ...good, maybe: undefined }, /32-bit/],
    [{ ...good, colour: 'blue' }, /one of red, green/],
  ])('refuses to write %j', (value, message) => {
    expect(() => encoded(value)).toThrow(message)
  })

  it('writes every safe integer as the zigzag varint that BigInt arithmetic gives', () => {
    const long = avroCodec<number>('long')
    const edges = [0, 1, 27, 28, 29, 30, 31, 32, 51, 52].flatMap((power) => [2 ** power, 2 ** power - 1])
    const safe = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(Number.MAX_SAFE_INTEGER, ...edges))
    fc.assert(
      fc.property(safe, fc.boolean(), (magnitude, negative) => {
        const number = negative ? -magnitude : magnitude
        const writer = new AvroWriter()
        long.write(writer, number)
        let zigzag = number < 0 ? BigInt(-number) * 2n - 1n : BigInt(number) * 2n
        const bytes: number[] = []
        for (; zigzag > 127n; zigzag >>= 7n) bytes.push(Number(zigzag & 127n) | 128)
        bytes.push(Number(zigzag))
        expect([...writer.copy()]).toEqual(bytes)
        expect(long.decode(Buffer.from(bytes))).toBe(number === 0 ? 0 : number)
      }),
      { numRuns: 2_000 },
    )
  })

  it('every cut and every longer input is refused', () => {
    const bytes = encoded(good)
    expect(codec.decode(bytes)).toEqual(good)
    for (let length = 0; length < bytes.length; length++) expect(() => codec.decode(bytes.subarray(0, length))).toThrow()
    expect(() => codec.decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('1 bytes are left over')
  })

  it('a cut inside a larger buffer is refused too', () => {
    const bytes = encoded(good)
    const inside = Buffer.concat([bytes, bytes])
    for (let length = 0; length < bytes.length; length++) expect(() => codec.decode(inside.subarray(0, length))).toThrow()
  })

  it('a count or length that lies is refused before memory is taken', () => {
    expect(() => codec.decode(Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow('do not fit')
    expect(() => codec.decode(Buffer.from([2, 0xfe, 0xff, 0xff, 0x0f, 0]))).toThrow('a length of')
  })

  it('random bytes give a value or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          codec.decode(bytes)
        } catch (error) {
          expect((error as Error).message).not.toBe('')
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
