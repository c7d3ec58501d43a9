import { MillraceError } from '../core/errors.ts'
import type { StateStore, TaskId } from '../ports/state-store.ts'

/** Steps of a move to more partitions, in order; each can be repeated. */
export type MovePhase = 'check' | 'raise' | 'copy' | 'delete'

/** A move to more partitions that was begun and is not finished: the journal of `millrace repartition`. */
export interface PartitionMove {
  readonly from: number
  readonly to: number
  readonly phase: MovePhase
  /** Topic → end of each old partition once nobody could change state any more; from phase `copy` on, once the topics were raised. */
  readonly ends: Readonly<Record<string, readonly number[]>>
  /** What this phase is done with: tasks as `topology.partition`, topics by name. */
  readonly done: readonly string[]
}

/** How the state in a store lies: one small record for all topologies. */
export interface StateLayout {
  /** Topology → partition count its state belongs to. */
  readonly counts: Readonly<Record<string, number>>
  /** Topic → by partition the offset before which records may lie where a smaller count put them. */
  readonly cuts: Readonly<Record<string, readonly number[]>>
  readonly move: PartitionMove | null
}

const emptyLayout: StateLayout = { counts: {}, cuts: {}, move: null }
/** No topology may have this name: it has a character that names of topologies have not. */
export const layoutTask: TaskId = { topology: '~layout', partition: 0 }
const layoutKey = 'layout'
/** Tries of a change that other processes make at the same moment. */
const triesMax = 20

/** A layout and the version it had, which a change must name. */
interface Versioned {
  readonly layout: StateLayout
  readonly epoch: number
  readonly version: number
}

/** The layout of a store; empty for a new one. */
export async function readLayout(state: StateStore): Promise<StateLayout> {
  return (await read(state)).layout
}

async function read(state: StateStore): Promise<Versioned> {
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const before = await state.progress(layoutTask)
    const [bytes] = await state.read(layoutTask, [layoutKey])
    const after = await state.progress(layoutTask)
    const version = after?.positions['version'] ?? 0
    if (version !== (before?.positions['version'] ?? 0)) continue // It changed between the two looks.
    const layout = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as StateLayout) : emptyLayout
    return { layout, epoch: after?.epoch ?? 0, version }
  }
  throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the layout of the store changes all the time: try again')
}

/**
 * Changes the layout atomically; `change` may be called again if somebody else was faster, and may throw to refuse, or answer the
 * very layout it got to leave it. With `epoch` only while that owner of the layout is the newest: `MILL_FENCED` otherwise.
 */
export async function changeLayout(
  state: StateStore,
  change: (layout: StateLayout) => StateLayout,
  epoch?: number,
): Promise<StateLayout> {
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const now = await read(state)
    if (epoch !== undefined && now.epoch !== epoch) throw fenced()
    const layout = change(now.layout)
    if (layout === now.layout) return layout
    const result = await state.commit(layoutTask, {
      epoch: epoch ?? Math.max(1, now.epoch),
      from: now.version === 0 ? {} : { version: now.version },
      to: { version: now.version + 1 },
      writes: new Map([[layoutKey, Buffer.from(JSON.stringify(layout))]]),
      ttlS: 0,
    })
    if (result.kind === 'applied') return layout
    if (result.kind === 'fenced' && epoch !== undefined) throw fenced()
  }
  throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the layout of the store changes all the time: try again')
}

/** Refuses while a move is under way: whoever opens a task then would read state that is half moved. */
export function refuseMove(layout: StateLayout): void {
  const { move } = layout
  if (!move) return
  throw new MillraceError(
    'MILL_PARTITIONS_CHANGED',
    `a move of the state from ${move.from} to ${move.to} partitions was begun and is not finished: finish it with ` +
      `"millrace repartition --partitions ${move.to} --execute --reason why", which may be repeated`,
    { details: { from: move.from, to: move.to, phase: move.phase } },
  )
}

function fenced(): MillraceError {
  return new MillraceError('MILL_FENCED', 'another process moves the state now: only one may')
}
