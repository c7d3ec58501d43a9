import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchesOf } from '../../connectors/kafka/batches-of.ts'
import type { AbortedTransaction, FetchedPartition } from '../../connectors/kafka/kafka-cluster.ts'
import type { RecordBatch } from '../../connectors/kafka/record-batch.ts'

const limits = { batchRecordsMax: 10, batchBytesMax: 1_000 }

/** One record batch of Kafka: offsets `first` … `last` of which compaction left `kept`. */
function recordBatch(last: number, kept: readonly number[], sizeBytes = 1): RecordBatch {
  const record = (offset: number) => ({
    offset,
    timestampMs: 1_700_000_000_000,
    key: `k${offset}`,
    value: Buffer.alloc(sizeBytes, offset),
  })
  const plain = { isControl: false, isTransactional: false, isAbortMarker: false, producerId: -1n }
  return { ...plain, nextOffset: last + 1, records: kept.map(record) }
}

function fetched(
  messages: readonly RecordBatch[],
  end: number,
  abortedTransactions: readonly AbortedTransaction[] = [],
): FetchedPartition {
  return { partition: 3, highWatermark: String(end), abortedTransactions, messages }
}

it('batchesOf crosses what compaction left out at the end of a record batch', () => {
  const [batch, ...rest] = batchesOf('t', 5, fetched([recordBatch(19, [3, 7, 12])], 30), limits)
  expect(rest).toEqual([])
  expect(batch!.records.map(({ offset }) => offset)).toEqual([7, 12])
  expect(batch).toMatchObject({ topic: 't', partition: 3, nextOffset: 20, endOffset: 30 })
})

it('batchesOf makes an empty batch that moves on where nothing is visible, and none where nothing moves', () => {
  const marker = { ...recordBatch(8, [8]), isControl: true }
  expect(batchesOf('t', 8, fetched([marker], 9), limits)).toMatchObject([{ records: [], nextOffset: 9, endOffset: 9 }])
  expect(batchesOf('t', 20, fetched([recordBatch(19, [12])], 20), limits)).toEqual([])
  expect(batchesOf('t', 0, fetched([], 0), limits)).toEqual([])
})

it('batchesOf cuts by records and by bytes, keeps every record once and in order, and joins without a gap', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 30 }), (all, from) => {
      const messages = all.map((size, offset) => recordBatch(offset, [offset], size))
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

it('batchesOf leaves out what transactions wrote that did not happen, and nothing else', () => {
  const written = (producerId: bigint, offset: number) => ({
    ...recordBatch(offset, [offset]),
    isTransactional: true,
    producerId,
  })
  const marker = (producerId: bigint, offset: number, isAbortMarker: boolean) => ({
    ...written(producerId, offset),
    isControl: true,
    isAbortMarker,
  })
  const messages = [
    written(7n, 0), // committed
    marker(7n, 1, false),
    written(7n, 2), // aborted
    written(8n, 3), // another producer's, committed
    recordBatch(4, [4]), // no transaction at all
    written(7n, 5), // aborted
    marker(7n, 6, true),
    written(7n, 7), // the next transaction, committed
    marker(8n, 8, false),
  ]
  const [batch] = batchesOf('t', 0, fetched(messages, 9, [{ producerId: '7', firstOffset: '2' }]), limits)
  expect(batch!.records.map(({ offset }) => offset)).toEqual([0, 3, 4, 7])
  expect(batch!.nextOffset).toBe(9)
})
