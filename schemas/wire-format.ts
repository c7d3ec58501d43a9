import avro from 'avsc'
import { type Clock, systemClock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { AvroWriter } from './avro-writer.ts'
import { asBuffer, type RecordSchema, typeOptions } from './record-schema.ts'
import { type TopicName, type TopicValue, topics } from './topics.ts'

const magicByte = 0
const headerBytes = 5
/** Foreign schema ids remembered, known and unknown: bounds what broken producers can make us hold. */
const idsMax = 4096

/** What encoding and decoding need of a registry; ports/schema-registry.ts offers it. */
export interface SchemaSource {
  register(subject: string, schema: string): Promise<number>
  byId(id: number): Promise<string | null>
}

/** What to think of a registry that does not know a schema id. */
export interface WireFormatOptions {
  /** 0, the default, where a registry knows at once what it has given out; else how far it may lag behind itself, in milliseconds. */
  readonly patienceMs?: number
  readonly clock?: Clock
}

/** Reads the value behind the header. */
type Reader = (bytes: Uint8Array) => unknown

/** How long a refusal is believed before the registry is asked again, in milliseconds. */
const refusalMs = 30_000
/** How often the registry is asked while an id may still become known, in milliseconds. */
const askEveryMs = 250
/** Of all time the share in which ids may be waited for: producers of garbage delay their topic by no more than that. */
const patientShare = 0.1

/** Encoding never waits, so one writer serves all. */
const writer = new AvroWriter()

/**
 * The Confluent wire format (byte 0, 4-byte big-endian schema id, Avro body) for every topic. Encoding uses the registered
 * id of our schema; decoding resolves any writer's schema to ours and caches the resolver, so an old record still reads
 * after a schema gained a field. Encode and decode are synchronous: `prepare` fetches the ids a batch needs beforehand.
 */
export class WireFormat {
  readonly #registry: SchemaSource
  readonly #ids: ReadonlyMap<TopicName, number>
  readonly #clock: Clock
  readonly #patienceMs: number
  /** By `topic name` then id. A number = the registry does not know the id; it is asked again at that time of the clock. */
  readonly #readers = new Map<TopicName, Map<number, Reader | number>>()
  /** Until when ids unknown to the registry are waited for, and from when on the next ones are. */
  #patientUntilMs = Number.NEGATIVE_INFINITY
  #patientAgainMs = Number.NEGATIVE_INFINITY

  private constructor(registry: SchemaSource, ids: ReadonlyMap<TopicName, number>, options: WireFormatOptions) {
    this.#registry = registry
    this.#ids = ids
    this.#clock = options.clock ?? systemClock
    this.#patienceMs = options.patienceMs ?? 0
    for (const [topic, id] of ids) {
      const schema = topics[topic].schema as RecordSchema<unknown>
      this.#readers.set(topic, new Map([[id, (bytes: Uint8Array) => schema.decode(bytes, headerBytes)]]))
    }
  }

  /** Registers every topic's schema; an incompatible one is refused (`MILL_SCHEMA_INCOMPATIBLE`). */
  static async open(registry: SchemaSource, options: WireFormatOptions = {}): Promise<WireFormat> {
    const ids = new Map<TopicName, number>()
    for (const topic of Object.keys(topics) as TopicName[])
      ids.set(topic, await registry.register(`${topic}-value`, topics[topic].schema.text))
    return new WireFormat(registry, ids, options)
  }

  /** Bytes for the log. A value that does not fit the schema throws `MILL_SCHEMA_MISMATCH` naming the field. */
  encode<N extends TopicName>(topic: N, value: TopicValue<N>): Buffer {
    const schema = topics[topic].schema as unknown as RecordSchema<TopicValue<N>>
    writer.reset()
    writer.byte(magicByte)
    writer.uint32(this.#ids.get(topic)!)
    try {
      schema.write(writer, value)
    } catch (cause) {
      const where = faultyField(schema.type, value)
      throw new MillraceError('MILL_SCHEMA_MISMATCH', `the value is no ${schema.name}: ${where}${(cause as Error).message}`, {
        cause,
      })
    }
    return writer.copy()
  }

  /**
   * Fetches writer schemas not seen before; a no-op (and no promise to wait for) when all are known. An id that the registry does not
   * know is asked for again during `patienceMs`, for a registry may lag behind the one that gave it out; then it is refused, and after
   * half a minute asked for anew. All such waits together take a tenth of the time at most.
   */
  prepare(topic: TopicName, values: Iterable<Uint8Array | null>): Promise<void> | undefined {
    const known = this.#readers.get(topic)!
    let missing: Set<number> | undefined
    for (const value of values) {
      if (value === null || value.length < headerBytes || value[0] !== magicByte) continue
      const id = idOf(value)
      const reader = known.get(id)
      if (typeof reader === 'function' || (reader !== undefined && this.#clock.elapsedMs() < reader)) continue
      missing ??= new Set()
      missing.add(id)
    }
    return missing ? this.#fetch(topic, missing) : undefined
  }

  /** The value, or a thrown `MILL_SCHEMA_MISMATCH` / `MILL_SCHEMA_UNKNOWN` (dead-letter). Call `prepare` first. */
  decode<N extends TopicName>(topic: N, bytes: Uint8Array): TopicValue<N> {
    if (bytes.length < headerBytes || bytes[0] !== magicByte) {
      throw new MillraceError(
        'MILL_SCHEMA_MISMATCH',
        `not in the wire format: expected byte 0 and a 4-byte schema id, got ${bytes.length} bytes`,
      )
    }
    const id = idOf(bytes)
    const reader = this.#readers.get(topic)!.get(id)
    if (typeof reader !== 'function') throw new MillraceError('MILL_SCHEMA_UNKNOWN', `the registry does not know schema id ${id}`)
    return reader(bytes) as TopicValue<N>
  }

  async #fetch(topic: TopicName, ids: ReadonlySet<number>): Promise<void> {
    const readers = this.#readers.get(topic)!
    for (const id of ids) {
      // Who was refused once has been waited for.
      const text = await this.#ask(id, typeof readers.get(id) !== 'number')
      if (readers.size >= idsMax && !readers.has(id)) readers.delete(oldestForeign(readers))
      const reader = text === null ? null : readerFor(topics[topic].schema as RecordSchema<unknown>, text)
      readers.set(id, reader ?? this.#clock.elapsedMs() + refusalMs)
    }
  }

  async #ask(id: number, patient: boolean): Promise<string | null> {
    for (;;) {
      const text = await this.#registry.byId(id)
      if (text !== null || !patient || !this.#mayWait()) return text
      await new Promise<void>((resolve) => this.#clock.after(askEveryMs, resolve))
    }
  }

  /** Whether an unknown id may still become known; what is asked for meanwhile shares the wait. */
  #mayWait(): boolean {
    const nowMs = this.#clock.elapsedMs()
    if (nowMs >= this.#patientAgainMs) {
      this.#patientUntilMs = nowMs + this.#patienceMs
      this.#patientAgainMs = nowMs + this.#patienceMs / patientShare
    }
    return nowMs < this.#patientUntilMs
  }
}

function idOf(bytes: Uint8Array): number {
  return ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
}

/** The path of the first field that does not fit, with a colon; '' if all fit by themselves. */
function faultyField(type: avro.Type, value: unknown): string {
  let where = ''
  type.isValid(value, {
    errorHook: (path) => {
      where ||= `${path.join('.')}: `
    },
  })
  return where
}

function oldestForeign(readers: ReadonlyMap<number, unknown>): number {
  const [, second] = readers.keys() // The first is our own schema.
  return second!
}

function readerFor(schema: RecordSchema<unknown>, writerText: string): Reader {
  let resolver: ReturnType<avro.Type['createResolver']>
  try {
    const writer = avro.Type.forSchema(JSON.parse(writerText) as avro.Schema, { ...typeOptions })
    resolver = schema.type.createResolver(writer)
  } catch (cause) {
    return () => {
      throw new MillraceError(
        'MILL_SCHEMA_MISMATCH',
        `the writer's schema cannot be read as ${schema.name}: ${(cause as Error).message}`,
        { cause },
      )
    }
  }
  return (bytes) => {
    try {
      return schema.type.fromBuffer(asBuffer(bytes).subarray(headerBytes), resolver)
    } catch (cause) {
      throw new MillraceError('MILL_SCHEMA_MISMATCH', `the bytes are no ${schema.name}: ${(cause as Error).message}`, { cause })
    }
  }
}
