import { encodePositions, type Positions } from '../../core/positions.ts'
import type { CommitResult, StateCommit, TaskId, TaskProgress } from '../../ports/state-store.ts'

/** State, positions and epoch of one task as they lie on disk. */
interface Disk {
  epoch: number
  positions: Positions
  values: Map<string, Uint8Array>
}

/** Copies kept for a roll-back. */
const snapshotsMax = 6

/**
 * The store's own side of the contract in ports/state-store.ts, for the tasks of one topology, with what no client may know:
 * earlier copies to fall back to, and a witness who writes down each promise that a change on disk breaks.
 */
export class SimulatedStore {
  /** Promises broken so far. */
  readonly broken: string[] = []
  readonly #disks = new Map<number, Disk>()
  readonly #snapshots = new Map<number, Disk[]>()
  /** Newest epoch given out: the witness's own knowledge. */
  readonly #newest = new Map<number, number>()
  /** Epochs given out in all of history, over roll-backs: the witness's own knowledge, too. */
  readonly #given = new Set<string>()
  #clock = 0
  /** How far the server's clock is off; another server takes over at a roll-back, and its clock is off otherwise. */
  #skew = 0
  fenced = 0

  openTask(task: TaskId, above = 0): TaskProgress {
    const disk = this.disk(task.partition)
    disk.epoch = this.nextEpoch(disk.epoch, above)
    this.#newest.set(task.partition, disk.epoch)
    const name = `${task.topology}.${task.partition}: epoch ${disk.epoch}`
    if (this.#given.has(name)) this.broken.push(`${name} was given twice`)
    this.#given.add(name)
    return { epoch: disk.epoch, positions: disk.positions }
  }

  renewTask(task: TaskId, held: number, above = 0): TaskProgress | null {
    return this.disk(task.partition).epoch > held ? null : this.openTask(task, Math.max(held, above))
  }

  /** Above what is stored and what the server's clock shows; the last digits stand for the random part. */
  protected nextEpoch(stored: number, above: number): number {
    return Math.floor(Math.max(stored, above, this.#clock * 1_000 + this.#skew) / 1_000 + 1) * 1_000 + (this.#clock++ % 1_000)
  }

  progress(task: TaskId): TaskProgress {
    const { epoch, positions } = this.disk(task.partition)
    return { epoch, positions }
  }

  read(task: TaskId, keys: readonly string[]): readonly (Uint8Array | null)[] {
    const { values } = this.disk(task.partition)
    return keys.map((key) => values.get(key) ?? null)
  }

  commit(task: TaskId, commit: StateCommit): CommitResult {
    const refused = this.refuse(task, commit)
    if (refused) return refused
    this.write(task, commit.epoch, () => {
      const disk = this.disk(task.partition)
      this.put(disk, commit)
      disk.positions = commit.to
    })
    return { kind: 'applied' }
  }

  /** What is left of a commit whose server died in the middle: a script is all or nothing, so all. */
  commitPart(task: TaskId, commit: StateCommit): void {
    this.commit(task, commit)
  }

  /** The two refusals of the contract. */
  protected refuse(task: TaskId, commit: StateCommit): CommitResult | null {
    const disk = this.disk(task.partition)
    if (disk.epoch !== commit.epoch) {
      this.fenced++
      return { kind: 'fenced' }
    }
    if (encodePositions(disk.positions) !== encodePositions(commit.from)) return { kind: 'moved', positions: disk.positions }
    return null
  }

  protected put(disk: Disk, commit: StateCommit): void {
    for (const [key, value] of commit.writes) {
      if (value === null) disk.values.delete(key)
      else disk.values.set(key, value)
    }
  }

  /** Changes a disk under the eyes of the witness. */
  protected write({ topology, partition }: TaskId, epoch: number, change: () => void): void {
    const disk = this.disk(partition)
    const newest = this.#newest.get(partition) ?? 0
    if (epoch !== newest) this.broken.push(`${topology}.${partition}: epoch ${epoch} changed the store after ${newest} took over`)
    const before = disk.positions
    const snapshots = this.#snapshots.get(partition) ?? []
    this.#snapshots.set(partition, snapshots)
    snapshots.push({ ...disk, values: new Map(disk.values) })
    if (snapshots.length > snapshotsMax) snapshots.shift()
    change()
    for (const [name, position] of Object.entries(before)) {
      if ((disk.positions[name] ?? 0) < position)
        this.broken.push(`${topology}.${partition}: position ${name} went back from ${position} to ${disk.positions[name]}`)
    }
  }

  /** Loses the last writes: state, positions and epoch go back together. Says whether there were any. */
  rollBack(partition: number, depth: number): boolean {
    const snapshots = this.#snapshots.get(partition) ?? []
    const at = Math.max(0, snapshots.length - depth)
    const [earlier] = snapshots.splice(at)
    if (!earlier) return false
    const disk = this.disk(partition)
    Object.assign(disk, { epoch: earlier.epoch, positions: earlier.positions, values: new Map(earlier.values) })
    this.#newest.set(partition, earlier.epoch)
    this.#skew = ((depth % 3) - 1) * 4_000
    return true
  }

  epoch(partition: number): number {
    return this.disk(partition).epoch
  }

  positions(partition: number): Positions {
    return this.disk(partition).positions
  }

  values(partition: number): ReadonlyMap<string, Uint8Array> {
    return this.disk(partition).values
  }

  protected disk(partition: number): Disk {
    let disk = this.#disks.get(partition)
    if (!disk) {
      disk = { epoch: 0, positions: {}, values: new Map() }
      this.#disks.set(partition, disk)
    }
    return disk
  }
}
