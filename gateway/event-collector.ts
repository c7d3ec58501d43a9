import { MillraceError } from '../core/errors.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ItemTable } from '../ports/item-table.ts'
import type { Metrics } from '../ports/metrics.ts'
import { eventFault } from '../schemas/event-fault.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { apiFieldOf } from './api-field-of.ts'
import { type EventInput, toUserEvent } from './event-body.ts'
import { LogBuffer } from './log-buffer.ts'

export interface EventCollectorOptions {
  readonly log: Pick<EventLog, 'send'>
  readonly wire: WireFormat
  /** Partition count of a topic. */
  readonly partitions: (topic: 'user-events') => number
  readonly items: ItemTable
  readonly clock: Clock
  readonly metrics: Metrics
  /** Most events held while the log is slow; 10,000 by default. */
  readonly eventsMax?: number
  /** How long a request waits for the log, ms; 10,000 by default. */
  readonly waitMsMax?: number
}

/** Takes events of clients into the topic `user-events` (features.md F1.7): accepted only once the log has them. */
export class EventCollector {
  readonly #options: EventCollectorOptions
  readonly #buffer: LogBuffer
  readonly #waitMsMax: number
  readonly #accepted
  readonly #refused

  constructor(options: EventCollectorOptions) {
    this.#options = options
    this.#waitMsMax = options.waitMsMax ?? 10_000
    this.#buffer = new LogBuffer({
      log: options.log,
      clock: options.clock,
      name: 'events',
      recordsMax: options.eventsMax ?? 10_000,
    })
    this.#accepted = options.metrics.counter('millrace_gateway_events_total', 'Events taken into the log.')
    this.#refused = options.metrics.counter('millrace_gateway_events_refused_total', 'Requests with an invalid event.')
  }

  /**
   * Resolves once the log holds all events; none is sent if one is invalid. A resend is harmless: event ids count once.
   * Errors: `MILL_REQUEST_INVALID` with `field` and `index`, `MILL_BUFFER_FULL`, `MILL_LOG_UNAVAILABLE`.
   */
  async collect(inputs: readonly EventInput[]): Promise<void> {
    const { wire, items, clock } = this.#options
    const partitions = this.#options.partitions('user-events')
    const nowMs = clock.nowMs()
    const records = inputs.map((input, index) => {
      const event = toUserEvent(input, items)
      const fault = eventFault(event, nowMs)
      if (fault) {
        this.#refused.add(1)
        const field = apiFieldOf(fault.field)
        throw new MillraceError('MILL_REQUEST_INVALID', `events[${index}].${field} ${fault.message}`, {
          details: { field, index },
        })
      }
      return {
        topic: 'user-events',
        partition: partitionFor(event.userId, partitions),
        key: event.userId,
        value: wire.encode('user-events', event),
      }
    })
    await this.#buffer.appendWithin(this.#waitMsMax, records)
    this.#accepted.add(records.length)
  }

  /** Sends the rest. */
  async close(): Promise<void> {
    await this.#buffer.close()
  }
}
