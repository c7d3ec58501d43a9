import { partitionFor } from '../core/partition-for.ts'
import type { EventLog, OutgoingRecord } from '../ports/event-log.ts'
import type { TopicName, TopicValue } from '../schemas/topics.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import type { Shop, ShopStep } from '../simulator/shop.ts'
import type { Storefront } from '../simulator/storefront.ts'

/** Records of the catalogue and profiles sent at once. */
const chunkRecords = 1_000

export interface FeedPorts {
  readonly log: Pick<EventLog, 'send'>
  readonly wire: WireFormat
  readonly partitions: number
}

export interface FeedOptions {
  readonly storefront: Storefront
  /** Stops after so many events; Infinity = until told to. */
  readonly eventsMax: number
  /** Waits until it is time for what happens at `timeMs` of the shop; resolves false to stop. */
  readonly pace: (timeMs: number) => Promise<boolean>
  readonly onEvent: (event: UserEvent) => void
}

/** Feeds the synthetic shop into the log: first its catalogue and people, then what happens, in order. */
export class ShopFeed {
  readonly #ports: FeedPorts
  readonly #shop: Shop
  /** Events sent so far. */
  events = 0

  constructor(shop: Shop, ports: FeedPorts) {
    this.#shop = shop
    this.#ports = ports
  }

  /** Sends the catalogue and the profiles. */
  async open(): Promise<void> {
    const records: OutgoingRecord[] = []
    for (const item of this.#shop.catalogue()) records.push(this.#record('items', item.itemId, item))
    for (const profile of this.#shop.profiles()) records.push(this.#record('users', profile.userId, profile))
    for (let at = 0; at < records.length; at += chunkRecords) await this.#ports.log.send(records.slice(at, at + chunkRecords))
  }

  /** Runs the shop until `eventsMax` events were sent or `pace` says stop. */
  async run(options: FeedOptions): Promise<void> {
    while (this.events < options.eventsMax) {
      const step = await this.#shop.next(options.storefront)
      if (!(await options.pace(step.timeMs))) return
      await this.#send(step, options)
    }
  }

  async #send(step: ShopStep, options: FeedOptions): Promise<void> {
    const records: OutgoingRecord[] = []
    for (const { itemId, value } of step.items) records.push(this.#record('items', itemId, value))
    for (const profile of step.profiles) records.push(this.#record('users', profile.userId, profile))
    for (const event of step.events.slice(0, options.eventsMax - this.events)) {
      records.push(this.#record('user-events', event.userId, event))
      this.events++
      options.onEvent(event)
    }
    if (records.length > 0) await this.#ports.log.send(records)
  }

  #record<N extends TopicName>(topic: N, key: string, value: TopicValue<N> | null): OutgoingRecord {
    const bytes = value === null ? null : this.#ports.wire.encode(topic, value)
    return { topic, partition: partitionFor(key, this.#ports.partitions), key, value: bytes }
  }
}
