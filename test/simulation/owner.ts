import type { Clock } from '../../ports/clock.ts'
import type { LogBatch, LogRecord, OutgoingRecord } from '../../ports/event-log.ts'
import type { ListEntry } from '../../ports/list-store.ts'
import { silentLogger } from '../../ports/logger.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import type { StateCommit, TaskId } from '../../ports/state-store.ts'
import type { Graph } from '../../runtime/graph.ts'
import { StepMetrics } from '../../runtime/running-graph.ts'
import { Task } from '../../runtime/task.ts'
import { defaultTaskLimits } from '../../runtime/task-limits.ts'
import type { WireFormat } from '../../schemas/wire-format.ts'
import type { CallKind, Calls, Effect } from './calls.ts'
import type { Schedule } from './schedule.ts'
import type { SimulatedLists } from './simulated-lists.ts'
import type { SimulatedStore } from './simulated-store.ts'

/** What owners share: the world outside their processes. */
export interface World {
  readonly calls: Calls
  readonly store: SimulatedStore
  readonly lists: SimulatedLists
  readonly wire: WireFormat
  readonly clock: Clock
  readonly partitions: number
  /** What sending records does to the log. */
  send(owner: Owner, records: readonly OutgoingRecord[]): Effect<void>
  /** Where a partition of the log ends. */
  endOf(topic: string, partition: number): number
  /** What the log hands over; null keeps it back. */
  deliver(owner: Owner, batch: LogBatch): LogBatch | null
}

/** One process's ownership of one task: the only place where the simulation touches the runtime's `Task`. */
export class Owner {
  readonly number: number
  readonly id: TaskId
  /** The process is gone: nothing it asks is answered. */
  dead = false
  /** Somebody else took over. */
  replaced = false
  opened = false
  failure: unknown
  skewMs = 0
  readonly #world: World
  readonly #task: Task
  readonly #fetchAt = new Map<string, number>()
  readonly #paused = new Set<string>()

  constructor(number: number, id: TaskId, graph: Graph, world: World, schedule: Schedule) {
    this.number = number
    this.id = id
    this.#world = world
    this.#task = new Task(id, graph, world.partitions, this.#ports(), this.#events(), {
      ...defaultTaskLimits,
      batchRecordsMax: schedule.batchRecordsMax,
      cacheKeysMax: schedule.cacheKeysMax,
      queueRecordsMax: 12,
      idleMs,
    })
  }

  /** Takes ownership, again and again while the store is unwell, as the runtime does. */
  async open(): Promise<void> {
    while (!this.dead && !this.opened) {
      try {
        for (const [topic, position] of Object.entries(await this.#task.open())) this.#fetchAt.set(topic, position)
        this.opened = true
      } catch (error) {
        if (this.replaced) return
        if ((error as { code?: string }).code !== 'MILL_STORE_UNAVAILABLE') {
          this.failure = error
          return
        }
      }
    }
  }

  get epoch(): number {
    return this.#task.epoch
  }

  get positions(): Readonly<Record<string, number>> {
    return this.#task.positions
  }

  fetchAt(topic: string): number {
    return this.#fetchAt.get(topic) ?? 0
  }

  canFetch(topic: string): boolean {
    return this.opened && !this.dead && this.failure === undefined && !this.#paused.has(topic)
  }

  /** Hands over records of one topic from `from` on, as one fetch of the log. */
  push(topic: string, records: readonly LogRecord[], endOffset: number): void {
    const nextOffset = records.at(-1)!.offset + 1
    this.#fetchAt.set(topic, nextOffset)
    const batch = this.#world.deliver(this, { topic, partition: this.id.partition, records, nextOffset, endOffset })
    if (batch) this.#task.push(batch)
  }

  close(): void {
    this.#task.close()
  }

  drain(): void {
    void this.#task.drain()
  }

  #ask<R>(kind: CallKind, effect: Effect<R>): Promise<R> {
    if (this.dead) return new Promise(() => {})
    return this.#world.calls.ask({ kind, owner: this.number, partition: this.id.partition }, effect)
  }

  #ports() {
    const { store, lists, wire, partitions } = this.#world
    const clock = this.#clock()
    return {
      log: { send: (records: readonly OutgoingRecord[]) => this.#ask('send', this.#world.send(this, records.slice())) },
      state: {
        openTask: (task: TaskId) => this.#ask('open', { run: () => store.openTask(task) }),
        renewTask: (task: TaskId, held: number, above?: number) =>
          this.#ask('open', { run: () => store.renewTask(task, held, above) }),
        progress: (task: TaskId) => this.#ask('read', { run: () => store.progress(task) }),
        read: (task: TaskId, keys: readonly string[]) => this.#ask('read', { run: () => store.read(task, keys) }),
        readWithProgress: (task: TaskId, keys: readonly string[]) =>
          this.#ask('read', { run: () => ({ progress: store.progress(task), values: store.read(task, keys) }) }),
        commit: (task: TaskId, commit: StateCommit) =>
          this.#ask('commit', { run: () => store.commit(task, commit), part: () => store.commitPart(task, commit) }),
        scan: async function* () {},
        tasks: () => Promise.resolve([]),
        clear: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
      lists: {
        swap: (entries: readonly ListEntry[]) =>
          this.#ask('swap', {
            run: () => lists.swap(entries),
            part: () => void lists.swap(entries.slice(0, entries.length >> 1)),
          }),
        get: (keys: readonly string[]) => this.#ask('read', { run: () => keys.map((key) => lists.get(key)) }),
      },
      wire,
      clock,
      logger: silentLogger,
      metrics: new StepMetrics(silentMetrics, clock),
      endOf: (topic: string) => Promise.resolve(this.#world.endOf(topic, this.id.partition)),
      partitionsOf: () => partitions,
    }
  }

  #events() {
    return {
      pause: (topic: string) => void this.#paused.add(topic),
      resume: (topic: string) => void this.#paused.delete(topic),
      seek: (topic: string, offset: number) => void this.#fetchAt.set(topic, offset),
      done() {},
      waiting() {},
      failed: (error: unknown) => {
        this.failure = error
      },
    }
  }

  /** The world's clock as this process's machine shows it; a dead process has no timers. */
  #clock(): Clock {
    const { clock } = this.#world
    return {
      nowMs: () => clock.nowMs() + this.skewMs,
      elapsedMs: () => clock.elapsedMs(),
      after: (delayMs, callback) =>
        clock.after(delayMs, () => {
          if (!this.dead) callback()
        }),
    }
  }
}

/** Longer than any schedule takes: a mark for an idle topic may close a showing early, and then the order of arrival decides. */
const idleMs = 40 * 86_400_000
