import type { OpenPorts } from '../cli/compose.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { OutgoingRecord } from '../ports/event-log.ts'
import { recordShop, type ShopRecord } from '../simulator/record-shop.ts'

/** How large a shop is and how busy. */
export interface ShopSize {
  readonly users: number
  /** Events per second. */
  readonly rate: number
  readonly partitions: number
}

/** The shop's log, in its order, with the times at which it is sent. */
export class PacedShop {
  readonly #ports: OpenPorts
  readonly #partitions: number
  readonly #records: Generator<ShopRecord>
  #next: ShopRecord | undefined

  constructor(ports: OpenPorts, { users, rate, partitions }: ShopSize) {
    this.#ports = ports
    this.#partitions = partitions
    const shop = { seed: 'freshness', users, eventsPerSecond: rate, daypart: false, events: Number.MAX_SAFE_INTEGER }
    this.#records = recordShop(shop)
  }

  /** Sends what lies before the first event: items and profiles. */
  async sendCatalogue(): Promise<void> {
    const records: OutgoingRecord[] = []
    for (;;) {
      const record = this.#records.next().value as ShopRecord
      if (record.topic === 'user-events' || record.topic === 'decisions') {
        this.#next = record
        break
      }
      records.push(this.#outgoing(record, record.value))
    }
    for (let at = 0; at < records.length; at += 1_000) await this.#ports.log.send(records.slice(at, at + 1_000))
  }

  /** The next `count` events, each with the decisions and item changes before it: made before the clock starts. */
  take(count: number): ShopRecord[][] {
    return Array.from({ length: count }, () => {
      const group: ShopRecord[] = []
      for (;;) {
        const record = this.#next ?? (this.#records.next().value as ShopRecord)
        this.#next = undefined
        group.push(record)
        if (record.topic === 'user-events') return group
      }
    })
  }

  /** Those records as happening at `timeMs`. */
  at(group: readonly ShopRecord[], timeMs: number): OutgoingRecord[] {
    return group.map((record) => {
      const moves = record.topic === 'user-events' || record.topic === 'decisions'
      return this.#outgoing(record, moves ? { ...record.value, timeMs } : record.value)
    })
  }

  /** What carries the load. */
  get log(): OpenPorts['log'] {
    return this.#ports.log
  }

  #outgoing({ topic, key }: ShopRecord, value: unknown): OutgoingRecord {
    const bytes = value === null ? null : this.#ports.wire.encode(topic, value as never)
    return { topic, partition: partitionFor(key, this.#partitions), key, value: bytes }
  }
}
