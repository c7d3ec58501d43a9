import { MillraceError } from '../core/errors.ts'
import { encodePositions, type Positions } from '../core/positions.ts'
import type { TaskInfo } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { StateCommit, StateStore, TaskId, TaskProgress } from '../ports/state-store.ts'
import { StoreMoved } from './store-moved.ts'
import type { TaskRetries } from './task-retries.ts'

/** How long ago a task must have been ours for outputs to leave unasked; less than a group waits before it gives a task away. */
const confirmedMsMax = 2_000
/** What ownership is kept with. */
export interface OwnershipPorts {
  readonly state: StateStore
  readonly clock: Clock
  readonly retries: TaskRetries
}

/**
 * Whether a task is ours, as its state store says: the epoch that we hold, and when we last heard that it is still the newest. All reads
 * and writes of the task's state go through here.
 */
export class TaskOwnership {
  readonly #id: TaskId
  readonly #ports: OwnershipPorts
  #info: TaskInfo
  /** When we last asked the store and it said that the task is ours. */
  #confirmedMs = Number.NEGATIVE_INFINITY

  constructor(id: TaskId, partitions: number, ports: OwnershipPorts) {
    this.#id = id
    this.#ports = ports
    this.#info = { topology: id.topology, partition: id.partition, partitions, epoch: 0 }
  }

  /** The task with the epoch held; 0 before it is open. */
  get info(): TaskInfo {
    return this.#info
  }

  /** Takes ownership; answers where the store stands. */
  async open(): Promise<Positions> {
    return this.#hold(await this.#ports.state.openTask(this.#id))
  }

  /** Takes a newer epoch, above `above`, unless another owner has; answers where the store stands now. Errors: `MILL_FENCED`. */
  async renew(above = 0): Promise<Positions> {
    const progress = await this.#ports.retries.run(() => this.#ports.state.renewTask(this.#id, this.#info.epoch, above))
    if (progress) return this.#hold(progress)
    const { topology, partition } = this.#id
    throw new MillraceError('MILL_FENCED', `${topology}.${partition}: epoch ${this.#info.epoch} is not the newest any more`)
  }

  /** Asks the store once: is the task `ours` at these positions, `taken` by a newer owner, or has the store `moved`? */
  async standing(positions: Positions): Promise<'ours' | 'taken' | 'moved'> {
    const askedMs = this.#ports.clock.elapsedMs()
    const stored = await this.#ports.state.progress(this.#id)
    if (stored && stored.epoch > this.#info.epoch) return 'taken'
    if (!this.#isWhereWeAre(stored, positions)) return 'moved'
    this.#confirmedMs = askedMs
    return 'ours'
  }

  /**
   * Outputs of which the newest record wins have no fence: whoever was put to sleep asks first whether its task is still its own, or
   * it would put an old record over a newer owner's. Throws `StoreMoved` if it is not.
   */
  async confirm(positions: Positions): Promise<void> {
    if (this.#ports.clock.elapsedMs() - this.#confirmedMs < confirmedMsMax) return
    if ((await this.standing(positions)) !== 'ours') throw new StoreMoved()
  }

  /**
   * Values of keys as they were at the positions of a batch. What a newer owner wrote, or a store that went back, would mix with
   * what is remembered here, and outputs made of the mixture leave before the commit is refused: so both are read at one moment.
   * Throws `StoreMoved` if they are not of these positions.
   */
  async read(keys: readonly string[], at: Positions): Promise<readonly (Uint8Array | null)[]> {
    let askedMs = 0
    const { progress, values } = await this.#ports.retries.run(() => {
      askedMs = this.#ports.clock.elapsedMs()
      return this.#ports.state.readWithProgress(this.#id, keys)
    })
    if (!this.#isWhereWeAre(progress, at)) throw new StoreMoved()
    this.#confirmedMs = askedMs
    return values
  }

  /** Writes a batch's state with its positions; false if the store is elsewhere or the task another's. */
  async commit(effect: Omit<StateCommit, 'epoch'>): Promise<boolean> {
    const commit = { ...effect, epoch: this.#info.epoch }
    let askedMs = 0
    const result = await this.#ports.retries.run(() => {
      askedMs = this.#ports.clock.elapsedMs()
      return this.#ports.state.commit(this.#id, commit)
    })
    if (result.kind === 'fenced') return false
    // Moved to where we wanted it: ours, and only the reply was lost.
    if (result.kind === 'moved' && encodePositions(result.positions) !== encodePositions(effect.to)) return false
    this.#confirmedMs = askedMs
    return true
  }

  #hold({ epoch, positions }: TaskProgress): Positions {
    this.#info = { ...this.#info, epoch }
    return positions
  }

  #isWhereWeAre(stored: TaskProgress | null, positions: Positions): boolean {
    if (stored && stored.epoch !== this.#info.epoch) return false
    return encodePositions(stored?.positions ?? {}) === encodePositions(positions)
  }
}
