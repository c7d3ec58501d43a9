import { TextTable } from '../../core/text-table.ts'
import type { LogRecord } from '../../ports/event-log.ts'
import { crc32c } from './crc32c.ts'

/** A record to write; `timestamp` in ms, as kafkajs takes it. */
export interface RecordToWrite {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly timestamp?: string
}

/** Kafka's unit on the wire and on disk: records that were sent together. */
export interface RecordBatch {
  /** The first offset after it, also where compaction removed its last records. */
  readonly nextOffset: number
  /** Whether it holds transaction markers instead of records. */
  readonly isControl: boolean
  readonly isTransactional: boolean
  readonly isAbortMarker: boolean
  readonly producerId: bigint
  readonly records: readonly LogRecord[]
}

/** Packs and unpacks the records section of a batch. */
export interface RecordsCodec {
  compress(records: Buffer): Promise<Buffer>
  decompress(records: Buffer): Promise<Buffer>
}

/** First offset and length stand in front of what the length counts. */
const prefixBytes = 12
const headerBytes = 61
const crcAt = 17
const attributesAt = 21
const magic = 2
const compressionMask = 0x07
const logAppendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20
const noProducer = -1n
/** Most bytes a record has besides key and value. */
const recordOverheadBytes = 32
const textPlaces = 16_384

const texts = new TextTable(textPlaces)

/** Most bytes that `writeRecordBatch` needs for these records, uncompressed. */
export function recordBatchBytesMax(records: readonly RecordToWrite[]): number {
  let bytes = headerBytes
  for (const { key, value } of records) bytes += recordOverheadBytes + sizeMaxOf(key) + sizeMaxOf(value)
  return bytes
}

/**
 * Writes one record batch (Kafka protocol, "Record Batch", magic 2, without producer id or headers) at `at` and answers where it
 * ends. Records without a timestamp get `nowMs`.
 */
export function writeRecordBatch(bytes: Buffer, at: number, records: readonly RecordToWrite[], nowMs: number): number {
  let [firstMs, maxMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { timestamp } of records) {
    const timeMs = timestamp === undefined ? nowMs : Number(timestamp)
    if (timeMs < firstMs) firstMs = timeMs
    if (timeMs > maxMs) maxMs = timeMs
  }
  let end = at + headerBytes
  for (let i = 0; i < records.length; i++) end = writeRecord(bytes, end, records[i]!, i, firstMs, nowMs)
  writeHeader(bytes, at, end, { attributes: 0, count: records.length, firstMs, maxMs })
  return end
}

/** The same batch with its records packed by a codec. */
export async function compressRecordBatch(batch: Buffer, type: number, codec: RecordsCodec): Promise<Buffer> {
  const packed = await codec.compress(batch.subarray(headerBytes))
  const bytes = Buffer.allocUnsafe(headerBytes + packed.length)
  bytes.set(batch.subarray(0, headerBytes))
  bytes.set(packed, headerBytes)
  bytes.writeInt16BE(type, attributesAt)
  seal(bytes, 0, bytes.length)
  return bytes
}

function writeHeader(
  bytes: Buffer,
  at: number,
  end: number,
  { attributes, count, firstMs, maxMs }: { attributes: number; count: number; firstMs: number; maxMs: number },
): void {
  bytes.writeBigInt64BE(0n, at) // The broker sets the offset.
  bytes.writeInt32BE(-1, at + 12) // Leader epoch: the broker's too.
  bytes[at + 16] = magic
  bytes.writeInt16BE(attributes, at + attributesAt)
  bytes.writeInt32BE(count - 1, at + 23)
  bytes.writeBigInt64BE(BigInt(firstMs), at + 27)
  bytes.writeBigInt64BE(BigInt(maxMs), at + 35)
  bytes.writeBigInt64BE(noProducer, at + 43)
  bytes.writeInt16BE(-1, at + 51)
  bytes.writeInt32BE(-1, at + 53)
  bytes.writeInt32BE(count, at + 57)
  seal(bytes, at, end)
}

/** Sets length and checksum, which count everything behind themselves. */
function seal(bytes: Buffer, at: number, end: number): void {
  bytes.writeInt32BE(end - at - prefixBytes, at + 8)
  bytes.writeUInt32BE(crc32c(bytes, at + attributesAt, end), at + crcAt)
}

function writeRecord(bytes: Buffer, at: number, record: RecordToWrite, index: number, firstMs: number, nowMs: number): number {
  const keyBytes = sizeOf(record.key)
  const valueBytes = sizeOf(record.value)
  const deltaMs = (record.timestamp === undefined ? nowMs : Number(record.timestamp)) - firstMs
  const body =
    2 +
    varintBytes(deltaMs) +
    varintBytes(index) +
    varintBytes(keyBytes) +
    Math.max(keyBytes, 0) +
    varintBytes(valueBytes) +
    Math.max(valueBytes, 0)
  let end = writeVarint(bytes, at, body)
  bytes[end++] = 0 // Attributes: none are in use.
  end = writeVarint(bytes, end, deltaMs)
  end = writeVarint(bytes, end, index)
  end = writeBytes(bytes, writeVarint(bytes, end, keyBytes), record.key)
  end = writeBytes(bytes, writeVarint(bytes, end, valueBytes), record.value)
  bytes[end++] = 0 // No headers.
  return end
}

