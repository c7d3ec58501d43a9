import { encodePositions, type Positions } from '../core/positions.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ListStore } from '../ports/list-store.ts'
import type { Logger } from '../ports/logger.ts'
import { silentMetrics } from '../ports/metrics.ts'
import type { StateStore, TaskId } from '../ports/state-store.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { type Graph, sourceTopics } from './graph.ts'
import { MemoryStateStore } from './memory-state-store.ts'
import { StepMetrics } from './running-graph.ts'
import { readLayout } from './state-layout.ts'
import { Task } from './task.ts'
import { defaultTaskLimits } from './task-limits.ts'
import { timeFamily } from './task-time.ts'

/** One state key on which the store and the fold of the log disagree. */
export interface Difference {
  readonly task: string
  readonly key: string
  /** Base64, null = absent. */
  readonly stored: string | null
  readonly folded: string | null
}

export interface VerifyReport {
  readonly topology: string
  readonly partition: number
  readonly positions: Positions
  readonly records: number
  readonly keys: number
  readonly differences: readonly Difference[]
  /** Why it could not be verified, else ''. */
  readonly skipped: string
}

/** Differences kept per task: the first ones tell enough. */
const differencesMax = 100

export interface VerifyPorts {
  readonly log: EventLog
  readonly state: StateStore
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly partitions: number
  /** Called as records are folded again. */
  readonly onProgress?: (records: number) => void
}

/** A task's state as it is stored, and as the log has it. */
export interface FoldedTask {
  readonly positions: Positions
  readonly records: number
  readonly stored: ReadonlyMap<string, Uint8Array>
  readonly folded: ReadonlyMap<string, Uint8Array>
}

/** Why a task could not be folded again. */
interface NotFolded {
  readonly positions: Positions
  readonly skipped: string
}

/**
 * Recomputes one task's state from the log, up to the positions it stored, with the very graph that made it, and compares key
 * by key. The promise of architecture.md section 3: state == fold(log[..positions]). Stop the task first, or the store moves on
 * while this reads it: then the positions are taken again and differences of a moving task are reported as skipped.
 */
export async function verifyTask(task: TaskId, graph: Graph, ports: VerifyPorts): Promise<VerifyReport> {
  const result = await foldTask(task, graph, ports)
  const about = { ...task, positions: result.positions }
  if ('skipped' in result) return { ...about, records: 0, keys: 0, differences: [], skipped: result.skipped }
  const { records, stored, folded } = result
  const differences = compare(`${task.topology}.${task.partition}`, stored, folded)
  return { ...about, records, keys: stored.size, differences, skipped: '' }
}

/** Folds a task's log again up to the positions it stored; for who wants the states themselves. */
export async function foldTask(task: TaskId, graph: Graph, ports: VerifyPorts): Promise<FoldedTask | NotFolded> {
  const before = await ports.state.progress(task)
  if (!before) return { positions: {}, skipped: 'it never ran' }
  const { positions } = before
  const { cuts } = await readLayout(ports.state)
  for (const topic of sourceTopics(graph)) {
    const offsets = (await ports.log.offsets(topic))[task.partition]
    if ((await ports.log.offsets(topic)).some(({ start }, partition) => start < (cuts[topic]?.[partition] ?? 0)))
      return { positions, skipped: `${topic} has records from before its state was moved to more partitions` }
    if (offsets && offsets.start > 0)
      return { positions, skipped: `${topic}/${task.partition} begins at ${offsets.start}: the log no longer holds everything` }
  }
  const stored = new Map<string, Uint8Array>()
  for await (const slice of ports.state.scan(task)) for (const [key, value] of slice) stored.set(key, value)
  const { folded, records } = await foldAgain(task, graph, positions, stored.get(`${timeFamily.name}:`), ports)
  const after = await ports.state.progress(task)
  if (encodePositions(after?.positions ?? {}) !== encodePositions(positions))
    return { positions, skipped: 'it moved on while it was read: stop it and verify again' }
  return { positions, records, stored, folded }
}

