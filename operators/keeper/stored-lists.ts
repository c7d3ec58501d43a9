import type { HeldList } from '../../algorithms/holder-index.ts'
import { reactionOf } from '../../core/errors.ts'
import { partitionFor } from '../../core/partition-for.ts'
import type { ListStore } from '../../ports/list-store.ts'
import { listKeys, personOfList } from '../../schemas/list-keys.ts'
import { itemIdsOf, itemStartsOf, versionOfServed, watermarkOfServed } from '../../schemas/served-list.ts'
import type { KeptLists } from './kept-lists.ts'
import type { Rest } from './rest.ts'

/** Lists that are read at once. */
const listsPerRead = 100
/** How long a walk that the store broke off waits before it begins anew. */
const againMs = 2_000

/** What reading takes, and where what was read goes. */
export interface StoredListPorts {
  readonly lists: Pick<ListStore, 'get' | 'scan'>
  readonly rest: Rest
  readonly surface: string
  readonly partitions: number
  readonly rowOf: (itemId: string) => number
  /** Takes a list that is newer than the one known. */
  readonly found: (part: KeptLists, userId: string, list: HeldList) => void
  /** Repeats while the store is unwell. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>
  readonly isClosed: () => boolean
}

/** Reads lists that are stored and not known: first those that turned out to be others, then those of partitions taken over. */
export class StoredLists {
  readonly #ports: StoredListPorts

  constructor(ports: StoredListPorts) {
    this.#ports = ports
  }

  /** Reads what is to be read first; answers whether there was anything. */
  async readNext(parts: ReadonlyMap<number, KeptLists>): Promise<boolean> {
    for (const part of parts.values()) {
      const userIds = [...part.strangers].slice(0, listsPerRead)
      if (userIds.length === 0) continue
      for (const userId of userIds) part.strangers.delete(userId)
      await this.#read(part, userIds)
      return true
    }
    const unread = new Map([...parts].filter(([, { isUnread }]) => isUnread))
    if (unread.size === 0) return false
    try {
      await this.#walk(unread)
      for (const part of unread.values()) part.isUnread = false
    } catch (error) {
      if (reactionOf(error) !== 'retry') throw error
      await this.#ports.rest.for(againMs) // What is known by then is not read again.
    }
    return true
  }

  /** Walks over all keys and reads the lists of some partitions, for no more than half of the time. */
  async #walk(parts: ReadonlyMap<number, KeptLists>): Promise<void> {
    const { lists, rest, surface, partitions, isClosed } = this.#ports
    const waiting = new Map([...parts.values()].map((part) => [part, [] as string[]]))
    for await (const keys of lists.scan('recs:{')) {
      for (const key of keys) {
        const userId = personOfList(key, surface)
        const part = userId === null ? undefined : parts.get(partitionFor(userId, partitions))
        if (part && part.index.rowOf(userId!) < 0) waiting.get(part)!.push(userId!)
      }
      for (const [part, userIds] of waiting) {
        while (userIds.length > 0) {
          if (isClosed()) return
          await rest.after(() => this.#read(part, userIds.splice(0, listsPerRead)))
        }
      }
    }
  }

  async #read(part: KeptLists, userIds: readonly string[]): Promise<void> {
    const { lists, surface, rowOf, found, patiently } = this.#ports
    const keys = userIds.flatMap((userId) => [listKeys.recommendations(userId, surface), listKeys.reserve(userId, surface)])
    const texts = await patiently(() => lists.get(keys))
    for (const [n, userId] of userIds.entries()) {
      const [list, reserve] = [texts[2 * n] ?? null, texts[2 * n + 1] ?? '']
      if (list === null) continue
      const version = versionOfServed(list)
      if (part.knows(userId, version)) continue // A batch may have ended meanwhile.
      const shown = itemIdsOf(list)
      const items = [...shown, ...itemIdsOf(reserve)].map(rowOf)
      found(part, userId, { items, starts: itemStartsOf(list), size: shown.length, timeMs: watermarkOfServed(list), ...version })
    }
  }
}
