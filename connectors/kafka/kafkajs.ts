import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress, lz4Decompress } from './lz4-frame.ts'
import {
  compressRecordBatch,
  type RecordBatch,
  type RecordsCodec,
  type RecordToWrite,
  readRecordBatches,
  recordBatchBytesMax,
  writeRecordBatch,
} from './record-batch.ts'

/**
 * kafkajs 2.2.4, mended and completed. It is unmaintained, so what we rely on beyond its public types is named here and nowhere
 * else; the version is pinned, and test/services/kafka-client.test.ts holds each mend.
 */
const require = createRequire(import.meta.url)

/** What kafkajs asks of a codec. */
interface KafkaCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

interface KafkaMessageParts {
  readonly partition?: number
}

/** Groups the records of one send by partition; the original copies a list per record, which is quadratic. */
function groupByPartition(send: { readonly messages: readonly KafkaMessageParts[] }): Record<string, KafkaMessageParts[]> {
  const grouped: Record<string, KafkaMessageParts[]> = {}
  for (const message of send.messages) {
    const partition = message.partition!
    const group = grouped[partition]
    if (group) group.push(message)
    else grouped[partition] = [message]
  }
  return grouped
}

/** Puts another export in a module's place: before kafkajs itself is loaded, since its other modules take exports at load time. */
function replaceModule(name: string, replacement: unknown): void {
  const path = require.resolve(name)
  require(path)
  require.cache[path]!.exports = replacement
}

replaceModule('kafkajs/src/producer/groupMessagesPerPartition', groupByPartition)

/** What kafkajs writes requests with. */
interface Encoder {
  writeString(text: string | null): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeBuffer(bytes: Buffer): Encoder
}

interface ProduceRequest {
  readonly acks: number
  readonly timeout: number
  readonly transactionalId?: string | null
  readonly compression?: number
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly messages: readonly (RecordToWrite & { headers?: object })[]
    }[]
  }[]
}

const EncoderClass = require('kafkajs/src/protocol/encoder') as new (sizeBytes: number) => Encoder
const compression = require('kafkajs/src/protocol/message/compression') as { lookupCodec(type: number): KafkaCodec | null }
const produceName = 'kafkajs/src/protocol/requests/produce/v3/request'
const originalProduce = require(produceName) as (request: ProduceRequest) => object

/** The original makes three buffers of 512 bytes for each record. Headers and transactions, which we do not use, stay with it. */
function produceRequest(request: ProduceRequest): object {
  const original = originalProduce(request)
  const { acks, timeout, transactionalId, compression: type = 0, topicData } = request
  if (transactionalId || topicData.some(({ partitions }) => partitions.some(({ messages }) => messages.some(hasHeaders))))
    return original
  return {
    ...original,
    encode: async () => {
      const codec = type === 0 ? null : codecOf(type)
      const nowMs = Date.now()
      const topics: { topic: string; partitions: { partition: number; batch: Buffer }[] }[] = []
      let sizeBytes = 64
      for (const { topic, partitions } of topicData) {
        const batches = await Promise.all(
          partitions.map(async ({ partition, messages }) => {
            const bytes = Buffer.allocUnsafeSlow(recordBatchBytesMax(messages))
            const batch = bytes.subarray(0, writeRecordBatch(bytes, 0, messages, nowMs))
            return { partition, batch: codec ? await compressRecordBatch(batch, type, codec) : batch }
          }),
        )
        sizeBytes += 8 + topic.length * 3
        for (const { batch } of batches) sizeBytes += 8 + batch.length
        topics.push({ topic, partitions: batches })
      }
      const encoder = new EncoderClass(sizeBytes).writeString(null).writeInt16(acks).writeInt32(timeout).writeInt32(topics.length)
      for (const { topic, partitions } of topics) {
        encoder.writeString(topic).writeInt32(partitions.length)
        for (const { partition, batch } of partitions) encoder.writeInt32(partition).writeInt32(batch.length).writeBuffer(batch)
      }
      return encoder
    },
  }
}

function hasHeaders({ headers }: { headers?: object }): boolean {
  return headers !== undefined && Object.keys(headers).length > 0
}

replaceModule(produceName, produceRequest)

/** What kafkajs reads responses with. */
interface Decoder {
  readInt32(): number
  canReadBytes(length: number): boolean
  readBytes(length: number): Buffer
}

/**
 * The records of a fetched partition: ours are whole batches of `LogRecord`s, made in one pass. So kafkajs' own consumer must never
 * fetch; ours is a member of groups only.
 */
async function decodeMessages(decoder: Decoder): Promise<RecordBatch[]> {
  const length = decoder.readInt32()
  return length > 0 && decoder.canReadBytes(length) ? readRecordBatches(decoder.readBytes(length), codecOf) : []
}

replaceModule('kafkajs/src/protocol/requests/fetch/v4/decodeMessages', decodeMessages)

function codecOf(type: number): RecordsCodec | null {
  const codec = compression.lookupCodec(type)
  return codec && { compress: (buffer) => codec.compress({ buffer }), decompress: (buffer) => codec.decompress(buffer) }
}

interface RequestQueue {
  readonly enforceRequestTimeout: boolean
  readonly requestTimeout: number
  requestTimeoutIntervalId: NodeJS.Timeout | null
  readonly inflight: ReadonlyMap<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>
  isConnected(): boolean
  destroy(): void
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  readonly pending: readonly unknown[]
  checkPendingRequests(): void
}

const pendingCheckMs = 10
const RequestQueueClass = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue & Record<string, unknown> }

/**
 * The original arms its timer also when nothing is pending, with a negative delay: a 1 ms loop per connection and, on Node ≥ 24, a
 * warning (tulios/kafkajs#1751, #1768). A timer is needed only while a request waits.
 */
RequestQueueClass.prototype['scheduleCheckPendingRequests'] = function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const throttledMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : pendingCheckMs,
  )
}

/** The original looks ten times a second on each connection: most of what an idle process did. Requests time out after many seconds. */
const timeoutCheckMs = 1_000
RequestQueueClass.prototype['scheduleRequestTimeoutCheck'] = function scheduleRequestTimeoutCheck(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return
  this.destroy()
  const check = () => {
    const nowMs = Date.now()
    for (const request of this.inflight.values()) if (nowMs - request.sentAt > request.requestTimeout) request.timeoutRequest()
    if (!this.isConnected()) this.destroy()
  }
  this.requestTimeoutIntervalId = setInterval(check, Math.min(this.requestTimeout, timeoutCheckMs))
}

const loaded = require('kafkajs') as typeof import('kafkajs')
const snappy = require('kafkajs-snappy') as () => unknown

const { CompressionCodecs, CompressionTypes } = loaded
const codecs = CompressionCodecs as Record<number, () => unknown>
codecs[CompressionTypes.Snappy] = snappy
codecs[CompressionTypes.LZ4] = () =>
  ({
    compress: async (encoder) => lz4Compress(encoder.buffer),
    decompress: async (buffer) => lz4Decompress(buffer),
  }) satisfies KafkaCodec
codecs[CompressionTypes.ZSTD] = () =>
  ({
    compress: async (encoder) => zstdCompressSync(encoder.buffer),
    decompress: async (buffer) => zstdDecompressSync(buffer),
  }) satisfies KafkaCodec

/** The mended library: import kafkajs' values from here, its types from 'kafkajs'. */
export const kafkajs: typeof import('kafkajs') = loaded
