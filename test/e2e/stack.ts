import { type OpenPorts, openPorts } from '../../cli/compose.ts'
import type { Config } from '../../cli/config.ts'
import { allTopologies } from '../../cli/topologies.ts'
import { topologyGraph } from '../../cli/topology-graph.ts'
import { verifyState } from '../../cli/verify-state.ts'
import { reactionOf } from '../../core/errors.ts'
import { partitionFor } from '../../core/partition-for.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { Engine } from '../../runtime/engine.ts'
import { sourceTopics } from '../../runtime/graph.ts'
import type { VerifyReport } from '../../runtime/verify.ts'
import { recordShop, type ShopRecord } from '../../simulator/record-shop.ts'
import type { ShopOptions } from '../../simulator/shop-options.ts'
import { waitUntil } from '../conformance/wait-until.ts'

const chunkRecords = 500

/** Topologies whose state is a fold of the log. */
export const statefulTopologies: readonly string[] = [
  'user-features',
  'item-features',
  'rewards',
  'bandit',
  'experiments',
  'attribution',
]

/** The log and the stores of one stack, seen from outside the engine: feeds, waits, verifies. */
export class Stack {
  readonly config: Config
  readonly ports: OpenPorts

  private constructor(config: Config, ports: OpenPorts) {
    this.config = config
    this.ports = ports
  }

  /** Opens what the configuration names; `replace` swaps single ports, whose owner closes them. */
  static async open(config: Config, replace: Partial<OpenPorts> = {}): Promise<Stack> {
    const ports = { ...(await openPorts(config)), ...replace }
    await Engine.ensureTopics(ports.log, config.partitions)
    return new Stack(config, ports)
  }

  /** A record of the shop as it goes into the log. */
  encoded({ topic, key, value }: ShopRecord): OutgoingRecord {
    const bytes = value === null ? null : this.ports.wire.encode(topic, value as never)
    return { topic, partition: partitionFor(key, this.config.partitions), key, value: bytes }
  }

  /** Sends in order; answers how many. */
  async append(records: readonly OutgoingRecord[]): Promise<number> {
    for (let at = 0; at < records.length; at += chunkRecords) await this.ports.log.send(records.slice(at, at + chunkRecords))
    return records.length
  }

  /** True when every stored position has reached the end of its topic, upstream first. */
  async caughtUp(topologies: readonly string[] = statefulTopologies): Promise<boolean> {
    for (const { name } of allTopologies) {
      if (!topologies.includes(name)) continue
      for (const topic of sourceTopics(await topologyGraph(name, this.config))) {
        const offsets = await this.ports.log.offsets(topic)
        for (const [partition, { start, end }] of offsets.entries()) {
          if (end <= start) continue
          const progress = await this.ports.state.progress({ topology: name, partition })
          if ((progress?.positions[topic] ?? 0) < end) return false
        }
      }
    }
    return true
  }

  /** Waits until all is applied; while a service is away it is not. */
  async untilCaughtUp(limitMs = 60_000, topologies: readonly string[] = statefulTopologies): Promise<void> {
    const applied = () =>
      this.caughtUp(topologies).catch((error) => {
        if (reactionOf(error) === 'retry') return false
        throw error
      })
    await waitUntil('every position is at the end of its topic', applied, limitMs)
  }

  /** Folds the whole log again, for one topology or all; the task reports, and what went wrong in words. The engine must have stopped. */
  async verify(
    only?: string,
  ): Promise<{ reports: readonly VerifyReport[]; wrong: readonly string[]; records: number; keys: number }> {
    const reports = await verifyState(this.config, this.ports, only)
    const wrong = reports.flatMap(({ topology, partition, differences, skipped }) => [
      ...(skipped === '' ? [] : [`${topology}.${partition} skipped: ${skipped}`]),
      ...differences.map(
        ({ task, key, stored, folded }) => `${task} ${key}: stored ${stored?.slice(0, 40)}, folded ${folded?.slice(0, 40)}`,
      ),
    ])
    const sum = (of: (report: VerifyReport) => number) => reports.reduce((total, report) => total + of(report), 0)
    return { reports, wrong, records: sum((report) => report.records), keys: sum((report) => report.keys) }
  }

  /** State of every partition of a topology by key. */
  async state(topology: string): Promise<Map<string, Uint8Array>> {
    const state = new Map<string, Uint8Array>()
    for (const partition of await this.ports.state.tasks(topology))
      for await (const slice of this.ports.state.scan({ topology, partition }))
        for (const [key, value] of slice) state.set(`${partition} ${key}`, value)
    return state
  }

  close(): Promise<void> {
    return this.ports.close()
  }
}

/** The log of a shop in which some events come late and some twice. */
export function recordedShop(options: Partial<ShopOptions> & { readonly events: number }): ShopRecord[] {
  return [
    ...recordShop({
      seed: 'e2e',
      users: 200,
      items: 150,
      lateShare: 0.02,
      lateMsMax: 900_000,
      duplicateShare: 0.02,
      eventsPerSecond: 20,
      ...options,
    }),
  ]
}
