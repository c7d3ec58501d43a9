import type { LogBatch, LogRecord } from '../../ports/event-log.ts'
import type { FetchedPartition } from './kafka-cluster.ts'
import type { RecordBatch } from './record-batch.ts'

/**
 * Cuts what one fetch brought for a partition into batches of at most `batchRecordsMax` records and `batchBytesMax` bytes (one larger
 * record is a batch of its own). The last batch ends after the last record batch of the fetch, also where that held only control
 * records, aborted or compacted ones: then it is empty, and its `nextOffset` still moves the reader on. No progress = no batch.
 */
export function batchesOf(
  topic: string,
  from: number,
  data: FetchedPartition,
  limits: { readonly batchRecordsMax: number; readonly batchBytesMax: number },
): LogBatch[] {
  const last = data.messages.at(-1)
  if (!last) return []
  const nextOffset = Math.max(from, last.nextOffset)
  const endOffset = Math.max(nextOffset, Number(data.highWatermark))
  if (nextOffset === from) return []
  const cuts: LogRecord[][] = []
  let records: LogRecord[] = []
  let bytes = 0
  for (const batch of committedBatches(data)) {
    for (const record of batch.records) {
      if (record.offset < from) continue // The broker answers with whole record batches.
      const size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
      if (records.length > 0 && (records.length >= limits.batchRecordsMax || bytes + size > limits.batchBytesMax)) {
        cuts.push(records)
        records = []
        bytes = 0
      }
      bytes += size
      records.push(record)
    }
  }
  cuts.push(records)
  const { partition } = data
  return cuts.map((each, index) => ({
    topic,
    partition,
    records: each,
    nextOffset: index === cuts.length - 1 ? nextOffset : each.at(-1)!.offset + 1,
    endOffset,
  }))
}

/** The record batches without markers and without what transactions wrote that did not happen. */
function* committedBatches({ messages, abortedTransactions }: FetchedPartition): Generator<RecordBatch> {
  const ahead = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const aborting = new Set<bigint>()
  for (const batch of messages) {
    while (ahead.length > 0 && Number(ahead[0]!.firstOffset) < batch.nextOffset) aborting.add(BigInt(ahead.shift()!.producerId))
    if (batch.isControl) {
      if (batch.isAbortMarker) aborting.delete(batch.producerId)
    } else if (!(batch.isTransactional && aborting.has(batch.producerId))) yield batch
  }
}
