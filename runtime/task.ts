import { MillraceError, reactionOf } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import type { Positions } from '../core/positions.ts'
import type { Batch } from '../ports/batch.ts'
import type { LogBatch, LogRecord, OutgoingRecord } from '../ports/event-log.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { TaskId } from '../ports/state-store.ts'
import type { TopicName } from '../schemas/topics.ts'
import { BatchEffects } from './batch-effects.ts'
import { outgoingRecords, sideOutputs } from './batch-outputs.ts'
import { BatchTransaction } from './batch-transaction.ts'
import { decodeRecords } from './decode-records.ts'
import { type Graph, replacingTopics, type SinkNode, sourceTopics } from './graph.ts'
import { RunningGraph } from './running-graph.ts'
import { StateCache } from './state-cache.ts'
import { StoreMoved } from './store-moved.ts'
import type { TaskLimits } from './task-limits.ts'
import { TaskOwnership } from './task-ownership.ts'
import type { OfferedLists, TaskEvents, TaskPorts } from './task-ports.ts'
import { TaskQueue } from './task-queue.ts'
import { TaskRetries } from './task-retries.ts'
import { type StoredTime, TaskTime, timeFamily } from './task-time.ts'

/** Offsets of a batch: the first, and the first after it. */
interface OffsetRange {
  readonly from: number
  readonly to: number
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
  readonly #queue: TaskQueue
  readonly #retries: TaskRetries
  readonly #ownership: TaskOwnership
  readonly #effects: BatchEffects
  readonly #lastRecordMs = new Map<string, number>()
  /** A new one at each reload: reads of a batch that was given up may still end, and fill the old one. */
  #caches = new Map<string, StateCache>()
  #running: RunningGraph
  #transaction: BatchTransaction | undefined
  #positions: Positions = {}
  #time: TaskTime
  #work: Promise<void> | undefined
  #closed = false
  #draining = false
  #busySinceMs: number | undefined
  /** After a step threw, batches are cut to one record until this offset of that topic is passed: the poison is found and kept apart. */
  #careful: { topic: string; until: number } | undefined
  #cancelTick: (() => void) | undefined

