import type { LogBatch, LogRecord } from '../../ports/event-log.ts'
import { type FetchedPartition, type RawMessage, visibleMessages } from './kafka-cluster.ts'

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
  const lastRaw = data.messages.at(-1)
  if (!lastRaw) return []
  const nextOffset = Math.max(from, endOf(lastRaw))
  const endOffset = Math.max(nextOffset, Number(data.highWatermark))
  if (nextOffset === from) return []
  const cuts: LogRecord[][] = []
  let records: LogRecord[] = []
  let bytes = 0
  for (const message of visibleMessages(topic, from, data)) {
    const size = (message.key?.length ?? 0) + (message.value?.length ?? 0)
    if (records.length > 0 && (records.length >= limits.batchRecordsMax || bytes + size > limits.batchBytesMax)) {
      cuts.push(records)
      records = []
      bytes = 0
    }
    bytes += size
    records.push({
      offset: Number(message.offset),
      timestampMs: Number(message.timestamp),
      key: message.key ? message.key.toString('utf8') : null,
      value: message.value,
    })
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

/** The first offset after the record batch that this record came in. */
function endOf(message: RawMessage): number {
  const { batchContext } = message
  const batchEnd = batchContext ? Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1 : 0
  return Math.max(batchEnd, Number(message.offset) + 1)
}
