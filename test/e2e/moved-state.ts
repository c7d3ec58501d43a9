import { repartitionOptions } from '../../cli/repartition-options.ts'
import { topologyNames } from '../../cli/topologies.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { dueBucketFamily, dueIndexFamily } from '../../operators/event-timers.ts'
import { scopeFamily } from '../../operators/fold-item-signals.ts'
import { itemFamily } from '../../operators/fold-items.ts'
import { userFamily } from '../../operators/fold-user-events.ts'
import { listFamily } from '../../operators/join-outcomes.ts'
import { tileFamily } from '../../operators/revenue-sums.ts'
import { addCounts } from '../../operators/tables/revenue-table.ts'
import type { StateFamily } from '../../ports/batch.ts'
import { repartition } from '../../runtime/repartition.ts'
import { emptyTotal, type RevenueTotal } from '../../schemas/revenue-tile.ts'
import type { DueEntry } from '../../schemas/reward-state.ts'
import type { ShopRecord } from '../../simulator/record-shop.ts'
import { engineHere } from './engine-here.ts'
import { Stack, statefulTopologies } from './stack.ts'

const families = new Map<string, StateFamily<unknown>>(
  [userFamily, itemFamily, scopeFamily, listFamily, dueBucketFamily, dueIndexFamily].map((family) => [
    family.name,
    family as StateFamily<unknown>,
  ]),
)

/** What belongs to a task and to nobody else: an old one keeps it. */
const ofTasks: ReadonlySet<string> = new Set(['~time', 'progress', 'open-counts', 'tile', 'tiles', 'variant'])

/** Sends records, lets an engine apply them, and stops it. */
export async function applyAll(stack: Stack, records: readonly ShopRecord[]): Promise<void> {
  await stack.append(records.map((record) => stack.encoded(record)))
  const { engine, failures } = engineHere(stack)
  await engine.start()
  await stack.untilCaughtUp()
  await engine.stop()
  if (failures.length > 0) throw failures[0]
}

/** Moves the state to `to` partitions; `onStep` may throw, which is as good as a kill before that step. */
export async function move(stack: Stack, to: number, onStep?: (step: string) => void): Promise<number> {
  const options = await repartitionOptions(stack.config, to)
  return (await repartition(stack.ports, onStep ? { ...options, onStep } : options)).moved
}

/** The same stores, seen by a configuration with another count. */
export function withPartitions(stack: Stack, partitions: number): Promise<Stack> {
  return Stack.open({ ...stack.config, partitions })
}

/** State by `topology partition key`, decoded; offsets are left out (they name places in a partition), as is what tasks count themselves. */
export async function decodedState(stack: Stack): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>()
  for (const topology of statefulTopologies) {
    for (const [name, value] of await stack.state(topology)) {
      const [, family] = /^\d+ ([^:]*):/.exec(name)!
      if (ofTasks.has(family!)) continue
      const codec = families.get(family!)?.codec
      all.set(`${topology} ${name}`, codec ? withoutOffsets(codec.decode(value)) : Buffer.from(value).toString('base64'))
    }
  }
  return all
}

/** What a move has to make of `decodedState`: every key, and every timer, in the partition of its person, item or policy. */
export function rehomed(state: ReadonlyMap<string, unknown>, partitions: number): Map<string, unknown> {
  const moved = new Map<string, unknown>()
  for (const [name, value] of state) {
    const [, topology, , family, key] = /^(\S+) (\d+) ([^:]*):(.*)$/s.exec(name)!
    const owner = family === 'list' || family === 'arm' ? key!.slice(0, key!.indexOf('/')) : key!
    if (family === 'due') {
      for (const entry of (value as { entries: DueEntry[] }).entries) {
        const person = topology === 'attribution' ? entry.listKey : entry.listKey.slice(0, entry.listKey.indexOf('/'))
        const at = `${topology} ${partitionFor(person, partitions)} due:${key}`
        const bucket = (moved.get(at) ?? { entries: [] }) as { entries: DueEntry[] }
        bucket.entries.push(entry)
        moved.set(at, bucket)
      }
    } else if (family !== 'due-index') moved.set(`${topology} ${partitionFor(owner, partitions)} ${family}:${key}`, value)
  }
  for (const topology of ['rewards', 'attribution'])
    for (let partition = 0; partition < partitions; partition++) {
      const prefix = `${topology} ${partition} due:`
      const buckets = [...moved.keys()].filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)))
      const byHour = Map.groupBy(
        buckets.sort((a, b) => a - b),
        (bucket) => Math.floor(bucket / 3600),
      )
      for (const [hour, own] of byHour) moved.set(`${topology} ${partition} due-index:${hour}`, own)
      if (byHour.size > 0) moved.set(`${topology} ${partition} due-index:`, [...byHour.keys()])
    }
  return moved
}

/** What all tasks of `attribution` counted in tiles that are still open. */
export async function revenueIn(stack: Stack): Promise<RevenueTotal> {
  const total = emptyTotal()
  for (const [name, value] of await stack.state('attribution'))
    if (/^\d+ tile:/.test(name)) addCounts(total, tileFamily.codec.decode(value).total, 1)
  return total
}

/** Epochs of all tasks. */
export async function epochs(stack: Stack): Promise<{ topology: string; partition: number; epoch: number }[]> {
  const found: { topology: string; partition: number; epoch: number }[] = []
  for (const topology of topologyNames)
    for (const partition of await stack.ports.state.tasks(topology))
      found.push({ topology, partition, epoch: (await stack.ports.state.progress({ topology, partition }))!.epoch })
  return found
}

/** Keys on which two states differ; decayed sums may differ in the last bits, because items of several people come in any order. */
export function differences(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): string[] {
  const wrong: string[] = []
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const same = name.startsWith('item-features') ? sameItem(name, a.get(name), b.get(name)) : sameText(a.get(name), b.get(name))
    if (!same) wrong.push(name)
  }
  return wrong
}

/** Bounded rankings keep what came at the right moment, so only what is exact is compared: a repeat or a loss shows in all of it. */
function sameItem(name: string, a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false
  if (/ scope:/.test(name)) return true
  const exact = (value: unknown) => {
    const { popularity, short, similar, together, sentMs, ...rest } = value as Record<string, unknown>
    return { ...rest, popularity: Number(popularity).toPrecision(9), short: Number(short).toPrecision(9) }
  }
  return sameText(exact(a), exact(b))
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function withoutOffsets(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, inner: unknown) => (name === 'offset' ? undefined : inner)))
}
