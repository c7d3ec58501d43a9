import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress, lz4Decompress } from './lz4-frame.ts'

/**
 * kafkajs 2.2.4, mended and completed. It is unmaintained, so what we rely on beyond its public types is named here and nowhere
 * else; the version is pinned, and test/services/kafka-client.test.ts holds each mend.
 */
const require = createRequire(import.meta.url)

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

// Before kafkajs itself is loaded: its send function takes this module's export at load time.
const groupingPath = require.resolve('kafkajs/src/producer/groupMessagesPerPartition')
require(groupingPath)
require.cache[groupingPath]!.exports = groupByPartition

interface RequestQueue {
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

const loaded = require('kafkajs') as typeof import('kafkajs')
const snappy = require('kafkajs-snappy') as () => unknown

/** What kafkajs asks of a codec. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

const { CompressionCodecs, CompressionTypes } = loaded
const codecs = CompressionCodecs as Record<number, () => unknown>
codecs[CompressionTypes.Snappy] = snappy
codecs[CompressionTypes.LZ4] = () =>
  ({
    compress: async (encoder) => lz4Compress(encoder.buffer),
    decompress: async (buffer) => lz4Decompress(buffer),
  }) satisfies Codec
codecs[CompressionTypes.ZSTD] = () =>
  ({
    compress: async (encoder) => zstdCompressSync(encoder.buffer),
    decompress: async (buffer) => zstdDecompressSync(buffer),
  }) satisfies Codec

/** The mended library: import kafkajs' values from here, its types from 'kafkajs'. */
export const kafkajs: typeof import('kafkajs') = loaded
