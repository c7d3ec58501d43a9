import { loadConfig } from '../cli/config.ts'
import { recommendationPorts } from '../cli/recommendation-ports.ts'
import { ManualClock } from '../core/clock.ts'
import { partitionFor } from '../core/partition-for.ts'
import { PurchaseTable } from '../operators/tables/purchase-table.ts'
import type { LogRecord } from '../ports/event-log.ts'
import type { ListStore } from '../ports/list-store.ts'
import { silentLogger } from '../ports/logger.ts'
import { silentMetrics } from '../ports/metrics.ts'
import type { Scorer } from '../ports/scorer.ts'
import { sourceTopics } from '../runtime/graph.ts'
import { MemoryStateStore } from '../runtime/memory-state-store.ts'
import { StepMetrics } from '../runtime/running-graph.ts'
import { Task } from '../runtime/task.ts'
import { defaultTaskLimits } from '../runtime/task-limits.ts'
import { TopologyDriver } from '../runtime/topology-driver.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { type SchemaSource, WireFormat } from '../schemas/wire-format.ts'
import { recordShop } from '../simulator/record-shop.ts'
import { itemFeatures } from '../topologies/item-features.ts'
import { recommendations } from '../topologies/recommendations.ts'
import { userFeatures } from '../topologies/user-features.ts'

/** How large the shop behind the lists is. */
export interface ListMakerOptions {
  readonly events: number
  readonly items: number
  readonly candidatesMax: number
  readonly tasks: number
}

/** The tasks of `recommendations` over filled tables, on a log and stores that take everything and keep nothing. */
export class ListMaker {
  readonly clock: ManualClock
  readonly updates: readonly FeatureUpdate[]
  /** Lists written so far, and what they and their companions weigh. */
  lists = 0
  listBytes = 0
  readonly #tasks: Task[] = []
  readonly #offsets: number[]
  readonly #wire: WireFormat
  #failure: unknown

  private constructor(options: ListMakerOptions, clock: ManualClock, wire: WireFormat, updates: readonly FeatureUpdate[]) {
    this.clock = clock
    this.updates = updates
    this.#wire = wire
    this.#offsets = Array.from({ length: options.tasks }, () => 0)
  }

  /** Records a shop, runs it through the topologies upstream and opens the tasks. */
  static async open(options: ListMakerOptions, scorerOf: (clock: ManualClock) => Scorer): Promise<ListMaker> {
    const shop = [...recordShop({ seed: 'lists', events: options.events, items: options.items, users: 2_000 })]
    const clock = new ManualClock(shop.at(-1)!.timeMs)
    const users = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } }, { clock })
    const itemPorts = { itemFeatures: { everyMs: 1 }, purchases: new PurchaseTable(), serve: { ttlS: 60 } }
    const items = new TopologyDriver(itemFeatures, itemPorts, { clock })
    const valuesOf = <T>(topic: string) =>
      shop.flatMap((record) => (record.topic === topic && record.value ? [record.value as T] : []))
    await items.send('items', ...valuesOf<never>('items'))
    await users.send('users', ...valuesOf<never>('users'))
    await users.send('user-events', ...valuesOf<never>('user-events'))
    await items.send('item-signals', ...users.read('item-signals').map((value) => ({ key: '0', value })))
    const tables = {
      'item-updates': items.read('item-updates'),
      'trend-updates': items.read('trend-updates'),
      'session-steps': users.read('session-steps'),
    }
    const active = users.read('feature-updates').filter((update) => update.features.lastActiveMs > 0)
    const newest = new Map(active.map((update) => [update.userId, update]))
    const wire = await WireFormat.open(countingRegistry())
    const maker = new ListMaker(options, clock, wire, [...newest.values()])
    const config = loadConfig(undefined, { recommendations: { candidatesMax: options.candidatesMax } })
    const ports = recommendationPorts(config, scorerOf(clock), clock)
    maker.#fill(recommendations.graph(ports), tables)
    for (let partition = 0; partition < options.tasks; partition++) await maker.#open(partition, options.tasks, ports)
    return maker
  }

  /** Updates as each task's share of encoded records: made before the clock starts, as a log would hold them. */
  encode(updates: readonly FeatureUpdate[]): LogRecord[][] {
    const shares = this.#tasks.map(() => [] as LogRecord[])
    for (const update of updates) {
      const partition = partitionFor(update.userId, this.#tasks.length)
      const value = this.#wire.encode('feature-updates', update)
      shares[partition]!.push({ offset: this.#offsets[partition]!++, timestampMs: this.clock.nowMs(), key: update.userId, value })
    }
    return shares
  }

  /** Makes the lists of those records, all tasks side by side; resolves when all are written. */
  async make(shares: readonly (readonly LogRecord[])[]): Promise<void> {
    for (const [partition, records] of shares.entries()) {
      if (records.length === 0) continue
      const nextOffset = records.at(-1)!.offset + 1
      this.#tasks[partition]!.push({ topic: 'feature-updates', partition, records, nextOffset, endOffset: nextOffset })
    }
    for (const task of this.#tasks) await task.idle()
    if (this.#failure !== undefined) throw this.#failure
  }

  #fill(graph: ReturnType<typeof recommendations.graph>, values: Readonly<Record<string, readonly unknown[]>>): void {
    if (sourceTopics(graph).join() !== 'feature-updates')
      throw new Error('recommendations reads another topic now: mend the benchmark')
    for (const node of graph.nodes) {
      if (node.kind !== 'table') continue
      const records = (values[node.topic] ?? []).map((value, offset) => ({ value, key: '', offset, loggedMs: 0 }))
      node.table.apply(records.map((record) => ({ ...record, key: keyOf(record.value) })) as never, 0)
    }
  }

  async #open(partition: number, partitions: number, ports: Parameters<typeof recommendations.graph>[0]): Promise<void> {
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
    const taskPorts = {
      log: { send: () => Promise.resolve() },
      state: new MemoryStateStore(),
      lists: this.#listStore(),
      wire: this.#wire,
      clock: this.clock,
      logger: silentLogger,
      metrics: new StepMetrics(silentMetrics, this.clock),
      endOf: () => Promise.resolve(0),
      partitionsOf: () => partitions,
    }
    const limits = { ...defaultTaskLimits, batchRecordsMax: 512 }
    const task = new Task(
      { topology: 'recommendations', partition },
      recommendations.graph(ports),
      partitions,
      taskPorts,
      events,
      limits,
    )
    await task.open()
    this.#tasks.push(task)
  }

  #listStore(): Pick<ListStore, 'swap' | 'get'> {
    return {
      swap: (entries) => {
        this.lists += entries.length
        for (const { value, companions = [] } of entries)
          this.listBytes += companions.reduce((sum, companion) => sum + companion.value.length, value.length)
        return Promise.resolve(entries.map(() => true))
      },
      get: (keys) => Promise.resolve(keys.map(() => null)),
    }
  }
}

function keyOf(value: unknown): string {
  const fields = value as { itemId?: string; scope?: string } | null
  return fields?.itemId ?? fields?.scope ?? ''
}

/** A registry that gives every schema the next number. */
function countingRegistry(): SchemaSource {
  const schemas: string[] = []
  return {
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  }
}
