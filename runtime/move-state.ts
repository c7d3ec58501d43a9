import { MillraceError } from '../core/errors.ts'
import { partitionFor } from '../core/partition-for.ts'
import type { Positions } from '../core/positions.ts'
import type { MoveTarget, StateHome } from '../ports/state-home.ts'
import type { StateStore, TaskId } from '../ports/state-store.ts'
import { timeFamily } from './task-time.ts'

/** Most keys, and about most bytes, of one commit of a move. */
const sliceKeys = 2_000
const sliceBytes = 4 * 1024 * 1024

/** What the tasks of one topology are moved with. */
export interface StateMove {
  readonly state: StateStore
  readonly topology: string
  readonly topics: readonly string[]
  readonly home: StateHome
  readonly from: number
  readonly to: number
  /** Seconds after which a moved and then untouched key is erased. */
  readonly ttlS: number
}

/** Counts what a move would do to one task; changes nothing. Errors: `MILL_INVARIANT` for state it cannot place. */
export async function countMoving(
  move: StateMove,
  partition: number,
): Promise<{ readonly keys: number; readonly moving: number }> {
  const targets = targetsOf(move, partition).filter(({ target }) => target.isNew)
  let keys = 0
  let moving = 0
  for await (const slice of move.state.scan({ topology: move.topology, partition })) {
    for (const [key, value] of slice) {
      keys++
      if (key !== timeKey && targets.some(({ target }) => partOf(move, key, value, target) !== null)) moving++
    }
  }
  return { keys, moving }
}

/**
 * Makes the task of a new partition from the old task whose keys it takes: `partition % from`, which is the only one because the
 * new count is a multiple of the old. Event time and the positions of additive upstreams are inherited; its own positions begin at
 * 0, as its partitions do. Its epoch is above the old task's, so its lists replace those. Clears first, so it may be repeated.
 */
export async function copyTask(move: StateMove, partition: number): Promise<number> {
  const { state, topology, topics, home } = move
  const parent: TaskId = { topology, partition: partition % move.from }
  const child: TaskId = { topology, partition }
  await state.clear(child)
  const before = await state.progress(parent)
  if (!before) return 0
  const target = targetOf(move, parent.partition, partition)
  const { epoch } = await state.openTask(child, before.epoch)
  const writer = new SliceWriter(move, child, epoch, {})
  const indexed: string[] = []
  for await (const slice of state.scan(parent)) {
    for (const [key, value] of slice) {
      const part = key === timeKey ? value : partOf(move, key, value, target)
      if (part === null) continue
      if (home.index && key.startsWith(home.index.of)) indexed.push(key.slice(home.index.of.length))
      await writer.put(key, part)
    }
  }
  for (const [key, value] of home.index?.make([...new Set(indexed)]) ?? []) await writer.put(key, value)
  const upstream = Object.entries(before.positions).filter(([name]) => !topics.includes(name))
  await writer.finish(Object.fromEntries(upstream))
  return writer.keys
}

/** Takes out of an old task what its new siblings have. May be repeated; positions stay. */
export async function trimTask(move: StateMove, partition: number): Promise<number> {
  const { state, topology, home } = move
  const task: TaskId = { topology, partition }
  if (!(await state.progress(task))) return 0
  const { epoch, positions } = await state.openTask(task)
  const target = targetOf(move, partition, partition)
  const writer = new SliceWriter(move, task, epoch, positions)
  const indexed: string[] = []
  for await (const slice of state.scan(task)) {
    for (const [key, value] of slice) {
      if (key === timeKey) continue
      const part = partOf(move, key, value, target)
      if (part !== null && home.index && key.startsWith(home.index.of)) indexed.push(key.slice(home.index.of.length))
      if (part === null || part.length !== value.length) await writer.put(key, part)
    }
  }
  for (const [key, value] of home.index?.make([...new Set(indexed)]) ?? []) await writer.put(key, value)
  await writer.finish(positions)
  return writer.keys
}

const timeKey = `${timeFamily.name}:`

/** Names the state key where its own home does not know it. */
function partOf(move: StateMove, key: string, value: Uint8Array, target: MoveTarget): Uint8Array | null {
  if (move.home.index && key.startsWith(move.home.index.key)) return null // Made anew at the end.
  try {
    return move.home.part(key, value, target)
  } catch (error) {
    throw new MillraceError(
      'MILL_INVARIANT',
      `${move.topology}: state key "${key}" cannot be placed: ${(error as Error).message}`,
      {
        cause: error,
        details: { topology: move.topology, key },
      },
    )
  }
}

function targetsOf(move: StateMove, parent: number): { partition: number; target: MoveTarget }[] {
  const targets: { partition: number; target: MoveTarget }[] = []
  for (let partition = parent; partition < move.to; partition += move.from)
    targets.push({ partition, target: targetOf(move, parent, partition) })
  return targets
}

function targetOf({ from, to }: StateMove, parent: number, partition: number): MoveTarget {
  return {
    isNew: partition !== parent,
    isHome: (...recordKeys) => {
      // Of several readings those that the old task cannot have are out.
      const homes = new Set(recordKeys.filter((key) => partitionFor(key, from) === parent).map((key) => partitionFor(key, to)))
      if (homes.size === 0) return partition === parent // Its record was sent to a wrong partition: it stays there.
      if (homes.size === 1) return homes.has(partition)
      const readings = recordKeys.map((key) => `"${key}"`).join(' or ')
      throw new MillraceError('MILL_INVARIANT', `it may stand for keys of several partitions (${readings})`)
    },
  }
}

/** Writes state in slices; each is a commit that leaves the positions, only the last sets them. */
class SliceWriter {
  readonly #move: StateMove
  readonly #task: TaskId
  readonly #epoch: number
  readonly #from: Positions
  #writes = new Map<string, Uint8Array | null>()
  #bytes = 0
  keys = 0

  constructor(move: StateMove, task: TaskId, epoch: number, from: Positions) {
    this.#move = move
    this.#task = task
    this.#epoch = epoch
    this.#from = from
  }

  async put(key: string, value: Uint8Array | null): Promise<void> {
    this.#writes.set(key, value)
    this.#bytes += value?.length ?? 0
    this.keys++
    if (this.#writes.size >= sliceKeys || this.#bytes >= sliceBytes) await this.#commit(this.#from)
  }

  async finish(positions: Positions): Promise<void> {
    await this.#commit(positions)
  }

  async #commit(to: Positions): Promise<void> {
    const writes = this.#writes
    this.#writes = new Map()
    this.#bytes = 0
    const { state, ttlS } = this.#move
    const result = await state.commit(this.#task, { epoch: this.#epoch, from: this.#from, to, writes, ttlS })
    if (result.kind === 'applied') return
    const { topology, partition } = this.#task
    throw new MillraceError('MILL_FENCED', `${topology}.${partition}: somebody else took the task while its state was moved`)
  }
}
