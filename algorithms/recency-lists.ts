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
 * threads through typed arrays. An insertion that is not the newest walks from the head and from the last such insertion (the
 * list's finger) at once: events in order, events a little late, and a whole late stream beside a live one find their place
 * in a few steps; only a jump in time walks far.
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
    const head = this.heads[list]!
    const newer = head === none || this.#isNewer(slot, head) ? none : this.#lastNewer(list, slot)
    const older = newer === none ? head : this.older[newer]!
    this.#newer[node] = newer
    this.older[node] = older
    if (newer === none) this.heads[list] = node
    else this.older[newer] = node
    if (older === none) this.#tails[list] = node
    else this.#newer[older] = node
    if (newer !== none || older === none) this.#fingers[list] = node
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
    if (newer === none || !this.#isNewer(this.#slotOf(node), newer)) return
    this.remove(list, node)
    this.insert(list, node)
  }

  /** The last node that comes before `slot`, in a list whose head does: two walks side by side, the first to arrive wins. */
  #lastNewer(list: number, slot: number): number {
    let fromHead = this.heads[list]!
    let fromFinger = this.#fingers[list]!
    const upwards = this.#isNewer(slot, fromFinger)
    for (;;) {
      const next = this.older[fromHead]!
      if (next === none || this.#isNewer(slot, next)) return fromHead
      fromHead = next
      const beyond = upwards ? this.#newer[fromFinger]! : this.older[fromFinger]!
      if (upwards && !this.#isNewer(slot, beyond)) return beyond
      if (!upwards && (beyond === none || this.#isNewer(slot, beyond))) return fromFinger
      fromFinger = beyond
    }
  }

  #isNewer(slot: number, node: number): boolean {
    return isNewer(this.#recency, slot, this.#slotOf(node))
  }

  #slotOf(node: number): number {
    return (node / this.#nodesPerSlot) | 0
  }
}
