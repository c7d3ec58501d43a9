import { MillraceError, reactionOf } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import { partitionFor } from '../core/partition-for.ts'
import { encodePositions, type Positions } from '../core/positions.ts'
import type { Batch, Sourced, TaskInfo } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog, LogBatch, LogRecord } from '../ports/event-log.ts'
import type { ListStore } from '../ports/list-store.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Logger } from '../ports/logger.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { StateStore, TaskId } from '../ports/state-store.ts'
import { encodeServed } from '../schemas/served-list.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { BatchTransaction } from './batch-transaction.ts'
import { type Graph, type SinkNode, sourceTopics } from './graph.ts'
import { RunningGraph, type StepMetrics } from './running-graph.ts'
import { StateCache } from './state-cache.ts'
import { type StoredTime, TaskTime, timeFamily } from './task-time.ts'

/** Limits of a task; every buffer of the engine is in here. */
export interface TaskLimits {
  /** Records folded as one batch at most. */
  readonly batchRecordsMax: number
  /** Records waiting at which a partition is paused; it resumes below half of it. */
  readonly queueRecordsMax: number
  readonly cacheKeysMax: number
  /** Seconds after which untouched state is erased; longer than any replay. */
  readonly stateTtlS: number
  /** Milliseconds without a record after which a topic no longer holds back event time. */
  readonly idleMs: number
  /** First and longest wait before trying again when a store or the log is unwell. */
  readonly retryMs: number
  readonly retryMsMax: number
}

export const defaultTaskLimits: TaskLimits = {
  batchRecordsMax: 4000,
  queueRecordsMax: 16_000,
  cacheKeysMax: 10_000,
  stateTtlS: 180 * 86_400,
  idleMs: 5_000,
  retryMs: 100,
  retryMsMax: 5_000,
}

/** What a task works with. */
export interface TaskPorts {
  readonly log: Pick<EventLog, 'send'>
  readonly state: StateStore
  readonly lists: ListStore
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: StepMetrics
  /** Partition count of an output topic. */
  partitionsOf(topic: string): number
}

/** What a task tells its engine. */
export interface TaskEvents {
  pause(topic: string): void
  resume(topic: string): void
  seek(topic: string, offset: number): void
  /** A batch is done: for counters and live views. */
  done(summary: BatchSummary): void
  waiting(reason: string): void
  /** The task cannot go on: fenced, or our own promise is broken. */
  failed(error: unknown): void
}

export interface BatchSummary {
  readonly topic: string
  readonly records: number
  readonly outputs: number
  readonly deadLetters: number
  readonly late: number
  readonly lists: readonly ListWrite[]
  /** Which of `lists` were newer than what was stored. */
  readonly swapped: readonly boolean[]
}

/**
 * One topology on one partition number: the only writer of its keys. It takes batches from the log in order, runs each
 * through the graph, and makes its effects durable in the one safe order: outputs, lists, then state with positions.
 */
export class Task {
  readonly id: TaskId
  readonly #graph: Graph
  readonly #ports: TaskPorts
  readonly #limits: TaskLimits
  readonly #events: TaskEvents
  readonly #partitions: number
  readonly #cache: StateCache
  readonly #queues = new Map<string, LogBatch[]>()
  readonly #queued = new Map<string, number>()
  readonly #paused = new Set<string>()
  readonly #lastRecordMs = new Map<string, number>()
  readonly #lags = new Map<string, number>()
  #running: RunningGraph
  #transaction: BatchTransaction | undefined
  #info: TaskInfo
  #positions: Positions = {}
  #time: TaskTime
  #work: Promise<void> | undefined
  #closed = false
  #draining = false
  #busySinceMs: number | undefined
  /** After a step threw, batches are cut to one record until this offset of that topic is passed: the poison is found and kept apart. */
  #careful: { topic: string; until: number } | undefined
  #cancelTick: (() => void) | undefined
  #wake: (() => void) | undefined

  constructor(id: TaskId, graph: Graph, partitions: number, ports: TaskPorts, events: TaskEvents, limits: TaskLimits) {
    this.id = id
    this.#graph = graph
    this.#partitions = partitions
    this.#ports = ports
    this.#events = events
    this.#limits = limits
    this.#cache = new StateCache(limits.cacheKeysMax)
    this.#info = { topology: id.topology, partition: id.partition, partitions, epoch: 0 }
    this.#time = new TaskTime(graph, undefined)
    this.#running = this.#start()
  }

  get positions(): Positions {
    return this.#positions
  }

