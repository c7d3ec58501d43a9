import { MillraceError, reactionOf } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import { retrying } from '../core/retrying.ts'
import type { TopologyStatus } from '../ports/engine-control.ts'
import type { GroupMember, LogBatch, PartitionOffsets } from '../ports/event-log.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { EnginePorts } from './engine.ts'
import { type Graph, sourceTopics } from './graph.ts'
import { isLeftover } from './is-leftover.ts'
import { positionLost } from './position-lost.ts'
import type { StepMetrics } from './running-graph.ts'
import { readLayout, refuseMove, type StateLayout } from './state-layout.ts'
import { Task } from './task.ts'
import type { TaskLimits } from './task-limits.ts'
import type { BatchSummary } from './task-ports.ts'

/** How long a look at the log's ends is shared: tasks open, and tick, many at once. */
const lookMs = 1_000
/** How often idle tasks are held against the store, and applied positions stored in the log, the latter for lag tools only. */
const offsetCommitMs = 1_000
/** How long one position counts as waiting after a service was unwell. */
const waitingMs = 1_000

interface TopologyEvents {
  onBatch(partition: number, summary: BatchSummary): void
  /** A partition is ours from now on, or, with null, no longer. */
  onTask(partition: number, task: Task | null): void
  onFailed(error: unknown): void
}

/** One topology in this process: its group membership and the tasks it owns now. */
export class RunningTopology {
  readonly name: string
  readonly graph: Graph
  readonly #build: () => Graph
  readonly #ports: EnginePorts
  readonly #metrics: StepMetrics
  readonly #partitions: number
  readonly #limits: TaskLimits
  readonly #events: TopologyEvents
  readonly #tasks = new Map<number, Task>()
  /** Tasks that take over a partition just now. */
  readonly #opening = new Set<Task>()
  /** The newest look at the log's ends by topic, shared by the tasks that ask at about the same time. */
  readonly #looks = new Map<string, { readonly atMs: number; readonly offsets: Promise<readonly PartitionOffsets[]> }>()
  /** Before these offsets a topic may have records of keys that live elsewhere now. */
  #cuts: StateLayout['cuts'] = {}
  #member: GroupMember | undefined
  #state: TopologyStatus['state'] = 'starting'
  #reason = ''
  #waitingUntilMs = 0
  #cancelCommit: (() => void) | undefined
  #records = 0
  #batches = 0
  #deadLetters = 0
  #late = 0
  #rebalances = 0
  #fenced = 0

  constructor(
    graph: Graph,
    build: () => Graph,
    ports: EnginePorts,
    metrics: StepMetrics,
    partitions: number,
    limits: TaskLimits,
    events: TopologyEvents,
  ) {
    this.name = graph.name
    this.graph = graph
    this.#build = build
    this.#ports = ports
    this.#metrics = metrics
    this.#partitions = partitions
    this.#limits = limits
    this.#events = events
  }

  get state(): TopologyStatus['state'] {
    if (this.#state === 'running' && this.#ports.clock.elapsedMs() < this.#waitingUntilMs) return 'waiting'
    return this.#state
  }

  /** Records not yet applied, over all tasks here. */
  get lag(): number {
    let lag = 0
    for (const task of this.#tasks.values()) lag += task.lag
    return lag
  }

  async start(): Promise<void> {
    this.#member = await this.#ports.log.join({
      group: `millrace.${this.name}`,
      topics: sourceTopics(this.graph),
      gatherMs: this.#limits.gatherMs,
      handler: {
        assigned: (partition) => this.#assigned(partition),
        revoked: (partition) => this.#revoked(partition),
        batch: (batch) => this.#take(batch),
        failed: (error) => void this.#explained(error).then((reason) => this.#fail(reason)),
      },
    })
    if (this.#state === 'starting') this.#state = 'running'
    this.#scheduleCommit()
  }

  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#eachTopic((topic, partition) => this.#member?.pause(topic, partition))
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#eachTopic((topic, partition) => this.#member?.resume(topic, partition))
  }

