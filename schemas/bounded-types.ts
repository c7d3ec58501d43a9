import avro from 'avsc'

/** Where avsc reads from; it never fails at the end of the bytes but goes on with zeros, and is checked once the value is done. */
interface Tap {
  readonly buf: Uint8Array
  pos: number
  readLong(): number
  readString(): string
  skipString(): void
  /** Items announced by all counts so far. */
  itemsAnnounced?: number
}

interface Reading {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

/**
 * The next block's item count. avsc believes any count and allocates for it; here all counts of a record together may announce
 * as many items as it has bytes, since each of ours takes one at least. So a record costs work and memory by its own length.
 */
function readCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.readLong() // The block's size: for skipping it unread, which we do not trust either.
  }
  if (count === 0) return 0
  tap.itemsAnnounced = (tap.itemsAnnounced ?? 0) + count
  if (tap.itemsAnnounced > tap.buf.length) throw new Error(`${count} items announced in ${tap.buf.length} bytes`)
  return count
}

class BoundedArrayType extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Reading
    let values: unknown[] | undefined
    let next = 0
    for (let count = readCount(tap); count > 0; count = readCount(tap)) {
      values ??= new Array(count)
      for (; count > 0; count--) values[next++] = items._read(tap)
    }
    return values ?? []
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Reading
    for (let count = readCount(tap); count > 0; count = readCount(tap)) for (; count > 0; count--) items._skip(tap)
  }
}

class BoundedMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Reading
    const map: Record<string, unknown> = {}
    for (let count = readCount(tap); count > 0; count = readCount(tap))
      for (; count > 0; count--) map[tap.readString()] = values._read(tap)
    return map
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as Reading
    for (let count = readCount(tap); count > 0; count = readCount(tap))
      for (; count > 0; count--) {
        tap.skipString()
        values._skip(tap)
      }
  }
}

/** An avsc type hook: arrays and maps whose counts the length of the record bounds, whoever wrote it. */
export function boundedTypes(schema: avro.Schema, options: avro.ForSchemaOptions): avro.Type | undefined {
  const type = (schema as { type?: unknown } | null)?.type
  if (type === 'array') return new BoundedArrayType(schema, options)
  return type === 'map' ? new BoundedMapType(schema, options) : undefined
}
