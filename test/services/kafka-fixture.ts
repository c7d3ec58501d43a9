import { randomUUID } from 'node:crypto'
import { KafkaEventLog, type KafkaEventLogOptions } from '../../connectors/kafka/event-log.ts'
import type { GroupHandler, LogBatch, OutgoingRecord } from '../../ports/event-log.ts'

/** A log on the test's broker that notices a rebalance fast. */
export function openKafka(address: string, options: Partial<KafkaEventLogOptions> = {}): KafkaEventLog {
  return new KafkaEventLog({ brokers: [address], heartbeatMs: 200, sessionTimeoutMs: 10_000, ...options })
}

/** A new topic with a name of its own. */
export async function newTopic(log: KafkaEventLog, partitions: number): Promise<string> {
  const name = `test-${randomUUID()}`
  await log.ensureTopics([{ name, partitions, cleanup: 'delete', retentionMs: 3_600_000 }])
  return name
}

/** Records with values 0 … count−1 as text, spread over the partitions. */
export function numbered(topic: string, partitions: number, from: number, to: number): OutgoingRecord[] {
  const records: OutgoingRecord[] = []
  for (let n = from; n < to; n++) records.push({ topic, partition: n % partitions, key: `k${n}`, value: Buffer.from(String(n)) })
  return records
}

/** Where several members of a group keep their positions, as the state store does: topic/partition → next offset. */
export class StoredPositions {
  readonly #next = new Map<string, number>()

  of(topic: string, partition: number): number {
    return this.#next.get(`${topic}/${partition}`) ?? 0
  }

  set(topic: string, partition: number, next: number): void {
    this.#next.set(`${topic}/${partition}`, next)
  }
}

/**
 * A group member's work in tests: applies each batch at once, keeps positions in the shared store, and notes what must never happen
 * (a gap, a batch of a partition it does not have) in `faults`.
 */
export class CountingHandler implements GroupHandler {
  readonly owned = new Set<number>()
  readonly calls: string[] = []
  readonly values: string[] = []
  readonly faults: string[] = []
  readonly errors: Error[] = []
  readonly #topics: readonly string[]
  readonly #positions: StoredPositions
  readonly #expected = new Map<string, number>()

  constructor(topics: readonly string[], positions: StoredPositions) {
    this.#topics = topics
    this.#positions = positions
  }

  async assigned(partition: number): Promise<Record<string, number>> {
    if (this.owned.has(partition)) this.faults.push(`partition ${partition} was assigned twice`)
    this.calls.push(`+${partition}`)
    this.owned.add(partition)
    const positions = Object.fromEntries(this.#topics.map((topic) => [topic, this.#positions.of(topic, partition)]))
    for (const [topic, next] of Object.entries(positions)) this.#expected.set(`${topic}/${partition}`, next)
    return positions
  }

  async revoked(partition: number): Promise<void> {
    if (!this.owned.delete(partition)) this.faults.push(`partition ${partition} was revoked and not owned`)
    this.calls.push(`-${partition}`)
  }

  batch(batch: LogBatch): void {
    const { topic, partition, records, nextOffset } = batch
    const slot = `${topic}/${partition}`
    if (!this.owned.has(partition)) this.faults.push(`a batch of ${slot} came while it was not owned`)
    const expected = this.#expected.get(slot) ?? -1
    const first = records[0]?.offset ?? expected
    if (first < expected) this.faults.push(`${slot} went back from ${expected} to ${first}`)
    this.#expected.set(slot, nextOffset)
    for (const { value } of records) this.values.push(value ? Buffer.from(value).toString() : 'null')
    this.#positions.set(topic, partition, nextOffset)
  }

  failed(error: Error): void {
    this.errors.push(error)
  }
}
