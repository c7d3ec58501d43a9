import { MillraceError } from '../core/errors.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { StateHome } from '../ports/state-home.ts'
import type { StateStore } from '../ports/state-store.ts'
import { copyTask, countMoving, type StateMove, trimTask } from './move-state.ts'
import { rehomeRecords } from './rehome-records.ts'
import { changeLayout, layoutTask, type PartitionMove, readLayout } from './state-layout.ts'

/** Most partitions of a topic: a mistyped number must not fill a broker. */
export const partitionsMax = 1_024

/** A topology whose state is moved. */
export interface MovingTopology {
  readonly name: string
  /** Topics it reads as a stream. */
  readonly topics: readonly string[]
  /** Null: its tasks hold nothing but positions; then what they have not applied may stay where it lies. */
  readonly home: StateHome | null
}

export interface RepartitionOptions {
  readonly topologies: readonly MovingTopology[]
  /** All topics of the job; `compacted` ones have their newest values copied, keys of `packed` ones name partitions. */
  readonly topics: readonly { readonly name: string; readonly compacted: boolean; readonly packed: boolean }[]
  readonly to: number
  /** Seconds after which a moved and then untouched state key is erased. */
  readonly ttlS: number
  /** Told of each step just before it is taken. */
  readonly onStep?: (step: string) => void
}

export interface RepartitionPorts {
  readonly log: EventLog
  readonly state: StateStore
}

/** What would move, or what keeps it from moving. */
export interface RepartitionPlan {
  readonly from: number
  readonly to: number
  /** Phase at which an unfinished move goes on; null: none was begun. */
  readonly unfinished: PartitionMove['phase'] | null
  readonly tasks: readonly {
    readonly topology: string
    readonly partition: number
    readonly keys: number
    /** Keys of which at least a part goes to a new partition. */
    readonly moving: number
  }[]
  /** Inputs that are not applied to their end, in words; a move is refused while there is one. */
  readonly behind: readonly string[]
}

/** Looks at everything a move would touch; changes nothing. Errors: `MILL_USAGE` for a count that cannot be moved to. */
export async function planRepartition(ports: RepartitionPorts, options: RepartitionOptions): Promise<RepartitionPlan> {
  const { move, counts } = await readLayout(ports.state)
  const from = move?.from ?? (await presentCount(ports, options, counts))
  if (move && move.to !== options.to)
    throw refused(
      `a move from ${move.from} to ${move.to} partitions is not finished: finish that one first (--partitions ${move.to})`,
    )
  if (!move) refuseCount(from, options.to)
  const tasks: RepartitionPlan['tasks'][number][] = []
  for (const topology of options.topologies) {
    const move = stateMove(ports, options, topology, from)
    for (const partition of await ports.state.tasks(topology.name)) {
      if (partition >= from) continue
      tasks.push({ topology: topology.name, partition, ...(await countMoving(move, partition)) })
    }
  }
  const behind = move && move.phase !== 'check' ? [] : await inputsBehind(ports, options, from)
  return { from, to: options.to, unfinished: move?.phase ?? null, tasks, behind }
}

/**
 * Moves the state of all topologies to `to` partitions, a multiple of the present count: raises the topics, copies what belongs to
 * new partitions, switches with one write, then deletes what was copied. A journal in the store says how far it is: it may be
 * killed at any moment and run again, and no engine opens a task meanwhile. Nothing may be sent to the topics while it runs.
 * Errors: `MILL_USAGE` (this count, or inputs not applied to their end), `MILL_FENCED` (another process does it).
 */
export async function repartition(ports: RepartitionPorts, options: RepartitionOptions): Promise<{ readonly moved: number }> {
  const plan = await planRepartition(ports, options)
  if (plan.behind.length > 0) throw behindError(plan.behind)
  const run = new Run(ports, options, (await ports.state.openTask(layoutTask)).epoch)
  return { moved: await run.all(plan.from) }
}

/** One run of the command, from wherever the last one was cut off. */
class Run {
  readonly #ports: RepartitionPorts
  readonly #options: RepartitionOptions
  readonly #epoch: number

  constructor(ports: RepartitionPorts, options: RepartitionOptions, epoch: number) {
    this.#ports = ports
    this.#options = options
    this.#epoch = epoch
  }

  async all(from: number): Promise<number> {
    let move = await this.#begin(from)
    if (move.phase === 'check') move = await this.#check(move)
    if (move.phase === 'raise') move = await this.#raise(move)
    let moved = 0
    if (move.phase === 'copy') {
      const result = await this.#copy(move)
      move = result.move
      moved = result.moved
    }
    await this.#delete(move)
    return moved
  }

