import type { LogRecord, OutgoingRecord } from '../../ports/event-log.ts'

/** A record in the log with where it came from. */
export interface SentRecord extends LogRecord {
  readonly topic: string
  readonly partition: number
  /** Sent by an owner who had been replaced, or so late that its sender had sent it again: it may follow newer ones. */
  readonly stale: boolean
}

/** The durable log of outputs: what lies here has happened. */
export class SimulatedLog {
  readonly #records = new Map<string, SentRecord[]>()

  append(records: readonly OutgoingRecord[], stale = false): void {
    for (const { topic, partition, key, value } of records) {
      let log = this.#records.get(topic)
      if (!log) {
        log = []
        this.#records.set(topic, log)
      }
      log.push({ topic, partition, key, value, offset: log.length, timestampMs: 0, stale })
    }
  }

  /** All records of a topic in the order they came. */
  records(topic: string): readonly SentRecord[] {
    return this.#records.get(topic) ?? []
  }
}
