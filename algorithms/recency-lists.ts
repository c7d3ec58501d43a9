const none = -1

/** When each slot was last touched, ms, and its key: newer first, then larger key first. */
export interface Recency {
  readonly timesMs: Float64Array
  readonly keys: Float64Array
}

/** True if slot `a` comes before slot `b`. */
export function isNewer(recency: Recency, a: number, b: number): boolean {
  const difference = recency.timesMs[a]! - recency.timesMs[b]!
  return difference > 0 || (difference === 0 && recency.keys[a]! > recency.keys[b]!)
}

/**
 * Many doubly linked lists of nodes, each sorted newest first by the slot a node belongs to (slot = node / nodesPerSlot), as
 * threads through typed arrays. An insertion walks from the head or from the list's last insertion (its finger): events in
 * order, and a late stream beside them, find their place in a few steps; only a jump in time walks far.
 */
export class RecencyLists {
  /** Newest node of each list, -1 none. */
  readonly heads: Int32Array
  /** Next older node, -1 none. */
  readonly older: Int32Array
  readonly #newer: Int32Array
  readonly #tails: Int32Array
  readonly #fingers: Int32Array
  readonly #nodesPerSlot: number
  readonly #recency: Recency

  constructor(options: { lists: number; nodes: number; nodesPerSlot: number; recency: Recency }) {
    this.heads = new Int32Array(options.lists).fill(none)
    this.#tails = new Int32Array(options.lists).fill(none)
    this.#fingers = new Int32Array(options.lists).fill(none)
    this.older = new Int32Array(options.nodes)
    this.#newer = new Int32Array(options.nodes)
    this.#nodesPerSlot = options.nodesPerSlot
    this.#recency = options.recency
  }

  /** Oldest node of a list, -1 none. */
  tail(list: number): number {
    return this.#tails[list]!
  }

  /** Puts `node`, which is in no list, into `list`. */
  insert(list: number, node: number): void {
    const slot = this.#slotOf(node)
    let newer = none
    let older = this.heads[list]!
    if (older !== none && !isNewer(this.#recency, slot, this.#slotOf(older))) {
      let at = this.#fingers[list]!
      if (isNewer(this.#recency, slot, this.#slotOf(at))) {
        older = at
        newer = this.#newer[at]!
        while (newer !== none && isNewer(this.#recency, slot, this.#slotOf(newer))) {
          older = newer
          newer = this.#newer[newer]!
        }
      } else {
        while (this.older[at]! !== none && !isNewer(this.#recency, slot, this.#slotOf(this.older[at]!))) at = this.older[at]!
        newer = at
        older = this.older[at]!
      }
    }
    this.#newer[node] = newer
    this.older[node] = older
    if (newer === none) this.heads[list] = node
    else this.older[newer] = node
    if (older === none) this.#tails[list] = node
    else this.#newer[older] = node
    this.#fingers[list] = node
  }

  /** Takes `node` out of `list`. */
  remove(list: number, node: number): void {
    const newer = this.#newer[node]!
    const older = this.older[node]!
    if (newer === none) this.heads[list] = older
    else this.older[newer] = older
    if (older === none) this.#tails[list] = newer
    else this.#newer[older] = newer
    if (this.#fingers[list] === node) this.#fingers[list] = newer === none ? older : newer
  }

  /** Moves `node` towards the head after its slot became newer. */
  raise(list: number, node: number): void {
    const newer = this.#newer[node]!
    if (newer === none || !isNewer(this.#recency, this.#slotOf(node), this.#slotOf(newer))) return
    this.remove(list, node)
    this.insert(list, node)
  }

  #slotOf(node: number): number {
    return (node / this.#nodesPerSlot) | 0
  }
}
