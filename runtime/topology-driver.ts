import { ManualClock } from '../core/clock.ts'
import { invariant } from '../core/invariant.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { LogRecord, OutgoingRecord } from '../ports/event-log.ts'
import type { ListStore } from '../ports/list-store.ts'
import { silentLogger } from '../ports/logger.ts'
import { silentMetrics } from '../ports/metrics.ts'
import type { StateStore } from '../ports/state-store.ts'
import type { TopicName, TopicValue } from '../schemas/topics.ts'
import { type SchemaSource, WireFormat } from '../schemas/wire-format.ts'
import type { Topology } from './define-topology.ts'
import { sourceTopics } from './graph.ts'
import { MemoryStateStore } from './memory-state-store.ts'
import { StepMetrics } from './running-graph.ts'
import { Task } from './task.ts'
import { defaultTaskLimits, type TaskLimits } from './task-limits.ts'

export interface DriverOptions {
  /** Co-partitioned inputs; 1 if absent. */
  readonly partitions?: number
  readonly clock?: ManualClock
  readonly limits?: Partial<TaskLimits>
  /** Survives a restart when handed to the next driver. */
  readonly state?: StateStore
  /** Takes the lists instead of `lists`. */
  readonly listStore?: Pick<ListStore, 'swap' | 'get'>
}

/** One record to send; `key` defaults to `userId`, `itemId` or `policy` of the value. */
export interface DriverRecord<N extends TopicName> {
  readonly value: TopicValue<N> | null
  readonly key?: string
  readonly partition?: number
  /** When the log took it; the driver's clock if absent. */
  readonly loggedMs?: number
}

/**
 * The real graph of one topology without a broker: records go in by hand, the clock is moved by hand, outputs are read back.
 * The tasks are those of production, on a log and stores in memory.
 */
export class TopologyDriver<P> {
  readonly clock: ManualClock
  readonly state: StateStore
  /** What lies in the list store, as parsed JSON. */
  readonly lists = new Map<string, unknown>()
  readonly #topology: Topology<P>
  readonly #ports: P
  readonly #partitions: number
  readonly #limits: TaskLimits
  readonly #listStore: Pick<ListStore, 'swap' | 'get'>
  readonly #log = new Map<string, LogRecord[][]>()
  readonly #outputs = new Map<string, OutgoingRecord[]>()
  #tasks: Task[] = []
  #wire: WireFormat | undefined
  #failure: unknown

  constructor(topology: Topology<P>, ports: P, options: DriverOptions = {}) {
    this.#topology = topology
    this.#ports = ports
    this.#partitions = options.partitions ?? 1
    this.#limits = { ...defaultTaskLimits, ...options.limits }
    this.clock = options.clock ?? new ManualClock(1_700_000_000_000)
    this.state = options.state ?? new MemoryStateStore()
    this.#listStore = options.listStore ?? this.#parsedLists()
  }

