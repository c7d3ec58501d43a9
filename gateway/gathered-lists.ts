import type { ListStore } from '../ports/list-store.ts'

/** Keys of one read at most: a store answers nobody else meanwhile. */
const keysMax = 120

interface Waiting {
  readonly keys: readonly string[]
  resolve(values: readonly (string | null)[]): void
  reject(error: unknown): void
}

/**
 * Joins the reads of one turn of the event loop into one: a crowd then costs the store connection few messages instead of one each.
 * A read that stands alone goes out in the same turn. What waits is bounded by the requests that one turn can bring.
 */
export class GatheredLists implements Pick<ListStore, 'get'> {
  readonly #lists: Pick<ListStore, 'get'>
  #waiting: Waiting[] = []

  constructor(lists: Pick<ListStore, 'get'>) {
    this.#lists = lists
  }

  /** One value per key, null where absent. Errors: `MILL_STORE_UNAVAILABLE`, to all whose reads went together. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#send())
      this.#waiting.push({ keys, resolve, reject })
    })
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let from = 0; from < waiting.length; ) {
      let to = from
      let count = 0
      while (to < waiting.length && (to === from || count + waiting[to]!.keys.length <= keysMax))
        count += waiting[to++]!.keys.length
      void this.#read(waiting.slice(from, to))
      from = to
    }
  }

  async #read(together: readonly Waiting[]): Promise<void> {
    try {
      const values = await this.#lists.get(together.flatMap(({ keys }) => keys))
      let from = 0
      for (const { keys, resolve } of together) {
        resolve(values.slice(from, from + keys.length))
        from += keys.length
      }
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
  }
}
