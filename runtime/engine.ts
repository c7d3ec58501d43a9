import { MillraceError } from '../core/errors.ts'
import { retrying } from '../core/retrying.ts'
import type { Clock } from '../ports/clock.ts'
import type { EngineControl, TopologyStatus } from '../ports/engine-control.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ListStore } from '../ports/list-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { StateStore } from '../ports/state-store.ts'
import { type TopicDefinition, type TopicName, topics } from '../schemas/topics.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { claimPartitions } from './claim-partitions.ts'
import { type Graph, sourceTopics } from './graph.ts'
import { StepMetrics } from './running-graph.ts'
import { RunningTopology } from './running-topology.ts'
import { type ReadTable, TableReader } from './table-reader.ts'
import type { Task } from './task.ts'
import type { TaskLimits } from './task-limits.ts'
import type { BatchSummary } from './task-ports.ts'

/** How long a start waits for services. */
const startRetry = { waitMs: 200, waitMsMax: 5_000, giveUpMs: 120_000 }

/** What an engine stands on. */
export interface EnginePorts {
  readonly log: EventLog
  readonly state: StateStore
  readonly lists: ListStore
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface EngineOptions {
  /** Builds the graph of a topology; called once per task and once for its tables. */
  readonly graphs: readonly (() => Graph)[]
  /** Tables that the process itself reads, beside those of its topologies. */
  readonly tables?: readonly ReadTable[]
  /** Partition count of every topic. */
  readonly partitions: number
  readonly limits: TaskLimits
  /** Other limits for a topology by name, laid over `limits`. */
  readonly limitsOf?: Readonly<Record<string, Partial<TaskLimits>>>
  /** Called after every finished batch. */
  readonly onBatch?: (topology: string, partition: number, summary: BatchSummary) => void
  /** Called when a partition of a topology is taken over here, with its task, and with null when it is given away. */
  readonly onTask?: (topology: string, partition: number, task: Pick<Task, 'sendBetween'> | null) => void
  /** Called when a topology died: the process should say so and exit. */
  readonly onFailed: (topology: string, error: unknown) => void
}

/**
 * Runs topologies on a log, a state store and a list store: makes the topics, fills the tables, then joins one consumer group
 * per topology. Adding processes that run the same engine is the way to scale.
 */
export class Engine implements EngineControl {
  readonly #ports: EnginePorts
  readonly #options: EngineOptions
  readonly #topologies = new Map<string, RunningTopology>()
  readonly #tables: TableReader
  #ready = false

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports
    this.#options = options
    const metrics = new StepMetrics(ports.metrics, ports.clock)
    const onBatch = this.#observed()
    for (const graph of options.graphs) {
      const first = graph()
      const running = new RunningTopology(
        first,
        graph,
        ports,
        metrics,
        options.partitions,
        { ...options.limits, ...options.limitsOf?.[first.name] },
        {
          onBatch: (partition, summary) => onBatch(first.name, partition, summary),
          onTask: (partition, task) => options.onTask?.(first.name, partition, task),
          onFailed: (error) => options.onFailed(first.name, error),
        },
      )
      this.#topologies.set(first.name, running)
    }
    this.#tables = new TableReader(
      [...this.#topologies.values()].map((topology) => topology.graph),
      ports,
      options.partitions,
      options.tables,
    )
    this.#registerGauges()
  }

  /** Creates missing topics with the engine's partition count; a topic that has another count is refused. */
  static async ensureTopics(log: EventLog, partitions: number): Promise<void> {
    await log.ensureTopics(
      (Object.keys(topics) as TopicName[]).map((name) => {
        const { cleanup, retentionMs }: TopicDefinition = topics[name]
        return { name, partitions, cleanup, ...(retentionMs === undefined ? {} : { retentionMs }) }
      }),
    )
  }

