import type { Positions } from '../core/positions.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ListStore, ListVersion } from '../ports/list-store.ts'
import type { ListWrite } from '../ports/list-write.ts'
import { versionOfServed } from '../schemas/served-list.ts'
import { listEntries } from './batch-outputs.ts'
import type { BatchTransaction } from './batch-transaction.ts'
import { StoreMoved } from './store-moved.ts'
import type { TaskOwnership } from './task-ownership.ts'
import type { OfferedLists } from './task-ports.ts'
import type { TaskRetries } from './task-retries.ts'

/** Stored lists that are fetched at once to see what keeps ours away. */
const listsPerLook = 200

/** What effects are made with. */
export interface EffectPorts {
  readonly log: Pick<EventLog, 'send'>
  readonly lists: Pick<ListStore, 'swap' | 'get'>
  readonly ownership: TaskOwnership
  readonly retries: TaskRetries
}

/** From which positions to which a batch goes, and how long its state lives untouched, seconds. */
export interface EffectRange {
  readonly from: Positions
  readonly to: Positions
  readonly ttlS: number
}

/** Makes a finished batch durable in the one safe order: outputs and lists, then state with positions. */
export class BatchEffects {
  readonly #ports: EffectPorts
  readonly #topics: readonly string[]

  /** `topics` are those that the task reads. */
  constructor(topics: readonly string[], ports: EffectPorts) {
    this.#topics = topics
    this.#ports = ports
  }

  /**
   * Tries until all is done; answers what became of the lists, or null if the task was closed meanwhile. Throws
   * `StoreMoved` where the store is elsewhere: then the state is as it was.
   */
  async apply(transaction: BatchTransaction, { from, to, ttlS }: EffectRange): Promise<OfferedLists | null> {
    const writes = transaction.writes()
    // Both are outputs: neither waits for the other, and the state for both.
    let [offered] = await Promise.all([this.#swapLists(transaction.lists, to), this.#send(transaction, from)])
    if (offered.swapped.includes(false)) offered = await this.#swapAbove(transaction.lists, to, offered)
    if (this.#ports.retries.closed) return null
    const isApplied = await this.#ports.ownership.commit({ from, to, writes, ttlS })
    if (this.#ports.retries.closed) return null
    if (!isApplied) throw new StoreMoved()
    return offered
  }

  /** The version of lists: the sum over all inputs grows with every batch, whichever topic the batch is of. */
  versionAt(positions: Positions): ListVersion {
    let position = 0
    for (const topic of this.#topics) position += positions[topic] ?? 0
    return { epoch: this.#ports.ownership.info.epoch, position }
  }

  async #send({ outputs }: BatchTransaction, from: Positions): Promise<void> {
    if (outputs.length === 0) return
    await this.#ports.retries.run(async () => {
      await this.#ports.ownership.confirm(from)
      await this.#ports.log.send(outputs)
    })
  }

  async #swapLists(lists: readonly ListWrite[], positions: Positions): Promise<OfferedLists> {
    if (lists.length === 0) return { texts: [], swapped: [] }
    const entries = listEntries(lists, this.versionAt(positions))
    const swapped = await this.#ports.retries.run(() => this.#ports.lists.swap(entries))
    return { texts: entries.map(({ value }) => value), swapped }
  }

  /**
   * Some lists were refused: by a repeat of our own, or by a list of a higher epoch. That one's owner took it from a store that has
   * gone back since and whose clock was ahead: we take an epoch above it, if the task is still ours.
   */
  async #swapAbove(lists: readonly ListWrite[], positions: Positions, offered: OfferedLists): Promise<OfferedLists> {
    const { ownership, retries } = this.#ports
    const refused = lists.filter((_, index) => !offered.swapped[index])
    let newest = 0
    for (let at = 0; at < refused.length; at += listsPerLook) {
      const keys = refused.slice(at, at + listsPerLook).map(({ key }) => key)
      const stored = await retries.run(() => this.#ports.lists.get(keys))
      for (const text of stored) newest = Math.max(newest, versionOfServed(text).epoch)
    }
    if (retries.closed || newest <= ownership.info.epoch) return offered
    await ownership.renew(newest)
    return await this.#swapLists(lists, positions) // All of them: lists of one batch have one version.
  }
}
