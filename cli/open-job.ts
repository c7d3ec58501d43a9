import { embeddingWidth } from '../algorithms/catalogue.ts'
import { partitionFor } from '../core/partition-for.ts'
import { DecisionLog } from '../gateway/decision-log.ts'
import { EventCollector } from '../gateway/event-collector.ts'
import { PreferenceCollector } from '../gateway/preference-collector.ts'
import { RecommendationService } from '../gateway/recommendation-service.ts'
import { userFamily } from '../operators/fold-user-events.ts'
import { RevenueTable } from '../operators/tables/revenue-table.ts'
import { userView } from '../operators/user-view.ts'
import type { StateStore } from '../ports/state-store.ts'
import { Engine } from '../runtime/engine.ts'
import type { Table } from '../runtime/graph.ts'
import { SharedScorer } from '../runtime/shared-scorer.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import type { ServedList } from '../schemas/served-list.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import { recommendations } from '../topologies/recommendations.ts'
import { openInference, openPorts, openSequences, openTexts, openVectorIndex } from './compose.ts'
import type { Config } from './config.ts'
import { exitCodeOf } from './exit-codes.ts'
import { gaugeRevenue } from './gauge-revenue.ts'
import { listKeeper } from './recommendation-ports.ts'
import { RunStatistics } from './run-statistics.ts'
import { graphsOf } from './topologies.ts'

/** Lists made as one batch: each holds its candidates (about 80 KB) until the batch is done, and the last one waits for the first. */
const listsPerBatchMax = 64
/** Updates that wait per partition, about 1 KB each: the more of them lie side by side, the fewer lists a backlog makes. */
const updatesWaitingMax = 50_000

/** Everything of one process of the main job, wired but not started. */
export type JobParts = Awaited<ReturnType<typeof openJob>>

/** Opens ports and inference, and wires engine, gateway services and statistics over them. Errors: those of the connectors. */
export async function openJob(config: Config) {
  const ports = await openPorts(config)
  const inference = await openInference(config, ports.clock, ports.logger)
  const scorer = new SharedScorer(
    inference,
    { rowsMax: 4096, queueRowsMax: 65_536, deadlineMs: config.inference.deadlineMs, retryMs: 1_000 },
    ports.clock,
    ports.metrics,
  )
  const { graphs, tables } = graphsOf(config, scorer, ports.clock, {
    openIndex: () => openVectorIndex(embeddingWidth, ports.logger),
    sequences: openSequences(config, inference, ports),
    texts: openTexts(config, inference, ports),
    logger: ports.logger,
  })
  ports.metrics.gauge(
    'millrace_ann_recall',
    'Recall of approximate nearest items against exact ones, mean of the last sampled searches; absent while searches are exact.',
    () => {
      const { recall } = tables.catalogue.nearest
      return recall === null ? [] : [{ value: recall }]
    },
  )
  ports.metrics.gauge(
    'millrace_experiments',
    'Experiments that assign people, and those set as running that assign nobody.',
    () => [
      { value: tables.experiments.running.length, labels: { state: 'running' } },
      { value: tables.experiments.faults.size, labels: { state: 'left-out' } },
    ],
  )
  ports.metrics.gauge(
    'millrace_rules',
    'Rules that lists are made by, and those left out because they are wrong or too many: millrace rules ls says why.',
    () => [
      { value: tables.rules.compiled.specs.length, labels: { state: 'set' } },
      { value: tables.rules.faults.size, labels: { state: 'left-out' } },
    ],
  )
  ports.metrics.gauge(
    'millrace_experiment_missed_versions_total',
    "Lists that were asked for a ranker version that is not served, and got their control's or a lower rung.",
    () => tables.recipes.missed,
  )
  ports.metrics.gauge(
    'millrace_bandit_segments_shared_total',
    'Draws of exploration under the segment `other`, as their policy had as many segments as it may.',
    () => [{ value: tables.bandit.shared }],
  )
  ports.metrics.gauge(
    'millrace_exploration_off',
    'Surfaces whose exploration was turned off: millrace exploration ls says why.',
    () => tables.bandit.stopped.map((surface) => ({ value: 1, labels: { surface } })),
  )
  const revenue = new RevenueTable()
  gaugeRevenue(ports.metrics, revenue)
  const keeper = listKeeper(config, tables, ports)
  const statistics = new RunStatistics(ports.clock.nowMs())
  let observer: (topology: string, lists: readonly ServedList[]) => void = () => {}
  const engine = new Engine(ports, {
    graphs,
    // Every process that serves lists assigns people, whatever topologies it runs.
    tables: [
      { topic: 'experiments', table: tables.experiments as Table<never> },
      { topic: 'experiment-stops', table: tables.experiments.stops as Table<never> },
      { topic: 'revenue-tiles', table: revenue as Table<never> },
    ],
    partitions: config.partitions,
    limits: defaultTaskLimits,
    limitsOf: {
      recommendations: { batchRecordsMax: listsPerBatchMax, queueRecordsMax: updatesWaitingMax },
      // The first event goes at once; those on its heels share a fetch, and so the round trips of their batches.
      'user-features': { gatherMs: 5 },
      // Nobody's list waits for these: they change what later lists are made from.
      'item-features': { gatherMs: 250 },
      rewards: { gatherMs: 100 },
      bandit: { gatherMs: 100 },
      experiments: { gatherMs: 250 },
      attribution: { gatherMs: 500 },
    },
    onTask: (topology, partition, task) => {
      if (topology === recommendations.name) keeper.partition(partition, task)
    },
    onBatch: (topology, partition, summary) => {
      if (topology === recommendations.name) keeper.swapped(partition, summary)
      statistics.batch(topology, summary, ports.clock.nowMs())
      observer(
        topology,
        summary.lists.map((list) => list.value as ServedList),
      )
    },
    onFailed: (topology, error) => {
      console.error(`topology ${topology} failed: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = exitCodeOf(error)
      process.kill(process.pid, 'SIGTERM')
    },
  })
  const partitions = () => config.partitions
  const shared = {
    log: ports.log,
    wire: ports.wire,
    partitions,
    clock: ports.clock,
    logger: ports.logger,
    metrics: ports.metrics,
  }
  const decisions = new DecisionLog(shared)
  const service = new RecommendationService({
    lists: ports.lists,
    items: tables.catalogue,
    decisions,
    clock: ports.clock,
    ...(config.gateway.cursorSecret === '' ? {} : { cursorSecret: config.gateway.cursorSecret }),
    experiments: tables.experiments,
    metrics: ports.metrics,
  })
  const collector = new EventCollector({ ...shared, items: tables.catalogue })
  const features = featureReader(ports.state, config.partitions)
  const preferences = new PreferenceCollector({ ...shared, features })
  return {
    ports,
    inference,
    scorer,
    tables,
    statistics,
    engine,
    keeper,
    decisions,
    service,
    collector,
    preferences,
    features,
    observe: (next: typeof observer) => {
      observer = next
    },
  }
}

/** Reads one person's features from the state of `user-features`. */
export function featureReader(state: StateStore, partitions: number): (userId: string) => Promise<UserFeatures | null> {
  return async (userId) => {
    const task = { topology: 'user-features', partition: partitionFor(userId, partitions) }
    const [bytes] = await state.read(task, [`${userFamily.name}:${userId}`])
    return bytes ? userView(userId, userFamily.codec.decode(bytes)) : null
  }
}