  /** Starts everything; resolves once all tables have caught up and all groups are joined. */
  async start(): Promise<void> {
    const topologies = [...this.#topologies.values()]
    const claimants = topologies.map(({ name, graph }) => ({ name, topics: sourceTopics(graph) }))
    await this.#patiently(() => claimPartitions(this.#ports, claimants, this.#options.partitions))
    await this.#patiently(() => Engine.ensureTopics(this.#ports.log, this.#options.partitions))
    await this.#patiently(() => this.#tables.start())
    for (const topology of topologies) await this.#patiently(() => topology.start())
    this.#ready = true
  }

  /** Services may come up after us, and fresh topics take a moment to find their leaders. */
  #patiently(stage: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#ports
    return retrying(clock, stage, {
      ...startRetry,
      onRetry: (error, waitMs) => logger.warn({ error: String(error), waitMs }, 'A service is not ready yet; trying again.'),
    })
  }

  ready(): boolean {
    return (
      this.#ready &&
      [...this.#topologies.values()].every((topology) => topology.state !== 'failed' && topology.state !== 'waiting')
    )
  }

  async status(): Promise<readonly TopologyStatus[]> {
    return [...this.#topologies.values()].map((topology) => topology.status())
  }

  async pause(topology: string): Promise<void> {
    this.#named(topology).pause()
  }

  async resume(topology: string): Promise<void> {
    this.#named(topology).resume()
  }

  async drain(topology: string): Promise<void> {
    await this.#named(topology).drain()
  }

  /** Finishes what was fetched in every topology, upstream first, then leaves all groups. */
  async stop(): Promise<void> {
    this.#ready = false
    for (const topology of this.#topologies.values()) await topology.drain()
    await this.#tables.stop()
  }

  /** Records between what a topology has applied and the end of its inputs, as last heard. */
  lag(topology: string): number {
    return this.#named(topology).lag
  }

  /** True when every topology has applied everything its input topics hold now. */
  async caughtUp(): Promise<boolean> {
    for (const topology of this.#topologies.values()) if (!(await topology.caughtUp())) return false
    return true
  }

  #named(name: string): RunningTopology {
    const topology = this.#topologies.get(name)
    if (!topology)
      throw new MillraceError(
        'MILL_NOT_FOUND',
        `no topology "${name}" runs here; running: ${[...this.#topologies.keys()].join(', ')}`,
      )
    return topology
  }

  #observed(): (topology: string, partition: number, summary: BatchSummary) => void {
    const { metrics, clock } = this.#ports
    const records = metrics.counter('millrace_records_total', 'Records applied.')
    const outputs = metrics.counter('millrace_outputs_total', 'Records sent.')
    const deadLetters = metrics.counter('millrace_dead_letters_total', 'Records set aside as dead letters.')
    const late = metrics.counter('millrace_late_records_total', 'Records that came too late.')
    const lists = metrics.counter('millrace_lists_total', 'Lists swapped in.')
    const freshness = metrics.histogram(
      'millrace_freshness_ms',
      'From the log taking an event to the list that contains its effect.',
      [1, 2, 5, 10, 20, 30, 50, 100, 200, 500, 1000, 5000],
    )
    return (topology, partition, summary) => {
      const labels = { topology }
      records.add(summary.records, labels)
      outputs.add(summary.outputs, labels)
      if (summary.deadLetters > 0) deadLetters.add(summary.deadLetters, labels)
      if (summary.late > 0) late.add(summary.late, labels)
      for (let i = 0; i < summary.lists.length; i++) {
        const { value } = summary.lists[i]!
        if (!summary.swapped[i]) continue
        lists.add(1, labels)
        if ('loggedMs' in value) freshness.record(clock.nowMs() - value.loggedMs, labels)
      }
      this.#options.onBatch?.(topology, partition, summary)
    }
  }

  #registerGauges(): void {
    const tasks = (read: (task: TopologyStatus['tasks'][number]) => number) => () =>
      [...this.#topologies.values()].flatMap((topology) =>
        topology
          .status()
          .tasks.map((task) => ({ value: read(task), labels: { topology: topology.name, partition: task.partition } })),
      )
    const { metrics } = this.#ports
    metrics.gauge(
      'millrace_lag_records',
      'Records between what is applied and the end of the log.',
      tasks((task) => task.lag),
    )
    metrics.gauge(
      'millrace_oldest_in_flight_ms',
      'Age of the oldest work in flight.',
      tasks((task) => task.oldestInFlightMs),
    )
  }
}