/** Folds the log from its beginning into a store in memory; idle marks are taken over from the stored time. */
async function foldAgain(
  task: TaskId,
  graph: Graph,
  positions: Positions,
  storedTime: Uint8Array | undefined,
  ports: VerifyPorts,
): Promise<{ folded: Map<string, Uint8Array>; records: number }> {
  const memory = new MemoryStateStore()
  let failure: unknown
  let records = 0
  const events = {
    pause() {},
    resume() {},
    seek() {},
    waiting() {},
    done: (summary: { records: number }) => {
      records += summary.records
      ports.onProgress?.(records)
    },
    failed: (error: unknown) => {
      failure = error
    },
  }
  const silent = {
    log: { send: () => Promise.resolve() },
    state: memory,
    lists: nowhere,
    wire: ports.wire,
    clock: ports.clock,
    logger: ports.logger,
    metrics: new StepMetrics(silentMetrics, ports.clock),
    endOf: (topic: string) => Promise.resolve(positions[topic] ?? 0),
    partitionsOf: () => ports.partitions,
  }
  const limits = { ...defaultTaskLimits, idleMs: 2 ** 31 - 1, queueRecordsMax: Number.MAX_SAFE_INTEGER }
  const unknown = await unknownThen(task, graph, ports)
  const again = new Task(task, graph, ports.partitions, silent, events, limits)
  await again.open()
  for (const topic of sourceTopics(graph)) {
    for await (const batch of ports.log.read(topic, task.partition, { from: 0, to: positions[topic] ?? 0 })) {
      const records =
        unknown.size === 0 ? batch.records : batch.records.filter(({ offset }) => !unknown.has(`${topic}/${offset}`))
      again.push({ ...batch, records })
      await again.idle()
      if (failure !== undefined) throw failure
    }
  }
  if (storedTime) await again.adoptTime(timeFamily.codec.decode(storedTime))
  again.close()
  if (failure !== undefined) throw failure
  const folded = new Map<string, Uint8Array>()
  for await (const slice of memory.scan(task)) for (const [key, value] of slice) folded.set(key, value)
  return { folded, records }
}

/**
 * Records, as `topic/offset`, that were set aside because the registry did not know their schema at the time. It may know it now,
 * and then they would decode; what was set aside stays set aside until it is replayed.
 */
async function unknownThen(task: TaskId, graph: Graph, { log, wire }: VerifyPorts): Promise<Set<string>> {
  const unknown = new Set<string>()
  if ((await log.partitions('dead-letters')) === 0) return unknown
  const topics = sourceTopics(graph)
  for (const [partition, { start, end }] of (await log.offsets('dead-letters')).entries()) {
    if (end <= start) continue
    for await (const { records } of log.read('dead-letters', partition, { from: start, to: end })) {
      const values = records.map(({ value }) => value)
      await wire.prepare('dead-letters', values)
      for (const value of values) {
        const letter = value && wire.decode('dead-letters', value)
        if (
          letter?.code === 'MILL_SCHEMA_UNKNOWN' &&
          letter.topology === task.topology &&
          letter.partition === task.partition &&
          topics.includes(letter.topic as never)
        )
          unknown.add(`${letter.topic}/${letter.offset}`)
      }
    }
  }
  return unknown
}

function compare(task: string, stored: ReadonlyMap<string, Uint8Array>, folded: ReadonlyMap<string, Uint8Array>): Difference[] {
  const differences: Difference[] = []
  for (const key of new Set([...stored.keys(), ...folded.keys()])) {
    const left = stored.get(key)
    const right = folded.get(key)
    if (left && right && Buffer.compare(left, right) === 0) continue
    if (differences.length < differencesMax) differences.push({ task, key, stored: base64(left), folded: base64(right) })
  }
  return differences
}

function base64(bytes: Uint8Array | undefined): string | null {
  return bytes ? Buffer.from(bytes).toString('base64') : null
}

const nowhere: Pick<ListStore, 'swap' | 'get'> = {
  swap: (entries) => Promise.resolve(entries.map(() => true)),
  get: (keys) => Promise.resolve(keys.map(() => null)),
}