function sizeMaxOf(part: Buffer | string | null | undefined): number {
  return typeof part === 'string' ? part.length * 3 : (part?.length ?? 0)
}

/** -1 = there is none. */
function sizeOf(part: Buffer | string | null | undefined): number {
  return part == null ? -1 : typeof part === 'string' ? Buffer.byteLength(part) : part.length
}

function writeBytes(bytes: Buffer, at: number, part: Buffer | string | null | undefined): number {
  if (part == null) return at
  if (typeof part === 'string') return at + bytes.write(part, at)
  bytes.set(part, at)
  return at + part.length
}

function varintBytes(value: number): number {
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  let count = 1
  for (; zigzag > 127; count++) zigzag = Math.floor(zigzag / 128)
  return count
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let end = at
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  for (; zigzag > 127; zigzag = Math.floor(zigzag / 128)) bytes[end++] = (zigzag % 128) | 128
  bytes[end++] = zigzag
  return end
}

/**
 * The record batches in what a fetch brought, in order. The broker cuts at a number of bytes, so the last may be in part: it is left
 * out. Values are views into `bytes`. Throws an `Error` where the bytes are no record batches of magic 2.
 */
export async function readRecordBatches(bytes: Buffer, codecOf: (type: number) => RecordsCodec | null): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const end = at + prefixBytes + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    if (bytes[at + 16] !== magic) throw new Error(`a record batch of magic ${bytes[at + 16]}, but only ${magic} is known`)
    const codec = codecOf(bytes.readInt16BE(at + attributesAt) & compressionMask)
    const records = bytes.subarray(at + headerBytes, end)
    batches.push(readBatch(bytes, at, codec ? await codec.decompress(records) : records))
    at = end
  }
  return batches
}

function readBatch(bytes: Buffer, at: number, packed: Buffer): RecordBatch {
  const firstOffset = Number(bytes.readBigInt64BE(at))
  const attributes = bytes.readInt16BE(at + attributesAt)
  const isLogTime = (attributes & logAppendTimeFlag) !== 0
  const timeMs = Number(bytes.readBigInt64BE(at + (isLogTime ? 35 : 27)))
  const isControl = (attributes & controlFlag) !== 0
  const reader = new RecordReader(packed)
  const records: LogRecord[] = []
  for (let left = bytes.readInt32BE(at + 57); left > 0; left--) records.push(reader.next(firstOffset, timeMs, isLogTime))
  return {
    nextOffset: firstOffset + bytes.readInt32BE(at + 23) + 1,
    isControl,
    isTransactional: (attributes & transactionalFlag) !== 0,
    isAbortMarker: isControl && reader.lastControlType === 0,
    producerId: bytes.readBigInt64BE(at + 43),
    records,
  }
}

/** Walks the records section of one batch. */
class RecordReader {
  readonly #bytes: Buffer
  #at = 0
  #keyAt = -1
  #keyBytes = -1

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The kind of the last marker: 0 abort, 1 commit; its key is a version and a kind of two bytes each. */
  get lastControlType(): number {
    return this.#keyBytes >= 4 ? this.#bytes.readInt16BE(this.#keyAt + 2) : -1
  }

  next(firstOffset: number, timeMs: number, isLogTime: boolean): LogRecord {
    const size = this.#varint()
    const end = this.#at + size
    if (size < 0 || end > this.#bytes.length) throw new Error('a record does not fit in its batch')
    this.#at++ // Attributes.
    const deltaMs = this.#varint()
    const offset = firstOffset + this.#varint()
    this.#keyBytes = this.#varint()
    this.#keyAt = this.#at
    if (this.#at + this.#keyBytes > end) throw new Error('a key does not fit in its record')
    const key = this.#keyBytes < 0 ? null : texts.read(this.#bytes, this.#at, this.#keyBytes)
    this.#at += Math.max(this.#keyBytes, 0)
    const valueBytes = this.#varint()
    if (this.#at + valueBytes > end) throw new Error('a value does not fit in its record')
    const value = valueBytes < 0 ? null : this.#bytes.subarray(this.#at, this.#at + valueBytes)
    this.#at = end // Headers are not ours.
    return { offset, timestampMs: isLogTime ? timeMs : timeMs + deltaMs, key, value }
  }

  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++]!
    let low = byte & 0x7f
    let shift = 7
    while (byte > 0x7f && shift < 28) {
      byte = bytes[this.#at++]!
      low |= (byte & 0x7f) << shift
      shift += 7
    }
    if (!(byte > 0x7f)) return (low >>> 1) ^ -(low & 1)
    let high = 0
    for (let scale = 1; byte > 0x7f && scale < 2 ** 40; scale *= 128) {
      byte = bytes[this.#at++]!
      high += (byte & 0x7f) * scale
    }
    const magnitude = high * 0x8000000 + (low >>> 1)
    return low & 1 ? -magnitude - 1 : magnitude
  }
}