  /** Stops fetching, finishes what was fetched, commits, leaves the group. */
  async drain(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'draining') return
    const failed = this.#state === 'failed'
    this.#state = 'draining'
    this.#cancelCommit?.()
    for (const task of this.#opening) task.close()
    this.#eachTopic((topic, partition) => this.#member?.pause(topic, partition))
    for (const task of this.#tasks.values()) await task.drain()
    if (!failed) await this.#commitOffsets()
    await this.#member?.stop()
    for (const partition of this.#tasks.keys()) this.#events.onTask(partition, null)
    this.#state = failed ? 'failed' : 'stopped'
  }

  /** Whether everything the log holds now is applied; asks the log. */
  async caughtUp(): Promise<boolean> {
    if (this.#tasks.size === 0) return this.#state !== 'starting'
    for (const topic of sourceTopics(this.graph)) {
      const offsets = await this.#ports.log.offsets(topic)
      for (const [partition, task] of this.#tasks) {
        const { start, end } = offsets[partition]!
        if (Math.max(task.positions[topic] ?? 0, start) < end) return false
      }
    }
    return true
  }

  status(): TopologyStatus {
    return {
      name: this.name,
      state: this.state,
      reason: this.state === 'running' ? '' : this.#reason,
      records: this.#records,
      batches: this.#batches,
      deadLetters: this.#deadLetters,
      late: this.#late,
      rebalances: this.#rebalances,
      fenced: this.#fenced,
      tasks: [...this.#tasks]
        .sort(([a], [b]) => a - b)
        .map(([partition, task]) => ({
          partition,
          epoch: task.epoch,
          positions: task.positions,
          lag: task.lag,
          watermarkMs: task.watermarkMs,
          oldestInFlightMs: task.oldestInFlightMs,
        })),
    }
  }

  async #assigned(partition: number): Promise<Readonly<Record<string, number>>> {
    this.#rebalances++
    const ports = {
      log: this.#ports.log,
      state: this.#ports.state,
      lists: this.#ports.lists,
      wire: this.#ports.wire,
      clock: this.#ports.clock,
      logger: this.#ports.logger.child({ topology: this.name, partition }),
      metrics: this.#metrics,
      endOf: async (topic: string) => (await this.#offsetsOf(topic))[partition]!.end,
      partitionsOf: () => this.#partitions,
    }
    const task: Task = new Task(
      { topology: this.name, partition },
      this.#build(),
      this.#partitions,
      ports,
      {
        pause: (topic) => this.#member?.pause(topic, partition),
        resume: (topic) => {
          if (this.#state === 'running') this.#member?.resume(topic, partition)
        },
        seek: (topic, offset) => this.#member?.seek(topic, partition, offset),
        done: (summary) => this.#done(partition, summary),
        waiting: (reason) => this.#waiting(reason),
        failed: (error) => this.#taskFailed(partition, task, error),
      },
      this.#limits,
    )
    this.#opening.add(task)
    try {
      const positions = await this.#untilWell(() => task.open())
      // After the epoch was taken: whoever moves state writes its journal first and takes all epochs then.
      const layout = await this.#untilWell(() => readLayout(this.#ports.state))
      refuseMove(layout)
      this.#cuts = layout.cuts
      const held = await this.#untilWell(() => this.#heldFrom(partition, positions))
      // An input whose first batch is slow to come is not idle: others would move time past everything that lies there.
      for (const [topic, { start, end }] of Object.entries(held)) task.expect(topic, start, end)
      this.#tasks.set(partition, task)
      this.#events.onTask(partition, task)
      if (this.#state === 'paused') for (const topic of sourceTopics(this.graph)) this.#member?.pause(topic, partition)
      return Object.fromEntries(Object.entries(held).map(([topic, { start }]) => [topic, start]))
    } catch (error) {
      task.close()
      throw error
    } finally {
      this.#opening.delete(task)
    }
  }

  /** A partition may be given to us while a service is away: it waits, as a running task does, unless we are told to stop. */
  #untilWell<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(this.#ports.clock, attempt, {
      waitMs: this.#limits.retryMs,
      waitMsMax: this.#limits.retryMsMax,
      giveUpMs: Number.POSITIVE_INFINITY,
      onRetry: (error, waitMs) => {
        if (this.#state === 'draining') throw error
        this.#waiting(String(error))
        this.#ports.logger.warn(
          { topology: this.name, error: String(error), waitMs },
          'A service is unwell; a partition is taken over later.',
        )
      },
    })
  }

  #waiting(reason: string): void {
    this.#reason = reason
    this.#waitingUntilMs = this.#ports.clock.elapsedMs() + this.#limits.retryMsMax + waitingMs
  }

  async #revoked(partition: number): Promise<void> {
    this.#drop(partition)?.close()
  }

  #drop(partition: number): Task | undefined {
    const task = this.#tasks.get(partition)
    if (this.#tasks.delete(partition)) this.#events.onTask(partition, null)
    return task
  }

  #take(batch: LogBatch): void {
    const { topic, partition, records } = batch
    const cut = this.#cuts[topic]?.[partition] ?? 0
    const kept =
      (records[0]?.offset ?? cut) >= cut
        ? records
        : records.filter(
            ({ key, offset }) => !isLeftover({ topic: topic as TopicName, partition, offset, key }, cut, this.#partitions),
          )
    this.#tasks.get(partition)?.push(kept === records ? batch : { ...batch, records: kept })
  }

  #done(partition: number, summary: BatchSummary): void {
    this.#records += summary.records
    this.#batches++
    this.#deadLetters += summary.deadLetters
    this.#late += summary.late
    this.#waitingUntilMs = 0
    this.#events.onBatch(partition, summary)
  }

