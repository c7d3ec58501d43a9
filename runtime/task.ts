import { MillraceError, reactionOf } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import { encodePositions, type Positions } from '../core/positions.ts'
import type { Batch, TaskInfo } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog, LogBatch, LogRecord, OutgoingRecord } from '../ports/event-log.ts'
import type { ListStore, ListVersion } from '../ports/list-store.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Logger } from '../ports/logger.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { StateStore, TaskId, TaskProgress } from '../ports/state-store.ts'
import { versionOfServed } from '../schemas/served-list.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { listEntries, outgoingRecords, sideOutputs } from './batch-outputs.ts'
import { BatchTransaction } from './batch-transaction.ts'
import { decodeRecords } from './decode-records.ts'
import { type Graph, replacingTopics, type SinkNode, sourceTopics } from './graph.ts'
import { RunningGraph, type StepMetrics } from './running-graph.ts'
import { StateCache } from './state-cache.ts'
import { TaskQueue } from './task-queue.ts'
import { TaskRetries } from './task-retries.ts'
import { type StoredTime, TaskTime, timeFamily } from './task-time.ts'

/** Limits of a task; every buffer of the engine is in here. */
export interface TaskLimits {
  /** Records folded as one batch at most. */
  readonly batchRecordsMax: number
  /** Records waiting at which a partition is paused; it resumes below half of it. */
  readonly queueRecordsMax: number
  /** Milliseconds that new records may lie in the log to be read with others: what is not needed at once costs less in larger batches. */
  readonly gatherMs: number
  /** Values of each family kept in memory. */
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
  queueRecordsMax: 8_000,
  gatherMs: 0,
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
  readonly lists: Pick<ListStore, 'swap' | 'get'>
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
  /** Their values as they were offered to the store. */
  readonly texts: readonly string[]
  /** Which of `lists` were newer than what was stored. */
  readonly swapped: readonly boolean[]
  /** The version that `lists` were offered with. */
  readonly version: ListVersion
}

/** What became of the lists of a batch. */
type OfferedLists = Pick<BatchSummary, 'texts' | 'swapped'>

/** How long ago a task must have been ours for outputs to leave unasked; less than a group waits before it gives a task away. */
const confirmedMsMax = 2_000
/** Stored lists that are fetched at once to see what keeps ours away. */
const listsPerLook = 200

/** Offsets of a batch: the first, and the first after it. */
interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** What was read belongs to another epoch or to other positions than the task's. */
class StoreMoved extends Error {
  constructor() {
    super('the store holds another epoch or other positions')
  }
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
  readonly #queue: TaskQueue
  readonly #retries: TaskRetries
  readonly #lastRecordMs = new Map<string, number>()
  /** A new one at each reload: reads of a batch that was given up may still end, and fill the old one. */
  #caches = new Map<string, StateCache>()
  #running: RunningGraph
  #transaction: BatchTransaction | undefined
  #info: TaskInfo
  #positions: Positions = {}
  #time: TaskTime
  #work: Promise<void> | undefined
  /** When we last asked the store and it said that the task is ours. */
  #confirmedMs = Number.NEGATIVE_INFINITY
  #closed = false
  #draining = false
  #busySinceMs: number | undefined
  /** After a step threw, batches are cut to one record until this offset of that topic is passed: the poison is found and kept apart. */
  #careful: { topic: string; until: number } | undefined
  #cancelTick: (() => void) | undefined