  /** Appends records to a topic; each partition's share of one call is one batch. Resolves when all effects are durable. */
  async send<N extends TopicName>(topic: N, ...records: readonly (TopicValue<N> | DriverRecord<N>)[]): Promise<void> {
    const tasks = await this.#opened()
    const batches = Array.from({ length: this.#partitions }, () => [] as LogRecord[])
    for (const record of records.map(asDriverRecord)) {
      const key = record.key ?? keyOf(topic, record.value)
      const partition = record.partition ?? partitionFor(key, this.#partitions)
      const log = this.#logOf(topic)[partition]!
      const value = record.value === null ? null : this.#wire!.encode(topic, record.value as TopicValue<N>)
      const entry = { offset: log.length, timestampMs: record.loggedMs ?? this.clock.nowMs(), key, value }
      log.push(entry)
      batches[partition]!.push(entry)
    }
    await this.#push(tasks, topic, batches)
  }

  /** Appends raw bytes to partition 0: for records that do not decode. */
  async sendRaw(topic: TopicName, key: string, value: Uint8Array | null): Promise<void> {
    const tasks = await this.#opened()
    const log = this.#logOf(topic)[0]!
    const entry = { offset: log.length, timestampMs: this.clock.nowMs(), key, value }
    log.push(entry)
    await this.#push(tasks, topic, [[entry]])
  }

  /** Delivers a topic's records from `offset` on again, as after a crash. */
  async replay(topic: TopicName, partition: number, offset: number): Promise<void> {
    const tasks = await this.#opened()
    const batches = Array.from({ length: this.#partitions }, (_, index) =>
      index === partition ? this.#logOf(topic)[index]!.slice(offset) : [],
    )
    await this.#push(tasks, topic, batches)
  }

  /** Lets idle time pass: the clock moves and ticks fire. */
  async tick(byMs = this.#limits.idleMs): Promise<void> {
    const tasks = await this.#opened()
    this.clock.advance(byMs)
    for (const task of tasks) await task.tick()
    this.#check()
  }

  /** What was sent to a topic since the last read, decoded, in order. */
  read<N extends TopicName>(topic: N): TopicValue<N>[] {
    return this.readKeyed(topic).map(({ value }) => value)
  }

  /** The same with keys and partitions. */
  readKeyed<N extends TopicName>(topic: N): { key: string | null; partition: number; value: TopicValue<N> }[] {
    const outputs = this.#outputs.get(topic) ?? []
    this.#outputs.delete(topic)
    return outputs.map(({ key, partition, value }) => ({
      key,
      partition,
      value: (value === null ? null : this.#wire!.decode(topic, value)) as TopicValue<N>,
    }))
  }

  /** Drops what was sent to a topic since the last read, without decoding it. */
  forget(topic: TopicName): void {
    this.#outputs.delete(topic)
  }

  /** Every state key of a partition with its bytes, sorted by key. */
  async stateOf(partition = 0): Promise<Map<string, Uint8Array>> {
    const entries: (readonly [string, Uint8Array])[] = []
    for await (const slice of this.state.scan({ topology: this.#topology.name, partition })) entries.push(...slice)
    return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Throws the process away and starts another on the same state: memory is gone, a new epoch is taken. */
  async restart(): Promise<void> {
    for (const task of this.#tasks) task.close()
    this.#tasks = []
    await this.#opened()
  }

  async #opened(): Promise<readonly Task[]> {
    if (this.#tasks.length > 0) return this.#tasks
    this.#wire ??= await WireFormat.open(countingRegistry())
    const metrics = new StepMetrics(silentMetrics, this.clock)
    for (let partition = 0; partition < this.#partitions; partition++) {
      const ports = {
        log: { send: (records: readonly OutgoingRecord[]) => this.#capture(records) },
        state: this.state,
        lists: this.#listStore,
        wire: this.#wire,
        clock: this.clock,
        logger: silentLogger,
        metrics,
        endOf: (topic: string) => Promise.resolve(this.#logOf(topic as TopicName)[partition]!.length),
        partitionsOf: () => this.#partitions,
      }
      const events = {
        pause() {},
        resume() {},
        seek() {},
        done() {},
        waiting() {},
        failed: (error: unknown) => {
          this.#failure = error
        },
      }
      const graph = this.#topology.graph(this.#ports)
      this.#tasks.push(
        new Task({ topology: this.#topology.name, partition }, graph, this.#partitions, ports, events, this.#limits),
      )
    }
    for (const task of this.#tasks) await task.open()
    return this.#tasks
  }

  async #push(tasks: readonly Task[], topic: TopicName, batches: readonly (readonly LogRecord[])[]): Promise<void> {
    const graph = this.#topology.graph(this.#ports)
    if (!sourceTopics(graph).includes(topic)) {
      const table = graph.nodes.find((node) => node.kind === 'table' && node.topic === topic)
      invariant(table?.kind === 'table', `${this.#topology.name} does not read ${topic}`)
      batches.forEach((records, partition) => {
        table.table.apply(
          records.map((record) => this.#sourced(topic, record)),
          partition,
        )
      })
      return
    }
    batches.forEach((records, partition) => {
      if (records.length === 0) return
      const nextOffset = records.at(-1)!.offset + 1
      tasks[partition]!.push({ topic, partition, records, nextOffset, endOffset: nextOffset })
    })
    for (const task of tasks) await task.idle()
    this.#check()
  }

  #sourced(topic: TopicName, record: LogRecord) {
    const value = record.value === null ? null : this.#wire!.decode(topic, record.value)
    return { value, key: record.key ?? '', offset: record.offset, loggedMs: record.timestampMs }
  }

  #capture(records: readonly OutgoingRecord[]): Promise<void> {
    for (const record of records) {
      const outputs = this.#outputs.get(record.topic)
      if (outputs) outputs.push(record)
      else this.#outputs.set(record.topic, [record])
    }
    return Promise.resolve()
  }

  #parsedLists(): Pick<ListStore, 'swap' | 'get'> {
    return {
      swap: (entries) => {
        for (const entry of entries)
          for (const { key, value } of [entry, ...(entry.companions ?? [])]) this.lists.set(key, JSON.parse(value))
        return Promise.resolve(entries.map(() => true))
      },
      get: (keys) => Promise.resolve(keys.map((key) => (this.lists.has(key) ? JSON.stringify(this.lists.get(key)) : null))),
    }
  }

  #logOf(topic: string): LogRecord[][] {
    let log = this.#log.get(topic)
    if (!log) {
      log = Array.from({ length: this.#partitions }, () => [])
      this.#log.set(topic, log)
    }
    return log
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

function asDriverRecord<N extends TopicName>(record: TopicValue<N> | DriverRecord<N>): DriverRecord<N> {
  return typeof record === 'object' && record !== null && 'value' in record
    ? (record as DriverRecord<N>)
    : { value: record as TopicValue<N> }
}

/** The key a topic's producers use. */
function keyOf(topic: TopicName, value: unknown): string {
  const fields = value as { userId?: string; itemId?: string; policy?: string; scope?: string } | null
  return (topic === 'rewards' ? fields?.policy : (fields?.userId ?? fields?.itemId ?? fields?.scope)) ?? ''
}

function countingRegistry(): SchemaSource {
  const schemas: string[] = []
  return {
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  }
}
