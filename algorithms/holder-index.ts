/** One stored list as the index knows it. */
export interface HeldList {
  /** Item numbers: those shown, best first, then the spares. */
  readonly items: ArrayLike<number>
  /** How many of them are shown. */
  readonly size: number
  /** Where in the list's text each of those begins, below 65,536; 0, or none at all, where that is not known. */
  readonly starts?: ArrayLike<number>
  readonly epoch: number
  readonly position: number
  /** Event time of the list, ms. */
  readonly timeMs: number
}

export interface HolderOptions {
  /** Lists at most. */
  readonly listsMax: number
  /** Items of a list with its spares at most; further spares are left out. */
  readonly itemsMax: number
}

const blockLists = 1024
/** The largest start that is kept. */
const startMax = 0xffff

/** Columns of `blockLists` lists. */
interface Block {
  readonly items: Int32Array
  readonly starts: Uint16Array
  readonly sizes: Uint16Array
  readonly counts: Uint16Array
  /** Epoch, position and event time of each. */
  readonly versions: Float64Array
}

/**
 * Which stored lists hold which items: a row of numbers per list, so that 100,000 lists are looked through in milliseconds. A list
 * takes 6 bytes per item, 28 more, and its name.
 */
export class HolderIndex {
  readonly #options: HolderOptions
  readonly #rows = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #blocks: Block[] = []

  constructor(options: HolderOptions) {
    this.#options = options
  }

  /** Lists known by name; those forgotten are among them. */
  get size(): number {
    return this.#keys.length
  }

  keyOf(row: number): string {
    return this.#keys[row]!
  }

  /** The row of a list, −1 if it was never set. */
  rowOf(key: string): number {
    return this.#rows.get(key) ?? -1
  }

  /** Sets a list and answers its row; −1 when the index is full, or more items are shown than fit. */
  set(key: string, list: HeldList): number {
    const { listsMax, itemsMax } = this.#options
    let row = this.rowOf(key)
    if (list.size > itemsMax || (row < 0 && this.#keys.length >= listsMax)) return -1
    if (row < 0) {
      row = this.#keys.push(key) - 1
      this.#rows.set(key, row)
      if (row % blockLists === 0) this.#blocks.push(blockOf(itemsMax))
    }
    const { items, starts, sizes, counts, versions } = this.#blockOf(row)
    const at = row % blockLists
    const count = Math.min(list.items.length, itemsMax)
    for (let n = 0; n < count; n++) {
      const start = list.starts?.[n] ?? 0
      items[at * itemsMax + n] = list.items[n]!
      starts[at * itemsMax + n] = n < list.size && start <= startMax ? start : 0
    }
    sizes[at] = list.size
    counts[at] = count
    versions[3 * at] = list.epoch
    versions[3 * at + 1] = list.position
    versions[3 * at + 2] = list.timeMs
    return row
  }

  /** A list as it was set; its items and their starts are views that the next `set` changes. */
  get(row: number): HeldList & { readonly items: Int32Array; readonly starts: Uint16Array } {
    const { items, starts, sizes, counts, versions } = this.#blockOf(row)
    const at = row % blockLists
    const first = at * this.#options.itemsMax
    return {
      items: items.subarray(first, first + counts[at]!),
      starts: starts.subarray(first, first + sizes[at]!),
      size: sizes[at]!,
      epoch: versions[3 * at]!,
      position: versions[3 * at + 1]!,
      timeMs: versions[3 * at + 2]!,
    }
  }

  /** Takes shown items out of a list; those behind move up. */
  remove(row: number, gone: readonly number[]): void {
    const { items, starts, sizes, counts } = this.#blockOf(row)
    const at = row % blockLists
    const first = at * this.#options.itemsMax
    const end = first + sizes[at]!
    let to = first
    for (let from = first; from < end; from++) {
      if (gone.includes(items[from]!)) continue
      items[to] = items[from]!
      starts[to++] = starts[from]!
    }
    items.copyWithin(to, end, first + counts[at]!)
    sizes[at]! -= end - to
    counts[at]! -= end - to
  }

  /** Forgets what a list holds. */
  forget(key: string): void {
    const row = this.rowOf(key)
    if (row >= 0) this.set(key, { items: [], size: 0, epoch: 0, position: 0, timeMs: 0 })
  }

  /** Rows from `from` up to `to` of the lists that show an item flagged 1 in `isGone`, which is by item number. */
  holders(isGone: Uint8Array, from: number, to: number): number[] {
    const { itemsMax } = this.#options
    const found: number[] = []
    for (let row = from; row < Math.min(to, this.size); row++) {
      const { items, sizes } = this.#blockOf(row)
      const first = (row % blockLists) * itemsMax
      const end = first + sizes[row % blockLists]!
      for (let at = first; at < end; at++) {
        if (isGone[items[at]!] !== 1) continue
        found.push(row)
        break
      }
    }
    return found
  }

  #blockOf(row: number): Block {
    return this.#blocks[Math.floor(row / blockLists)]!
  }
}

function blockOf(itemsMax: number): Block {
  return {
    items: new Int32Array(blockLists * itemsMax),
    starts: new Uint16Array(blockLists * itemsMax),
    sizes: new Uint16Array(blockLists),
    counts: new Uint16Array(blockLists),
    versions: new Float64Array(3 * blockLists),
  }
}