  /** Writes the journal: from here on no task is opened by anybody. */
  async #begin(from: number): Promise<PartitionMove> {
    const { to } = this.#options
    this.#step('begin')
    const begun = await this.#change((layout) =>
      layout.move ? layout : { ...layout, move: { from, to, phase: 'check', ends: {}, done: [] } },
    )
    return begun.move!
  }

  /** Takes every task from whoever may still have it, then looks: the state does not change any more. */
  async #check(move: PartitionMove): Promise<PartitionMove> {
    const { state } = this.#ports
    for (const { name } of this.#options.topologies)
      for (const partition of await state.tasks(name))
        if (partition < move.from) await state.openTask({ topology: name, partition })
    const behind = await inputsBehind(this.#ports, this.#options, move.from)
    if (behind.length > 0) {
      await this.#change((layout) => ({ ...layout, move: null })) // Nothing was touched yet.
      throw behindError(behind)
    }
    this.#step('checked')
    return this.#phase({ ...move, ends: await this.#ends(move.from) }, 'raise')
  }

  async #raise(move: PartitionMove): Promise<PartitionMove> {
    const { log } = this.#ports
    for (const { name, compacted, packed } of this.#options.topics) {
      const ends = move.ends[name]
      if (!ends || move.done.includes(name)) continue
      this.#step(`raise ${name}`)
      await log.addPartitions(name, move.to)
      if (compacted && !packed) {
        this.#step(`copy records of ${name}`)
        await rehomeRecords(log, name, ends, move.to)
      }
      move = await this.#done(move, name)
    }
    this.#step('raised')
    const ends = await this.#ends(move.from)
    await this.#sendStrays(move, ends)
    return this.#phase({ ...move, ends }, 'copy')
  }

  /**
   * Sends what somebody placed by the old count after the check to where it belongs; where it lies it is passed over from now on.
   * A repeat sends it again: all folds know a repeat by its id or number.
   */
  async #sendStrays({ from, to, ends: before }: PartitionMove, ends: PartitionMove['ends']): Promise<void> {
    for (const { name, packed } of this.#options.topics) {
      for (let partition = 0; partition < (packed || !before[name] ? 0 : from); partition++) {
        const range = { from: before[name]![partition]!, to: ends[name]![partition]! }
        for await (const { records } of this.#ports.log.read(name, partition, range)) {
          const strays = records.flatMap(({ key, value }) =>
            key === null || partitionFor(key, to) === partition
              ? []
              : [{ topic: name, partition: partitionFor(key, to), key, value }],
          )
          if (strays.length > 0) this.#step(`send ${strays.length} strays of ${name}/${partition}`)
          await this.#ports.log.send(strays)
        }
      }
    }
  }

  async #ends(from: number): Promise<PartitionMove['ends']> {
    const ends: Record<string, number[]> = {}
    for (const { name } of this.#options.topics)
      if ((await this.#ports.log.partitions(name)) > 0)
        ends[name] = (await this.#ports.log.offsets(name)).slice(0, from).map(({ end }) => end)
    return ends
  }

  async #copy(move: PartitionMove): Promise<{ move: PartitionMove; moved: number }> {
    let moved = 0
    for (const topology of this.#options.topologies) {
      const known = new Set(await this.#ports.state.tasks(topology.name))
      for (let partition = move.from; partition < move.to; partition++) {
        const name = `${topology.name}.${partition}`
        if (move.done.includes(name) || !known.has(partition % move.from)) continue
        this.#step(`copy ${name}`)
        moved += await copyTask(this.#state(topology, move.from), partition)
        move = await this.#done(move, name)
      }
    }
    this.#step('switch')
    return { move: await this.#phase(move, 'delete'), moved }
  }

  async #delete(move: PartitionMove): Promise<void> {
    for (const topology of this.#options.topologies) {
      for (const partition of await this.#ports.state.tasks(topology.name)) {
        const name = `${topology.name}.${partition}`
        if (partition >= move.from || move.done.includes(name)) continue
        this.#step(`delete ${name}`)
        await trimTask(this.#state(topology, move.from), partition)
        move = await this.#done(move, name)
      }
    }
    this.#step('finish')
    const counts = Object.fromEntries(this.#options.topologies.map(({ name }) => [name, move.to]))
    await this.#change((layout) => ({
      counts: { ...layout.counts, ...counts },
      cuts: { ...layout.cuts, ...move.ends },
      move: null,
    }))
  }

  #state(topology: MovingTopology, from: number): StateMove {
    return stateMove(this.#ports, this.#options, topology, from)
  }

  async #done(move: PartitionMove, name: string): Promise<PartitionMove> {
    return (await this.#change((layout) => ({ ...layout, move: { ...move, done: [...move.done, name] } }))).move!
  }

  async #phase(move: PartitionMove, phase: PartitionMove['phase']): Promise<PartitionMove> {
    return (await this.#change((layout) => ({ ...layout, move: { ...move, phase, done: [] } }))).move!
  }

  #change(change: Parameters<typeof changeLayout>[1]): ReturnType<typeof changeLayout> {
    return changeLayout(this.#ports.state, change, this.#epoch)
  }

  #step(step: string): void {
    this.#options.onStep?.(step)
  }
}

function stateMove(ports: RepartitionPorts, options: RepartitionOptions, topology: MovingTopology, from: number): StateMove {
  const { name, topics, home } = topology
  return { state: ports.state, topology: name, topics, home: home ?? nothing, from, to: options.to, ttlS: options.ttlS }
}

const nothing: StateHome = {
  part: () => {
    throw new MillraceError('MILL_INVARIANT', 'the topology should hold nothing but positions')
  },
}

/** The count that the state belongs to: what the store says, or, before any engine noted it, what the inputs have. */
async function presentCount(
  ports: RepartitionPorts,
  { topologies }: RepartitionOptions,
  stored: Readonly<Record<string, number>>,
): Promise<number> {
  const counts = new Map<string, number>()
  for (const { name, topics } of topologies) {
    if (stored[name] !== undefined) counts.set(name, stored[name])
    else
      for (const topic of topics)
        if ((await ports.log.partitions(topic)) > 0) counts.set(topic, await ports.log.partitions(topic))
  }
  const different = new Set(counts.values())
  if (different.size === 0) throw refused('there is no topic and no state yet: set "partitions" and start')
  if (different.size > 1) {
    const found = [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
    throw refused(
      `the counts differ (${found}), so it is not known to which one the state belongs: reset what is to be forgotten first`,
    )
  }
  return [...different][0]!
}

/** Only whole multiples: then each new task takes its keys, its timers and its event time from exactly one old task. */
function refuseCount(from: number, to: number): void {
  if (to === from) throw refused(`the state belongs to ${from} partitions already: set "partitions": ${to} and start`)
  const next = `${2 * from}, ${3 * from}, ${4 * from} …`
  if (to < from)
    throw refused(`partitions cannot be taken away from a topic: ${to} is below the present ${from}; possible are ${next}`)
  if (to % from !== 0) throw refused(`${to} is not a multiple of the present ${from} partitions; possible are ${next}`)
  if (to > partitionsMax) throw refused(`${to} partitions are more than ${partitionsMax}`)
}

/**
 * Inputs with records that are not applied and that the new count has elsewhere, in words. Records placed by the new count already,
 * as after a topic was raised by hand, are where they belong.
 */
async function inputsBehind(ports: RepartitionPorts, options: RepartitionOptions, from: number): Promise<string[]> {
  const packed = new Set(options.topics.filter((topic) => topic.packed).map(({ name }) => name))
  const behind: string[] = []
  for (const { name, topics, home } of options.topologies) {
    for (const topic of home ? topics : []) {
      if ((await ports.log.partitions(topic)) === 0) continue
      const offsets = await ports.log.offsets(topic)
      for (let partition = 0; partition < from; partition++) {
        const { start, end } = offsets[partition]!
        const position = (await ports.state.progress({ topology: name, partition }))?.positions[topic] ?? start
        const wrong = await misplaced(
          ports.log,
          topic,
          partition,
          { from: position, to: end },
          packed.has(topic) ? 0 : options.to,
        )
        if (wrong > 0)
          behind.push(`${name} has still to apply ${wrong} records of ${topic}/${partition} (from ${position} to ${end})`)
      }
    }
  }
  return behind
}

/** Counts records of a range that lie elsewhere under a count; with count 0 all of them. */
async function misplaced(
  log: EventLog,
  topic: string,
  partition: number,
  range: { readonly from: number; readonly to: number },
  count: number,
): Promise<number> {
  let wrong = 0
  for await (const { records } of log.read(topic, partition, range))
    for (const { key } of records) if (count === 0 || key === null || partitionFor(key, count) !== partition) wrong++
  return wrong
}

function behindError(behind: readonly string[]): MillraceError {
  return refused(
    `${behind.join('; ')}. Stop whatever sends, let the engine apply everything (millrace status shows lag 0), stop it, then try again`,
  )
}

function refused(message: string): MillraceError {
  return new MillraceError('MILL_USAGE', message)
}
