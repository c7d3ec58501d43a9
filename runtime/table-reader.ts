import { reactionOf } from '../core/errors.ts'
import type { Sourced } from '../ports/batch.ts'
import type { EventLog, Follower, LogBatch } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { StateStore } from '../ports/state-store.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import type { Graph, Table } from './graph.ts'
import { isLeftover } from './is-leftover.ts'
import { readLayout, type StateLayout } from './state-layout.ts'

/** A topic that a process holds whole, whatever topologies it runs. */
export interface ReadTable {
  readonly topic: TopicName
  readonly table: Table<unknown>
}

/** Tables may be so much older than the log, ms. */
const gatherMs = 50

/**
 * Fills the tables of all topologies of a process and keeps them filled: one reader over all their topics, from the oldest
 * record on. A table used by several topologies gets each record once.
 */
export class TableReader {
  readonly #tables = new Map<TopicName, Set<Table<unknown>>>()
  readonly #log: EventLog
  readonly #wire: WireFormat
  readonly #logger: Logger
  readonly #state: StateStore
  readonly #partitions: number
  #follower: Follower | undefined
  /** Work that waits for a writer schema, per partition in order; almost always empty. */
  #pending: Promise<void> = Promise.resolve()
  #waiting = 0

  /** Topic → by partition the offset before which records of other partitions may lie; see `StateLayout`. */
  #cuts: StateLayout['cuts'] = {}

  constructor(
    graphs: readonly Graph[],
    ports: { log: EventLog; state: StateStore; wire: WireFormat; logger: Logger },
    partitions: number,
    others: readonly ReadTable[] = [],
  ) {
    this.#state = ports.state
    this.#partitions = partitions
    const read = graphs.flatMap(({ nodes }) => nodes.filter((node) => node.kind === 'table'))
    for (const { topic, table } of [...read, ...others]) {
      const tables = this.#tables.get(topic)
      if (tables) tables.add(table)
      else this.#tables.set(topic, new Set([table]))
    }
    this.#log = ports.log
    this.#wire = ports.wire
    this.#logger = ports.logger
  }

  /** Resolves once the tables hold everything the log held at the call. */
  async start(): Promise<void> {
    if (this.#tables.size === 0) return
    this.#cuts = (await readLayout(this.#state)).cuts
    this.#follower = await this.#log.follow({
      name: 'tables',
      topics: [...this.#tables.keys()],
      gatherMs,
      batch: (batch) => this.#take(batch),
      failed: (error) => this.#logger.error({ error: String(error) }, 'The table reader died.'),
    })
    await this.#follower.caughtUp
    await this.#pending
  }

  async stop(): Promise<void> {
    await this.#follower?.stop()
  }

  #take(batch: LogBatch): void {
    const topic = batch.topic as TopicName
    const fetching = this.#wire.prepare(
      topic,
      batch.records.map((record) => record.value),
    )
    if (!fetching && this.#waiting === 0) {
      this.#apply(batch)
      return
    }
    this.#waiting++
    this.#pending = this.#pending
      .then(() => fetching)
      .catch((error: unknown) =>
        this.#logger.warn(
          { topic, error: String(error) },
          'The registry did not answer for a table; unknown records are skipped.',
        ),
      )
      .then(() => {
        this.#waiting--
        this.#apply(batch)
      })
  }

  #apply(batch: LogBatch): void {
    const topic = batch.topic as TopicName
    const records: Sourced<unknown>[] = []
    const { partition } = batch
    const cut = this.#cuts[topic]?.[partition] ?? 0
    for (const { key, value, offset, timestampMs } of batch.records) {
      // A newer value may have come from the key's own partition already: order holds within one only.
      if (isLeftover({ topic, partition, offset, key }, cut, this.#partitions)) continue
      try {
        records.push({
          key: key ?? '',
          value: value === null ? null : this.#wire.decode(topic, value),
          offset,
          loggedMs: timestampMs,
        })
      } catch (error) {
        if (reactionOf(error) !== 'dead-letter') throw error
        this.#logger.warn({ topic, partition, offset, error: String(error) }, 'A table skips a record that does not decode.')
      }
    }
    for (const table of this.#tables.get(topic)!) table.apply(records, partition)
  }
}
