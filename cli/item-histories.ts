import type { ItemUpdate, Neighbour } from '../schemas/item-update.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

const anybody: Neighbour = { itemId: '', weight: 0 }

/** One version of an item as the log holds it. */
export interface ItemVersion {
  /** Neighbours only by their number; catalogue data of an earlier version where this one has none, as tables keep it. */
  readonly update: ItemUpdate
  readonly loggedMs: number
  /** When the next one came; infinite for the last. */
  readonly replacedMs: number
}

/** The versions of one item that the log still holds, in its order. */
export class ItemHistory {
  readonly #versions: ItemVersion[] = []
  #whole = true

  add(update: ItemUpdate | null, loggedMs: number): void {
    const last = this.#versions.at(-1)
    if (last) this.#versions[this.#versions.length - 1] = { ...last, replacedMs: loggedMs }
    // A null withdraws the item and leaves all else.
    const merged = update
      ? {
          ...update,
          similar: nameless(update.similar),
          together: nameless(update.together),
          item: update.item ?? last?.update.item ?? null,
        }
      : last && { ...last.update, withdrawn: true }
    if (merged) this.#versions.push({ update: merged, loggedMs, replacedMs: Number.POSITIVE_INFINITY })
  }

  /** The oldest version held. */
  get first(): ItemVersion | undefined {
    return this.#versions[0]
  }

  /** Says that the log may have dropped versions from before the first one held. */
  lostItsBeginning(): void {
    this.#whole = false
  }

  /**
   * Versions that were the newest at some moment between two, ascending; null stands for the time before the first one. `complete` is
   * false when the log may have dropped one of them: compaction drops from the beginning only.
   */
  between(fromMs: number, toMs: number): { readonly versions: readonly (ItemVersion | null)[]; readonly complete: boolean } {
    const versions: (ItemVersion | null)[] = this.#versions.filter(
      ({ loggedMs, replacedMs }) => loggedMs <= toMs && replacedMs >= fromMs,
    )
    const early = (this.#versions[0]?.loggedMs ?? Number.POSITIVE_INFINITY) > fromMs
    if (early) versions.unshift(null)
    return { versions, complete: this.#whole || !early }
  }
}

/** As many neighbours without saying which: the features want no more, and names are most of a version. */
function nameless(neighbours: readonly Neighbour[]): readonly Neighbour[] {
  return new Array<Neighbour>(neighbours.length).fill(anybody)
}

/** Reads `item-updates` once and keeps the versions of some items. */
export async function readItemHistories(
  ports: OpenPorts,
  itemIds: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ItemHistory>> {
  const histories = new Map<string, ItemHistory>([...itemIds].map((itemId) => [itemId, new ItemHistory()]))
  const seen = new Map<number, number>()
  const partitions = new Map<string, number>()
  for await (const { key, value, partition, loggedMs } of readTopic(ports, 'item-updates')) {
    seen.set(partition, (seen.get(partition) ?? 0) + 1)
    const history = histories.get(key ?? '')
    if (!history) continue
    history.add(value, loggedMs)
    partitions.set(key!, partition)
  }
  if (seen.size === 0) return histories
  // Fewer records than offsets: the log was compacted, or begins later.
  const whole = (await ports.log.offsets('item-updates')).map(({ end }, partition) => (seen.get(partition) ?? 0) >= end)
  for (const [itemId, history] of histories) {
    const partition = partitions.get(itemId)
    if (partition === undefined ? whole.includes(false) : !whole[partition]) history.lostItsBeginning()
  }
  return histories
}