  /**
   * A fenced task only loses its partition: its owner is elsewhere, or the group still means us and the log gives it to us again.
   * Anything else kills the topology.
   */
  #taskFailed(partition: number, task: Task, error: unknown): void {
    const current = this.#tasks.get(partition) === task
    if (current) this.#drop(partition)
    if (error instanceof MillraceError && error.code === 'MILL_FENCED') {
      this.#fenced++
      this.#ports.logger.warn({ topology: this.name, partition }, 'A newer owner has this partition; its task was dropped here.')
      if (current) this.#member?.reclaim?.(partition)
      return
    }
    this.#fail(error)
  }

  #fail(error: unknown): void {
    if (this.#state === 'draining' && reactionOf(error) === 'retry') return // What it waited for does not matter any more.
    this.#state = 'failed'
    this.#reason = error instanceof Error ? error.message : String(error)
    this.#ports.logger.error({ topology: this.name, error: this.#reason, reaction: reactionOf(error) }, 'The topology failed.')
    this.#events.onFailed(error)
  }

  /**
   * What is to be read: from the stored positions, which the log must still hold, for going on after a gap would lose records silently, to
   * its end. A task that has applied nothing of a topic begins wherever the log does.
   */
  async #heldFrom(
    partition: number,
    positions: Readonly<Record<string, number>>,
  ): Promise<Readonly<Record<string, PartitionOffsets>>> {
    const from: Record<string, PartitionOffsets> = {}
    for (const [topic, position] of Object.entries(positions)) {
      const holds = ({ start, end }: PartitionOffsets) => position <= end && (position === 0 || position >= start)
      let held = (await this.#offsetsOf(topic))[partition]
      // The shared look may be older than the position.
      if (!held || !holds(held)) held = (await this.#ports.log.offsets(topic))[partition]
      invariant(held, `${topic} has no partition ${partition}`)
      if (!holds(held)) throw positionLost({ topology: this.name, topic, partition, position, held })
      from[topic] = { start: position === 0 ? held.start : position, end: held.end }
    }
    return from
  }

  /** The connector found a position gone while it was reading: says the same as a start would. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof MillraceError) || error.code !== 'MILL_POSITION_LOST' || 'topology' in error.details) return error
    const { topic, partition, position } = error.details as { topic: string; partition: number; position: number }
    try {
      const held = (await this.#ports.log.offsets(topic))[partition]
      return held ? positionLost({ topology: this.name, topic, partition, position, held }) : error
    } catch {
      return error // The log went away meanwhile: what the connector knew has to do.
    }
  }

  #offsetsOf(topic: string): Promise<readonly PartitionOffsets[]> {
    const known = this.#looks.get(topic)
    const atMs = this.#ports.clock.elapsedMs()
    if (known && atMs - known.atMs < lookMs) return known.offsets
    const offsets = this.#ports.log.offsets(topic)
    this.#looks.set(topic, { atMs, offsets })
    offsets.catch(() => this.#looks.delete(topic)) // The next attempt asks anew.
    return offsets
  }

  #scheduleCommit(): void {
    this.#cancelCommit = this.#ports.clock.after(offsetCommitMs, () => {
      void this.#checkAndCommit().finally(() => {
        if (this.#state === 'running' || this.#state === 'paused') this.#scheduleCommit()
      })
    })
  }

  async #checkAndCommit(): Promise<void> {
    await Promise.all([...this.#tasks.values()].map((task) => task.check()))
    await this.#commitOffsets()
  }

  async #commitOffsets(): Promise<void> {
    for (const [partition, task] of this.#tasks) {
      const offsets: Record<string, number> = {}
      for (const topic of sourceTopics(this.graph)) offsets[topic] = task.positions[topic] ?? 0
      try {
        await this.#member?.commit(partition, offsets)
      } catch (error) {
        this.#ports.logger.debug(
          { topology: this.name, partition, error: String(error) },
          'Offsets were not committed; only lag tools miss them.',
        )
      }
    }
  }

  #eachTopic(act: (topic: string, partition: number) => void): void {
    for (const partition of this.#tasks.keys()) for (const topic of sourceTopics(this.graph)) act(topic, partition)
  }
}
