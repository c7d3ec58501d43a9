import avro from 'avsc'
import { MillraceError } from '../core/errors.ts'
import { type AvroCodec, type AvroCodecOptions, avroCodec } from './avro-codec.ts'
import { AvroWriter } from './avro-writer.ts'
import { boundedTypes } from './bounded-types.ts'

/** A field of an Avro record: every one has a `doc`. */
export interface FieldSchema {
  readonly name: string
  readonly type: unknown
  readonly doc: string
  readonly default?: unknown
}

/** An Avro record with its TypeScript type: the same value on the wire, in state and in memory. */
export interface RecordSchema<T> {
  /** The Avro record name, e.g. `UserEvent`. */
  readonly name: string
  /** The schema as JSON text: what a registry holds. */
  readonly text: string
  /** For reading what other schemas wrote, and for finding the field that does not fit. */
  readonly type: avro.Type
  encode(value: T): Buffer
  /** Appends to what is being written. */
  write(writer: AvroWriter, value: T): void
  /** Reads from `from` to the end. */
  decode(bytes: Uint8Array, from?: number): T
}

/**
 * Money as Avro `decimal`: big-endian two's complement of the value times 10^scale. In memory a plain number, rounded to
 * the scale; 12 digits fit a double exactly.
 */
class DecimalType extends avro.types.LogicalType {
  readonly #factor: number

  constructor(attributes: avro.Schema, options: unknown) {
    super(attributes, options)
    this.#factor = 10 ** ((attributes as unknown as { scale?: number }).scale ?? 0)
  }

  protected override _fromValue(bytes: Buffer): number {
    return (bytes.length === 0 ? 0 : bytes.readIntBE(0, bytes.length)) / this.#factor
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
    const units = Math.round(value * this.#factor)
    if (Math.abs(units) >= 2 ** 47) return undefined
    const length =
      units >= -128 && units < 128 ? 1 : units >= -32768 && units < 32768 ? 2 : units >= -(2 ** 31) && units < 2 ** 31 ? 4 : 6
    const bytes = Buffer.allocUnsafe(length)
    bytes.writeIntBE(units, 0, length)
    return bytes
  }

  protected override _resolve(type: avro.Type): ((value: unknown) => unknown) | undefined {
    return avro.Type.isType(type, 'logical:decimal') ? (value) => value : undefined
  }
}

/** What our readers understand beyond plain Avro, and the bounds they keep. */
export const typeOptions = {
  logicalTypes: { decimal: DecimalType },
  typeHook: boundedTypes,
} as unknown as Partial<avro.ForSchemaOptions>

/** A money amount in the shop's currency, two decimals. */
export const money = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } as const

/** Milliseconds since 1970-01-01 UTC. */
export const timestampMs = { type: 'long', logicalType: 'timestamp-millis' } as const

/** A field that may be absent: null by default. */
export function optional(name: string, type: unknown, doc: string): FieldSchema {
  return { name, type: ['null', type], doc, default: null }
}

/** Declares a record schema; nested records are given by their `definition`. */
export function recordSchema<T>(
  name: string,
  doc: string,
  fields: readonly FieldSchema[],
  options: AvroCodecOptions = {},
): RecordSchema<T> & { readonly definition: unknown } {
  const definition = { type: 'record', name, namespace: 'millrace', doc, fields }
  // Both are made when first needed: a process uses few of all schemas.
  let type: avro.Type | undefined
  let codec: AvroCodec<T> | undefined
  const compiled = () => {
    codec ??= avroCodec<T>(definition, options)
    return codec
  }
  return {
    name,
    definition,
    text: JSON.stringify(definition),
    get type() {
      type ??= avro.Type.forSchema(definition as unknown as avro.Schema, { ...typeOptions })
      return type
    },
    write: (writer, value) => compiled().write(writer, value),
    encode(value) {
      writer.reset()
      compiled().write(writer, value)
      return writer.copy()
    },
    decode(bytes, from) {
      try {
        return compiled().decode(bytes, from)
      } catch (cause) {
        throw new MillraceError('MILL_SCHEMA_MISMATCH', `the bytes are no ${name}: ${(cause as Error).message}`, { cause })
      }
    },
  }
}

/** Encoding never waits, so one writer serves all. */
const writer = new AvroWriter()

/** The same memory as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