  constructor(id: TaskId, graph: Graph, partitions: number, ports: TaskPorts, events: TaskEvents, limits: TaskLimits) {
    this.id = id
    this.#graph = graph
    this.#partitions = partitions
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
    const progress = await this.#ports.state.openTask(this.id)
    this.#info = { topology: this.id.topology, partition: this.id.partition, partitions: this.#partitions, epoch: progress.epoch }
    await this.#reload(progress.positions)
    this.#scheduleTick()
    return Object.fromEntries(sourceTopics(this.#graph).map((topic) => [topic, this.#positions[topic] ?? 0]))
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
        const askedMs = this.#ports.clock.elapsedMs()
        const stored = await this.#ports.state.progress(this.id)
        // A newer epoch is another owner's: our next commit will be told so.
        if (this.#closed || (stored && stored.epoch > this.#info.epoch)) return
        if (!this.#isWhereWeAre(stored, this.#positions)) await this.#goOnFromStore()
        else this.#confirmedMs = askedMs
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
          await this.#confirmOwnership(this.#positions)
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
      task: this.#info,
      topic,
      cache: (family) => this.#cacheOf(caches, family),
      positions,
      raw,
      watermarkMs,
      read: (keys) => this.#read(keys, positions),
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

  /**
   * Values of keys as they were at the positions of a batch. What a newer owner wrote, or a store that went back, would mix with
   * what is remembered here, and outputs made of the mixture leave before the commit is refused: so both are read at one moment.
   */
  async #read(keys: readonly string[], at: Positions): Promise<readonly (Uint8Array | null)[]> {
    let askedMs = 0
    const { progress, values } = await this.#retries.run(() => {
      askedMs = this.#ports.clock.elapsedMs()
      return this.#ports.state.readWithProgress(this.id, keys)
    })
    if (!this.#isWhereWeAre(progress, at)) throw new StoreMoved()
    this.#confirmedMs = askedMs
    return values
  }

  #isWhereWeAre(stored: TaskProgress | null, positions: Positions): boolean {
    if (stored && stored.epoch !== this.#info.epoch) return false
    return encodePositions(stored?.positions ?? {}) === encodePositions(positions)
  }

  #fenced(): MillraceError {
    const { topology, partition } = this.id
    return new MillraceError('MILL_FENCED', `${topology}.${partition}: epoch ${this.#info.epoch} is not the newest any more`)
  }

  async #runBatch(transaction: BatchTransaction, batch: Omit<Batch<unknown>, 'task' | 'transaction'>): Promise<void> {
    this.#transaction = transaction
    this.#time.reach(batch.watermarkMs)
    try {
      await this.#running.run({ ...batch, task: this.#info, transaction })
    } catch (error) {
      if (!(error instanceof StoreMoved) || this.#closed) throw error
      this.#running.close()
      this.#running = this.#start()
      return this.#goOnFromStore()
    }
    await this.#settle(transaction, batch.topic, batch.to)
  }

  /** Makes a finished batch durable: outputs, lists, then state with positions. Tries until it is done or the task is closed. */
  async #settle(transaction: BatchTransaction, topic: string, to: number): Promise<void> {
    if (this.#time.timed) transaction.put(timeFamily, '', this.#time.stored())
    const positions = { ...this.#positions, ...transaction.upstreams, ...(topic === '' ? {} : { [topic]: to }) }
    const writes = transaction.writes()
    transaction.outputs.push(...sideOutputs(transaction, this.#ports))
    // Both are outputs: neither waits for the other, and the state for both.
    let offered: OfferedLists
    try {
      ;[offered] = await Promise.all([this.#swapLists(transaction.lists, positions), this.#sendOutputs(transaction)])
    } catch (error) {
      if (!(error instanceof StoreMoved) || this.#closed) throw error
      return this.#goOnFromStore()
    }
    if (offered.swapped.includes(false)) offered = await this.#swapAbove(transaction.lists, positions, offered)
    if (this.#closed) return
    const commit = { epoch: this.#info.epoch, from: this.#positions, to: positions, writes, ttlS: this.#limits.stateTtlS }
    let askedMs = 0
    const result = await this.#retries.run(() => {
      askedMs = this.#ports.clock.elapsedMs()
      return this.#ports.state.commit(this.id, commit)
    })
    if (this.#closed) return
    switch (result.kind) {
      case 'fenced':
        return this.#goOnFromStore()
      case 'moved':
        if (encodePositions(result.positions) !== encodePositions(positions)) return this.#goOnFromStore()
        break // Ours, and only the reply was lost.
      case 'applied':
        break
    }
    transaction.settle()
    this.#positions = positions
    this.#confirmedMs = askedMs
    this.#events.done({
      topic,
      records: transaction.rawCount,
      outputs: transaction.outputs.length,
      deadLetters: transaction.deadLetters.length,
      late: transaction.lateRecords.length,
      lists: transaction.lists,
      ...offered,
      version: this.#versionAt(positions),
    })
  }

  #collect(sink: SinkNode, batch: Batch<unknown>): void {
    const transaction = this.#transaction
    invariant(transaction && batch.transaction === transaction, `${this.id.topology}: a batch left ${sink.id} after its time`)
    if (sink.target === 'lists') transaction.lists.push(...(batch.records as readonly ListWrite[]))
    else transaction.outputs.push(...outgoingRecords(sink.target, batch.records as readonly Keyed<unknown>[], this.#ports))
  }

  async #sendOutputs({ outputs }: BatchTransaction): Promise<void> {
    if (outputs.length === 0) return
    const positions = this.#positions
    await this.#retries.run(async () => {
      await this.#confirmOwnership(positions)
      await this.#ports.log.send(outputs)
    })
  }

  /**
   * Outputs of which the newest record wins have no fence: whoever was put to sleep asks first whether its task is still its own, or
   * it would put an old record over a newer owner's.
   */
  async #confirmOwnership(positions: Positions): Promise<void> {
    if (this.#ports.clock.elapsedMs() - this.#confirmedMs < confirmedMsMax) return
    const askedMs = this.#ports.clock.elapsedMs()
    if (!this.#isWhereWeAre(await this.#ports.state.progress(this.id), positions)) throw new StoreMoved()
    this.#confirmedMs = askedMs
  }

  async #swapLists(lists: readonly ListWrite[], positions: Positions): Promise<OfferedLists> {
    if (lists.length === 0) return { texts: [], swapped: [] }
    const entries = listEntries(lists, this.#versionAt(positions))
    const swapped = await this.#retries.run(() => this.#ports.lists.swap(entries))
    return { texts: entries.map(({ value }) => value), swapped }
  }

  /** The version of lists: the sum over all inputs grows with every batch, whichever topic the batch is of. */
  #versionAt(positions: Positions): ListVersion {
    let position = 0
    for (const topic of sourceTopics(this.#graph)) position += positions[topic] ?? 0
    return { epoch: this.#info.epoch, position }
  }

  /**
   * Some lists were refused: by a repeat of our own, or by a list of a higher epoch. That one's owner took it from a store that has
   * gone back since and whose clock was ahead: we take an epoch above it, if the task is still ours.
   */
  async #swapAbove(lists: readonly ListWrite[], positions: Positions, offered: OfferedLists): Promise<OfferedLists> {
    const refused = lists.filter((_, index) => !offered.swapped[index])
    let newest = 0
    for (let at = 0; at < refused.length; at += listsPerLook) {
      const keys = refused.slice(at, at + listsPerLook).map(({ key }) => key)
      const stored = await this.#retries.run(() => this.#ports.lists.get(keys))
      for (const text of stored) newest = Math.max(newest, versionOfServed(text).epoch)
    }
    if (this.#closed || newest <= this.#info.epoch) return offered
    await this.#renew(newest)
    return await this.#swapLists(lists, positions) // All of them: lists of one batch have one version.
  }

  /** Takes a newer epoch, above `above`, unless another owner has; answers where the store stands now. */
  async #renew(above = 0): Promise<Positions> {
    const progress = await this.#retries.run(() => this.#ports.state.renewTask(this.id, this.#info.epoch, above))
    if (!progress) throw this.#fenced()
    this.#info = { ...this.#info, epoch: progress.epoch }
    return progress.positions
  }

  /**
   * The store is elsewhere than we thought: forget everything in memory and go on from there. It went back, or somebody has our task;
   * a new epoch tells, and what follows is newer than what left before.
   */
  async #goOnFromStore(): Promise<void> {
    const from = this.#positions
    const positions = await this.#renew()
    this.#ports.logger.warn(
      { task: this.id, from, to: positions },
      'The store went back to an older state; going on from its positions.',
    )
    await this.#reload(positions)
    // Only now: what the log delivered meanwhile would stand in the queue above a gap, and the gap would be passed over.
    this.#queue.clear()
    for (const topic of sourceTopics(this.#graph)) this.#events.seek(topic, this.#positions[topic] ?? 0)
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
    if (!this.#time.timed || this.#closed || this.#draining) return
    this.#cancelTick = this.#ports.clock.after(this.#limits.idleMs, () => {
      void this.tick().finally(() => this.#scheduleTick())
    })
  }
}
