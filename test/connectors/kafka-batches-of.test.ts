import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchesOf } from '../../connectors/kafka/batches-of.ts'
import type { FetchedPartition, RawMessage } from '../../connectors/kafka/kafka-cluster.ts'

const limits = { batchRecordsMax: 10, batchBytesMax: 1_000 }

/** One record batch of Kafka: offsets `first` … `last` of which compaction left `kept`. */
function recordBatch(first: number, last: number, kept: readonly number[], sizeBytes = 1): RawMessage[] {
  const batchContext = { firstOffset: String(first), lastOffsetDelta: last - first, producerId: '-1', inTransaction: false }
  return kept.map((offset) => ({
    offset: String(offset),
    timestamp: '1700000000000',
    key: Buffer.from(`k${offset}`),
    value: Buffer.alloc(sizeBytes, offset),
    isControlRecord: false,
    batchContext,
  }))
}

function fetched(messages: readonly RawMessage[], end: number): FetchedPartition {
  return { partition: 3, highWatermark: String(end), abortedTransactions: [], messages }
}

it('batchesOf crosses what compaction left out at the end of a record batch', () => {
  const [batch, ...rest] = batchesOf('t', 5, fetched(recordBatch(0, 19, [3, 7, 12]), 30), limits)
  expect(rest).toEqual([])
  expect(batch!.records.map(({ offset }) => offset)).toEqual([7, 12])
  expect(batch).toMatchObject({ topic: 't', partition: 3, nextOffset: 20, endOffset: 30 })
})

it('batchesOf makes an empty batch that moves on where nothing is visible, and none where nothing moves', () => {
  const marker = { ...recordBatch(8, 8, [8])[0]!, isControlRecord: true }
  expect(batchesOf('t', 8, fetched([marker], 9), limits)).toMatchObject([{ records: [], nextOffset: 9, endOffset: 9 }])
  expect(batchesOf('t', 20, fetched(recordBatch(10, 19, [12]), 20), limits)).toEqual([])
  expect(batchesOf('t', 0, fetched([], 0), limits)).toEqual([])
})

it('batchesOf cuts by records and by bytes, keeps every record once and in order, and joins without a gap', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 30 }), (all, from) => {
      const messages = all.flatMap((size, offset) => recordBatch(offset, offset, [offset], size))
      const batches = batchesOf('t', from, fetched(messages, all.length), limits)
      const offsets = batches.flatMap(({ records }) => records.map(({ offset }) => offset))
      expect(offsets).toEqual(all.map((_, offset) => offset).filter((offset) => offset >= from))
      for (const [index, { records, nextOffset }] of batches.entries()) {
        expect(records.length).toBeLessThanOrEqual(limits.batchRecordsMax)
        const bytes = records.reduce((sum, { key, value }) => sum + key!.length + value!.length, 0)
        if (records.length > 1) expect(bytes).toBeLessThanOrEqual(limits.batchBytesMax)
        expect(nextOffset).toBe(batches[index + 1]?.records[0]?.offset ?? Math.max(from, all.length))
      }
    }),
  )
})
