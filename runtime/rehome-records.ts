import { partitionFor } from '../core/partition-for.ts'
import type { EventLog, OutgoingRecord } from '../ports/event-log.ts'

/** Records sent at once. */
const slice = 500

/**
 * Copies the newest value of every key of a compacted topic whose partition is another under the new count to that partition, so
 * that whoever reads the key's own partition finds it. Copies again when repeated, which changes nothing: newest wins. Deleted
 * keys are not copied; what was copied also stays where it was. Answers how many records were sent.
 */
export async function rehomeRecords(
  log: Pick<EventLog, 'read' | 'send'>,
  topic: string,
  ends: readonly number[],
  partitions: number,
): Promise<number> {
  let sent = 0
  for (const [partition, to] of ends.entries()) {
    // Keys first and values in a second pass: all values of a partition need not fit into memory.
    const newest = new Map<string, number>()
    for await (const batch of log.read(topic, partition, { from: 0, to })) {
      for (const { key, offset, value } of batch.records) {
        if (key === null || partitionFor(key, partitions) === partition) continue
        if (value === null) newest.delete(key)
        else newest.set(key, offset)
      }
    }
    if (newest.size === 0) continue
    let waiting: OutgoingRecord[] = []
    for await (const batch of log.read(topic, partition, { from: 0, to })) {
      for (const { key, offset, value } of batch.records) {
        if (key === null || newest.get(key) !== offset) continue
        waiting.push({ topic, partition: partitionFor(key, partitions), key, value })
        if (waiting.length < slice) continue
        await log.send(waiting)
        sent += waiting.length
        waiting = []
      }
    }
    await log.send(waiting)
    sent += waiting.length
  }
  return sent
}