  constructor(id: TaskId, graph: Graph, partitions: number, ports: TaskPorts, events: TaskEvents, limits: TaskLimits) {
    this.id = id
    this.#graph = graph
    this.#ports = ports
    this.#events = events
    this.#limits = limits
    this.#queue = new TaskQueue(limits.queueRecordsMax, events, replacingTopics(graph))
    this.#retries = new TaskRetries({
      clock: ports.clock,
      retryMs: limits.retryMs,
      retryMsMax: limits.retryMsMax,
      onRetry: (error, waitMs) => {
        events.waiting((error as Error).message)
        ports.logger.warn({ task: id, error: String(error), waitMs }, 'A service is unwell; trying again.')
      },
    })
    const { state, clock, log, lists } = ports
    this.#ownership = new TaskOwnership(id, partitions, { state, clock, retries: this.#retries })
    this.#effects = new BatchEffects(sourceTopics(graph), { log, lists, ownership: this.#ownership, retries: this.#retries })
    this.#time = new TaskTime(graph, undefined)
    this.#running = this.#start()
  }

  get positions(): Positions {
    return this.#positions
  }

  get epoch(): number {
    return this.#ownership.info.epoch
  }

  /** Records between what was delivered and the log's end, plus what waits here. */
  get lag(): number {
    return this.#queue.lag
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
    await this.#reload(await this.#ownership.open())
    const starts = Object.fromEntries(sourceTopics(this.#graph).map((topic) => [topic, this.#positions[topic] ?? 0]))
    for (const [topic, start] of Object.entries(starts)) this.#queue.expect(topic, start)
    this.#scheduleTick()
    return starts
  }

  /** Hears where a topic will be read from and where it ends, before anything of it is delivered: until all that was, it is not idle. */
  expect(topic: string, start: number, end: number): void {
    this.#queue.expect(topic, start, end)
  }

  /** Takes a batch from the log; never blocks. Past the limit it asks its engine to pause the topic. */
  push(batch: LogBatch): void {
    if (this.#closed) return
    this.#queue.push(batch)
    this.#lastRecordMs.set(batch.topic, this.#ports.clock.elapsedMs())
    this.#run()
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    for (this.#run(); this.#work; this.#run()) await this.#work
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
    this.#retries.close()
    this.#running.close()
  }

  /**
   * Moves event time over idle topics, those of which nothing came and the log holds nothing more: what lies there and is slow to be
   * delivered would come late. The mark is committed first, as a batch of its own; only the next batch sees it.
   * Called by its own timer; tests call it by hand.
   */
  async tick(): Promise<void> {
    if (this.#closed || !(await this.#hearEnds(this.#idleTopics()))) return
    while (this.#work) await this.#work
    const idle = this.#idleTopics()
    if (this.#closed || idle.size === 0) return
    const beforeMs = this.#time.watermarkMs()
    if (!this.#time.markIdle(idle)) return
    this.#work = this.#guard(async () => {
      await this.#runTick(beforeMs, beforeMs)
      await this.#runTick(beforeMs, this.#time.watermarkMs())
    })
    await this.#work
    this.#run()
  }

  /**
   * Holds our positions against the store's while nothing is under way. A store that failed over and lost its last writes is
   * followed back at once, not with the next event. Called by its engine now and then.
   */
  async check(): Promise<void> {
    if (this.#work || this.#closed || this.#draining) return
    this.#work = this.#guard(async () => {
      try {
        // Taken is for our next commit to be told.
        if ((await this.#ownership.standing(this.#positions)) === 'moved' && !this.#closed) await this.#goOnFromStore()
      } catch (error) {
        if (reactionOf(error) !== 'retry') throw error // Unwell: the next check, or the next batch, asks again.
      }
    })
    await this.#work
  }

  /**
   * Sends what `make` answers between two batches, if the task is still ours: what later batches send comes after it. Answers whether
   * it was sent. While batches wait, it waits. `make` is called again while a service is unwell; another error of it kills the task.
   */
  async sendBetween(make: () => Promise<readonly OutgoingRecord[]>): Promise<boolean> {
    while (this.#work) await this.#work
    if (this.#closed || this.#draining) return false
    let isSent = false
    this.#work = this.#guard(async () => {
      try {
        await this.#retries.run(async () => {
          const records = await make()
          await this.#ownership.confirm(this.#positions)
          await this.#ports.log.send(records)
        })
        isSent = !this.#closed
      } catch (error) {
        if (!(error instanceof StoreMoved) || this.#closed) throw error
        await this.#goOnFromStore()
      }
    })
    await this.#work
    return isSent
  }

  /** Sets idle marks as another run had them, and lets fire what had fired there: for verify. */
  async adoptTime(stored: StoredTime): Promise<void> {
    await this.idle()
    const beforeMs = this.#time.watermarkMs()
    this.#time.adoptMarks(stored.marksMs)
    await this.#runTick(beforeMs, stored.reachedMs ?? beforeMs)
  }

  /** Asks the log where idle topics end, unless time stands still as all are; false where nothing can be said of them. */
  async #hearEnds(topics: ReadonlySet<string>): Promise<boolean> {
    if (topics.size === 0 || topics.size === this.#time.topics.length) return false
    try {
      for (const topic of topics) this.#queue.hearEnd(topic, await this.#ports.endOf(topic))
      return true
    } catch (error) {
      if (reactionOf(error) !== 'retry') this.#fail(error)
      return false // Of a log that is unwell the next tick asks again.
    }
  }

  #idleTopics(): ReadonlySet<string> {
    return new Set(this.#time.topics.filter((topic) => this.#isIdle(topic)))
  }

  #isIdle(topic: string): boolean {
    if (!this.#queue.caughtUp(topic)) return false
    return this.#ports.clock.elapsedMs() - (this.#lastRecordMs.get(topic) ?? Number.NEGATIVE_INFINITY) >= this.#limits.idleMs
  }

  #start(): RunningGraph {
    return new RunningGraph(this.#graph, this.#ports.metrics, (sink, batch) => this.#collect(sink, batch))
  }

  /** Starts on what waits. */
  #run(): void {
    if (this.#work || this.#closed || this.#queue.empty) return
    this.#work = this.#guard(async () => {
      while (!this.#closed) {
        const topic = this.#queue.nextTopic()
        if (topic === undefined) break
        await this.#runNext(topic)
      }
    })
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    this.close()
    this.#events.failed(error)
  }

  /** Runs work that nobody awaits: what it throws goes to the engine. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#work = undefined
      this.#busySinceMs = undefined
    }
    if (!this.#closed && !this.#queue.empty) this.#run()
  }

  async #runNext(topic: string): Promise<void> {
    const position = this.#positions[topic] ?? 0
    const { records, nextOffset } = this.#queue.take(topic, position, this.#limitAt(topic, position))
    if (nextOffset <= position) return
    this.#busySinceMs = this.#ports.clock.elapsedMs()
    const prepared = this.#prepare(topic as TopicName, records)
    if (prepared) await prepared
    try {
      await this.#runRecords(topic as TopicName, records, { from: position, to: nextOffset })
    } catch (error) {
      await this.#isolate(error, topic, records, { from: position, to: nextOffset })
    }
    this.#busySinceMs = undefined
  }

  /** One record at a time while a poison is looked for. */
  #limitAt(topic: string, position: number): number {
    if (this.#careful?.topic !== topic) return this.#limits.batchRecordsMax
    if (position < this.#careful.until) return 1
    this.#careful = undefined
    return this.#limits.batchRecordsMax
  }

  /** Fetches writer schemas not seen before; almost always there are none, and nothing to wait for. */
  #prepare(topic: TopicName, records: readonly LogRecord[]): Promise<void> | undefined {
    const values = records.map((record) => record.value)
    const fetching = this.#ports.wire.prepare(topic, values)
    return fetching && this.#retries.run(() => this.#ports.wire.prepare(topic, values) ?? Promise.resolve(), fetching)
  }

  async #runRecords(topic: TopicName, raw: readonly LogRecord[], range: OffsetRange): Promise<void> {
    const before = { watermarkMs: this.#time.watermarkMs(), topicWatermarkMs: this.#time.topicWatermarkMs(topic) }
    const transaction = this.#begin(topic, raw, before.topicWatermarkMs)
    const { decoded, undecodable } = decodeRecords(this.#graph, this.#ports.wire, topic, raw)
    for (const { record, error } of undecodable) transaction.deadLetter(record, 'decode', error.code, error.message)
    for (const record of decoded) if (record.value !== null) this.#time.observe(topic, record.value, record.loggedMs)
    await this.#runBatch(transaction, {
      records: decoded,
      topic,
      ...range,
      watermarkBeforeMs: before.watermarkMs,
      watermarkMs: this.#time.watermarkMs(),
      topicWatermarkBeforeMs: before.topicWatermarkMs,
    })
  }

  /** An empty batch: it moves time from one watermark to another. */
  async #runTick(watermarkBeforeMs: number, watermarkMs: number): Promise<void> {
    const transaction = this.#begin('', [], watermarkBeforeMs)
    const time = { watermarkBeforeMs, watermarkMs, topicWatermarkBeforeMs: Number.NEGATIVE_INFINITY }
    await this.#runBatch(transaction, { records: [], topic: '', from: 0, to: 0, ...time })
  }

  #begin(topic: string, raw: readonly LogRecord[], watermarkMs: number): BatchTransaction {
    const positions = this.#positions
    const caches = this.#caches
    return new BatchTransaction({
      task: this.#ownership.info,
      topic,
      cache: (family) => this.#cacheOf(caches, family),
      positions,
      raw,
      watermarkMs,
      read: (keys) => this.#ownership.read(keys, positions),
    })
  }

  #cacheOf(caches: Map<string, StateCache>, family: string): StateCache {
    let cache = caches.get(family)
    if (!cache) {
      cache = new StateCache(this.#limits.cacheKeysMax)
      caches.set(family, cache)
    }
    return cache
  }

  async #runBatch(transaction: BatchTransaction, batch: Omit<Batch<unknown>, 'task' | 'transaction'>): Promise<void> {
    this.#transaction = transaction
    this.#time.reach(batch.watermarkMs)
    try {
      await this.#running.run({ ...batch, task: this.#ownership.info, transaction })
    } catch (error) {
      if (!(error instanceof StoreMoved) || this.#closed) throw error
      this.#running.close()
      this.#running = this.#start()
      return this.#goOnFromStore()
    }
    await this.#settle(transaction, batch.topic, batch.to)
  }

  /** Makes a finished batch durable, and goes on behind it, or from where the store is. */
  async #settle(transaction: BatchTransaction, topic: string, to: number): Promise<void> {
    if (this.#time.topics.length > 0) transaction.put(timeFamily, '', this.#time.stored())
    const positions = { ...this.#positions, ...transaction.upstreams, ...(topic === '' ? {} : { [topic]: to }) }
    transaction.outputs.push(...sideOutputs(transaction, this.#ports))
    const range = { from: this.#positions, to: positions, ttlS: this.#limits.stateTtlS }
    let offered: OfferedLists | null
    try {
      offered = await this.#effects.apply(transaction, range)
    } catch (error) {
      if (!(error instanceof StoreMoved) || this.#closed) throw error
      return this.#goOnFromStore()
    }
    if (!offered) return
    transaction.settle()
    this.#positions = positions
    this.#events.done({
      topic,
      records: transaction.rawCount,
      outputs: transaction.outputs.length,
      deadLetters: transaction.deadLetters.length,
      late: transaction.lateRecords.length,
      lists: transaction.lists,
      ...offered,
      version: this.#effects.versionAt(positions),
    })
  }

  #collect(sink: SinkNode, batch: Batch<unknown>): void {
    const transaction = this.#transaction
    invariant(transaction && batch.transaction === transaction, `${this.id.topology}: a batch left ${sink.id} after its time`)
    if (sink.target === 'lists') transaction.lists.push(...(batch.records as readonly ListWrite[]))
    else transaction.outputs.push(...outgoingRecords(sink.target, batch.records as readonly Keyed<unknown>[], this.#ports))
  }

  /**
   * The store is elsewhere than we thought: forget everything in memory and go on from there. It went back, or somebody has our task;
   * a new epoch tells, and what follows is newer than what left before.
   */
  async #goOnFromStore(): Promise<void> {
    const from = this.#positions
    const positions = await this.#ownership.renew()
    this.#ports.logger.warn(
      { task: this.id, from, to: positions },
      'The store went back to an older state; going on from its positions.',
    )
    await this.#reload(positions)
    // Only now: what the log delivered meanwhile would stand in the queue above a gap, and the gap would be passed over.
    this.#queue.clear()
    for (const topic of sourceTopics(this.#graph)) {
      const position = this.#positions[topic]
      // One without a position begins wherever the log does, which may be its end.
      if (position !== undefined) this.#queue.expect(topic, position)
      this.#events.seek(topic, position ?? 0)
    }
  }

  async #reload(positions: Positions): Promise<void> {
    this.#caches = new Map()
    this.#positions = positions
    const [stored] = await this.#retries.run(() => this.#ports.state.read(this.id, [`${timeFamily.name}:`]))
    this.#time = new TaskTime(this.#graph, stored ? timeFamily.codec.decode(stored) : undefined)
  }

  /**
   * A step threw. The graph is dead and the state in memory half changed: both are rebuilt. Then the same records go again
   * one by one, and a record that throws alone is the poison: it is dead-lettered and its neighbours go on.
   */
  async #isolate(error: unknown, topic: string, records: readonly LogRecord[], { from, to }: OffsetRange): Promise<void> {
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
      this.#queue.putBack({ topic, partition: this.id.partition, records, nextOffset: to, endOffset: to })
      return
    }
    const [record] = records
    invariant(record, 'a batch without records failed')
    const sourced = { value: null, key: record.key ?? '', offset: record.offset, loggedMs: record.timestampMs }
    const transaction = this.#begin(topic, records, Number.NEGATIVE_INFINITY)
    transaction.deadLetter(
      sourced,
      'unknown',
      'MILL_STEP_FAILED',
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    )
    await this.#settle(transaction, topic, to)
  }

  #scheduleTick(): void {
    if (this.#time.topics.length === 0 || this.#closed || this.#draining) return
    this.#cancelTick = this.#ports.clock.after(this.#limits.idleMs, () => {
      void this.tick().finally(() => this.#scheduleTick())
    })
  }
}