  get epoch(): number {
    return this.#info.epoch
  }

  /** Records between what was delivered and the log's end, plus what waits here. */
  get lag(): number {
    let lag = 0
    for (const records of this.#lags.values()) lag += records
    for (const records of this.#queued.values()) lag += records
    return lag
  }

  get watermarkMs(): number | null {
    const watermarkMs = this.#time.watermarkMs()
    return Number.isFinite(watermarkMs) ? watermarkMs : null
  }

  get oldestInFlightMs(): number {
    return this.#busySinceMs === undefined ? 0 : this.#ports.clock.elapsedMs() - this.#busySinceMs
  }

  /** Takes ownership and answers where each source topic is to be read from. */
  async open(): Promise<Positions> {
    const progress = await this.#ports.state.openTask(this.id)
    this.#info = { topology: this.id.topology, partition: this.id.partition, partitions: this.#partitions, epoch: progress.epoch }
    await this.#reload(progress.positions)
    this.#scheduleTick()
    return Object.fromEntries(sourceTopics(this.#graph).map((topic) => [topic, this.#positions[topic] ?? 0]))
  }

  /** Takes a batch from the log; never blocks. Past the limit it asks its engine to pause the topic. */
  push(batch: LogBatch): void {
    if (this.#closed) return
    const queue = this.#queues.get(batch.topic)
    if (queue) queue.push(batch)
    else this.#queues.set(batch.topic, [batch])
    const queued = (this.#queued.get(batch.topic) ?? 0) + batch.records.length
    this.#queued.set(batch.topic, queued)
    this.#lags.set(batch.topic, batch.endOffset - batch.nextOffset)
    this.#lastRecordMs.set(batch.topic, this.#ports.clock.elapsedMs())
    if (queued >= this.#limits.queueRecordsMax && !this.#paused.has(batch.topic)) {
      this.#paused.add(batch.topic)
      this.#events.pause(batch.topic)
    }
    this.#run()
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#work) await this.#work
  }

  /** Finishes what was queued, then closes. */
  async drain(): Promise<void> {
    this.#draining = true
    await this.idle()
    this.close()
  }

  /** Stops at once: work under way has no further effect beyond what already left. */
  close(): void {
    this.#closed = true
    this.#cancelTick?.()
    this.#wake?.()
    this.#running.close()
  }

  /**
   * Moves event time over idle topics. The mark is committed first, as a batch of its own; only the next batch sees it.
   * Called by its own timer; tests call it by hand.
   */
  async tick(): Promise<void> {
    while (this.#work) await this.#work
    if (this.#closed || !this.#time.timed) return
    const idle = new Set(sourceTopics(this.#graph).filter((topic) => this.#isIdle(topic)))
    if (idle.size === 0) return
    const beforeMs = this.#time.watermarkMs()
    if (!this.#time.markIdle(idle)) return
    this.#work = this.#guard(async () => {
      await this.#runBatch('', [], [], 0, 0, beforeMs, beforeMs)
      await this.#runBatch('', [], [], 0, 0, beforeMs, this.#time.watermarkMs())
    })
    await this.#work
    this.#run()
  }

  /** Sets idle marks as another run had them, and lets fire what had fired there: for verify. */
  async adoptTime(stored: StoredTime): Promise<void> {
    await this.idle()
    const beforeMs = this.#time.watermarkMs()
    this.#time.adoptMarks(stored.marksMs)
    await this.#runBatch('', [], [], 0, 0, beforeMs, stored.reachedMs ?? beforeMs)
  }

  #isIdle(topic: string): boolean {
    if (this.#queues.has(topic) || (this.#lags.get(topic) ?? 0) > 0) return false
    return this.#ports.clock.elapsedMs() - (this.#lastRecordMs.get(topic) ?? Number.NEGATIVE_INFINITY) >= this.#limits.idleMs
  }

  #start(): RunningGraph {
    return new RunningGraph(this.#graph, this.#ports.metrics, (sink, batch) => this.#collect(sink, batch))
  }

  #run(): void {
    if (this.#work || this.#closed || this.#queues.size === 0) return
    this.#work = this.#guard(async () => {
      while (!this.#closed) {
        const topic = this.#nextTopic()
        if (topic === undefined) break
        await this.#runNext(topic)
      }
    })
  }

  /** Runs work that nobody awaits: what it throws goes to the engine. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#closed) {
        this.close()
        this.#events.failed(error)
      }
    } finally {
      this.#work = undefined
      this.#busySinceMs = undefined
    }
    if (!this.#closed && this.#queues.size > 0) this.#run()
  }

  /** The topic whose oldest waiting record the log took first: inputs advance together. */
  #nextTopic(): string | undefined {
    let next: string | undefined
    let oldestMs = Number.POSITIVE_INFINITY
    for (const [topic, queue] of this.#queues) {
      const loggedMs = queue[0]!.records[0]?.timestampMs ?? Number.NEGATIVE_INFINITY
      if (next === undefined || loggedMs < oldestMs) {
        next = topic
        oldestMs = loggedMs
      }
    }
    return next
  }

  async #runNext(topic: string): Promise<void> {
    const position = this.#positions[topic] ?? 0
    const { records, nextOffset } = this.#take(topic, position)
    if (nextOffset <= position) return
    this.#busySinceMs = this.#ports.clock.elapsedMs()
    const beforeMs = this.#time.watermarkMs()
    const topicBeforeMs = this.#time.topicWatermarkMs(topic)
    const prepared = this.#prepare(topic as TopicName, records)
    if (prepared) await prepared
    try {
      await this.#runBatch(
        topic,
        records,
        this.#decode(topic as TopicName, records),
        position,
        nextOffset,
        beforeMs,
        undefined,
        topicBeforeMs,
      )
    } catch (error) {
      await this.#isolate(error, topic, records, position, nextOffset)
    }
    this.#busySinceMs = undefined
  }

  /** Whole batches from the head of a queue up to the limit, cut if one is larger; resumes the topic when enough has left. */
  #take(topic: string, position: number): { records: LogRecord[]; nextOffset: number } {
    const careful = this.#careful?.topic === topic
    if (careful && position >= this.#careful!.until) this.#careful = undefined
    const limit = this.#careful?.topic === topic ? 1 : this.#limits.batchRecordsMax
    const queue = this.#queues.get(topic)!
    const records: LogRecord[] = []
    let nextOffset = position
    while (queue.length > 0 && records.length < limit) {
      const head = queue[0]!
      const room = limit - records.length
      if (head.records.length <= room) {
        queue.shift()
        for (const record of head.records) if (record.offset >= position) records.push(record)
        nextOffset = Math.max(nextOffset, head.nextOffset)
        this.#queued.set(topic, this.#queued.get(topic)! - head.records.length)
      } else {
        for (const record of head.records.slice(0, room)) if (record.offset >= position) records.push(record)
        const rest = head.records.slice(room)
        nextOffset = Math.max(nextOffset, rest[0]!.offset)
        queue[0] = { ...head, records: rest }
        this.#queued.set(topic, this.#queued.get(topic)! - room)
      }
    }
    if (queue.length === 0) this.#queues.delete(topic)
    if (this.#paused.has(topic) && this.#queued.get(topic)! < this.#limits.queueRecordsMax / 2) {
      this.#paused.delete(topic)
      this.#events.resume(topic)
    }
    return { records, nextOffset }
  }

  #prepare(topic: TopicName, records: readonly LogRecord[]): Promise<void> | undefined {
    const fetching = this.#ports.wire.prepare(
      topic,
      (function* () {
        for (const record of records) yield record.value
      })(),
    )
    return (
      fetching &&
      this.#retrying(
        () =>
          this.#ports.wire.prepare(
            topic,
            records.map((record) => record.value),
          ) ?? Promise.resolve(),
        fetching,
      )
    )
  }

  /** Decodes what decodes; the rest is returned as errors by index and dead-lettered in the batch's transaction. */
  #decode(
    topic: TopicName,
    records: readonly LogRecord[],
  ): (Sourced<unknown> | { error: MillraceError; record: Sourced<unknown> })[] {
    const source = this.#graph.nodes.find((node) => node.kind === 'source' && node.topic === topic)
    const tombstones = source?.kind === 'source' && source.tombstones
    return records.map((record) => {
      const sourced = { value: null as unknown, key: record.key ?? '', offset: record.offset, loggedMs: record.timestampMs }
      if (record.value === null) {
        if (tombstones) return sourced
        return { error: new MillraceError('MILL_SCHEMA_MISMATCH', `${topic} takes no records without a value`), record: sourced }
      }
      try {
        sourced.value = this.#ports.wire.decode(topic, record.value)
        return sourced
      } catch (error) {
        if (reactionOf(error) !== 'dead-letter') throw error
        return { error: error as MillraceError, record: sourced }
      }
    })
  }

  async #runBatch(
    topic: string,
    raw: readonly LogRecord[],
    decoded: readonly (Sourced<unknown> | { error: MillraceError; record: Sourced<unknown> })[],
    from: number,
    to: number,
    watermarkBeforeMs: number,
    watermarkMs: number | undefined,
    topicWatermarkBeforeMs = Number.NEGATIVE_INFINITY,
  ): Promise<void> {
    const transaction = new BatchTransaction({
      task: this.#info,
      topic,
      cache: this.#cache,
      positions: this.#positions,
      raw,
      watermarkMs: topicWatermarkBeforeMs,
      read: (keys) => this.#retrying(() => this.#ports.state.read(this.id, keys)),
    })
    const records: Sourced<unknown>[] = []
    for (const item of decoded) {
      if ('error' in item) transaction.deadLetter(item.record, 'decode', item.error.code, item.error.message)
      else {
        records.push(item)
        if (item.value !== null) this.#time.observe(topic, item.value, item.loggedMs)
      }
    }
    const batch: Batch<unknown> = {
      records,
      task: this.#info,
      topic,
      from,
      to,
      watermarkBeforeMs,
      watermarkMs: watermarkMs ?? this.#time.watermarkMs(),
      topicWatermarkBeforeMs,
      transaction,
    }
    this.#transaction = transaction
    this.#time.reach(batch.watermarkMs)
    await this.#running.run(batch)
    await this.#settle(transaction, topic, to, raw.length)
  }

  /** Makes a finished batch durable: outputs, lists, then state with positions. Tries until it is done or the task is closed. */
  async #settle(transaction: BatchTransaction, topic: string, to: number, records: number): Promise<void> {
    if (this.#time.timed) transaction.put(timeFamily, '', this.#time.stored())
    const positions = { ...this.#positions, ...transaction.upstreams, ...(topic === '' ? {} : { [topic]: to }) }
    const writes = transaction.writes()
    this.#addSideOutputs(transaction)
    if (transaction.outputs.length > 0) await this.#retrying(() => this.#ports.log.send(transaction.outputs))
    const swapped = await this.#swapLists(transaction.lists, positions)
    if (this.#closed) return
    const commit = { epoch: this.#info.epoch, from: this.#positions, to: positions, writes, ttlS: this.#limits.stateTtlS }
    const result = await this.#retrying(() => this.#ports.state.commit(this.id, commit))
    if (this.#closed) return
    switch (result.kind) {
      case 'fenced':
        throw new MillraceError(
          'MILL_FENCED',
          `${this.id.topology}.${this.id.partition}: epoch ${this.#info.epoch} is not the newest any more`,
        )
      case 'moved':
        if (encodePositions(result.positions) !== encodePositions(positions)) return this.#goTo(result.positions)
        break // Ours, and only the reply was lost.
      case 'applied':
        break
    }
    transaction.settle()
    this.#positions = positions
    this.#events.done({
      topic,
      records,
      outputs: transaction.outputs.length,
      deadLetters: transaction.deadLetters.length,
      late: transaction.lateRecords.length,
      lists: transaction.lists,
      swapped,
    })
  }

  #collect(sink: SinkNode, batch: Batch<unknown>): void {
    const transaction = this.#transaction
    invariant(transaction && batch.transaction === transaction, `${this.id.topology}: a batch left ${sink.id} after its time`)
    if (sink.target === 'lists') {
      for (const write of batch.records as readonly ListWrite[]) transaction.lists.push(write)
      return
    }
    const topic = sink.target
    const partitions = this.#ports.partitionsOf(topic)
    for (const { key, value, partition } of batch.records as readonly Keyed<unknown>[]) {
      const bytes = value === null ? null : this.#ports.wire.encode(topic, value as never)
      transaction.outputs.push({ topic, partition: partition ?? partitionFor(key, partitions), key, value: bytes })
    }
  }

  #addSideOutputs(transaction: BatchTransaction): void {
    const { wire, partitionsOf } = this.#ports
    for (const letter of transaction.deadLetters) {
      const partition = partitionFor(letter.id, partitionsOf('dead-letters'))
      transaction.outputs.push({ topic: 'dead-letters', partition, key: letter.id, value: wire.encode('dead-letters', letter) })
    }
    for (const record of transaction.lateRecords) {
      const partition = partitionFor(record.id, partitionsOf('late-records'))
      transaction.outputs.push({ topic: 'late-records', partition, key: record.id, value: wire.encode('late-records', record) })
    }
  }

  async #swapLists(lists: readonly ListWrite[], positions: Positions): Promise<readonly boolean[]> {
    if (lists.length === 0) return []
    // The sum over all inputs: it grows with every batch, whichever topic the batch is of.
    let position = 0
    for (const topic of sourceTopics(this.#graph)) position += positions[topic] ?? 0
    const version = { epoch: this.#info.epoch, position }
    const entries = lists.map((list) => ({
      key: list.key,
      value: encodeServed(version, list.value),
      companions: list.companions.map((companion) => ({ key: companion.key, value: encodeServed(version, companion.value) })),
      version,
      ttlS: list.ttlS,
    }))
    return await this.#retrying(() => this.#ports.lists.swap(entries))
  }

  /** The store is elsewhere than we thought: forget everything in memory and go on from there. */
  async #goTo(positions: Positions): Promise<void> {
    this.#ports.logger.warn(
      { task: this.id, from: this.#positions, to: positions },
      'The store holds other positions; going on from them.',
    )
    this.#queues.clear()
    this.#queued.clear()
    await this.#reload(positions)
    for (const topic of sourceTopics(this.#graph)) this.#events.seek(topic, this.#positions[topic] ?? 0)
  }

  async #reload(positions: Positions): Promise<void> {
    this.#cache.clear()
    this.#positions = positions
    const [stored] = await this.#retrying(() => this.#ports.state.read(this.id, [`${timeFamily.name}:`]))
    this.#time = new TaskTime(this.#graph, stored ? timeFamily.codec.decode(stored) : undefined)
  }

  /**
   * A step threw. The graph is dead and the state in memory half changed: both are rebuilt. Then the same records go again
   * one by one, and a record that throws alone is the poison: it is dead-lettered and its neighbours go on.
   */
  async #isolate(error: unknown, topic: string, records: readonly LogRecord[], from: number, to: number): Promise<void> {
    const reaction = reactionOf(error)
    if (this.#closed || (error instanceof MillraceError && (reaction === 'stop' || reaction === 'refuse'))) throw error
    this.#running.close()
    this.#running = this.#start()
    await this.#reload(this.#positions)
    if (records.length > 1) {
      this.#ports.logger.warn(
        { task: this.id, topic, from, to, error: String(error) },
        'A step failed on a batch; looking for the record.',
      )
      this.#careful = { topic, until: to }
      this.#requeue(topic, records, to)
      return
    }
    const [record] = records
    invariant(record, 'a batch without records failed')
    const sourced = { value: null, key: record.key ?? '', offset: record.offset, loggedMs: record.timestampMs }
    const transaction = new BatchTransaction({
      task: this.#info,
      topic,
      cache: this.#cache,
      positions: this.#positions,
      raw: records,
      watermarkMs: Number.NEGATIVE_INFINITY,
      read: () => Promise.resolve([]),
    })
    transaction.deadLetter(
      sourced,
      'unknown',
      'MILL_STEP_FAILED',
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    )
    await this.#settle(transaction, topic, to, 1)
  }

  #requeue(topic: string, records: readonly LogRecord[], nextOffset: number): void {
    const head: LogBatch = { topic, partition: this.id.partition, records, nextOffset, endOffset: nextOffset }
    this.#queues.set(topic, [head, ...(this.#queues.get(topic) ?? [])])
    this.#queued.set(topic, (this.#queued.get(topic) ?? 0) + records.length)
  }

  /** Repeats while the world is unwell (`retry` errors), with growing waits; the task's topics stay paused by their own limit. */
  async #retrying<R>(attempt: () => Promise<R>, first?: Promise<R>): Promise<R> {
    let waitMs = this.#limits.retryMs
    let running = first ?? attempt()
    for (;;) {
      try {
        return await running
      } catch (error) {
        if (this.#closed || reactionOf(error) !== 'retry') throw error
        this.#events.waiting((error as Error).message)
        this.#ports.logger.warn({ task: this.id, error: String(error), waitMs }, 'A service is unwell; trying again.')
        await new Promise<void>((resolve) => {
          const cancel = this.#ports.clock.after(waitMs, resolve)
          this.#wake = () => {
            cancel()
            resolve()
          }
        })
        if (this.#closed) throw error
        waitMs = Math.min(waitMs * 2, this.#limits.retryMsMax)
        running = attempt()
      }
    }
  }

  #scheduleTick(): void {
    if (!this.#time.timed || this.#closed || this.#draining) return
    this.#cancelTick = this.#ports.clock.after(this.#limits.idleMs, () => {
      void this.tick().finally(() => this.#scheduleTick())
    })
  }
}
