import { isNewer } from './recency-lists.ts'
import type { SessionPostings } from './session-postings.ts'

/** Which sessions are near: see `SessionIndex`. */
export interface Nearness {
  /** Most recent sessions looked at. */
  readonly m: number
  /** Nearest of them kept. */
  readonly k: number
  /** Newest items of the running session that count, at most 30. */
  readonly lastN: number
  /** Weight of an item by its distance from the end of the running session, 0 = newest, given how many items count; asked once each. */
  readonly weightOf: (place: number, length: number) => number
  /** What the sum of weights is multiplied with for one session; without it the sum stands. */
  readonly scaleOf?: (slot: number) => number
  /** Key of a session that is no neighbour: the running one, once it is in the index itself. */
  readonly exceptKey?: number | undefined
}

/**
 * The k sessions nearest to a running one, found by merging the items' lists, newest session first: all lists of
 * `SessionPostings` share one order, so the m most recent candidates fall out one by one with their similarity complete, and
 * neither a hash table nor a sort is needed. Results stay valid until the next `find`.
 */
export class NearestSessions {
  /** Slots of the neighbours, in no order; `size` of them. */
  slots: Int32Array = new Int32Array(64)
  /** Sum of the weights of the shared items, scaled. */
  similarities: Float64Array = new Float64Array(64)
  /** Smallest distance from the end of the running session to a shared item, 0 = newest. */
  positions: Int32Array = new Int32Array(64)
  /** Where that item stands in the neighbour: its node. */
  anchors: Int32Array = new Int32Array(64)
  size = 0
  readonly #postings: SessionPostings
  /** Per list: its next node, that node's slot, the item's distance from the end and the weight of sharing it. */
  readonly #nodes = new Int32Array(32)
  readonly #heads = new Int32Array(32)
  readonly #places = new Int32Array(32)
  readonly #weights = new Float64Array(32)
  #listCount = 0

  constructor(postings: SessionPostings) {
    this.#postings = postings
  }

  /** Finds the neighbours of `current`; returns how many distinct items of it count (0: no neighbours). */
  find(current: Int32Array, nearness: Nearness): number {
    const { m, k, scaleOf, exceptKey } = nearness
    this.size = 0
    if (k > this.slots.length) this.#grow(k)
    const distinct = this.#open(current, nearness)
    const { older } = this.#postings.lists
    const perSession = this.#postings.itemsPerSessionMax
    const nodes = this.#nodes
    const heads = this.#heads
    for (let taken = 0; taken < m && this.#listCount > 0; ) {
      let newest = heads[0]!
      for (let l = 1; l < this.#listCount; l++) {
        if (heads[l] !== newest && isNewer(this.#postings, heads[l]!, newest)) newest = heads[l]!
      }
      let similarity = 0
      let position = current.length
      let anchor = -1
      for (let l = this.#listCount - 1; l >= 0; l--) {
        if (heads[l] !== newest) continue
        similarity += this.#weights[l]!
        const place = this.#places[l]!
        if (place < position) {
          position = place
          anchor = nodes[l]!
        }
        const next = older[nodes[l]!]!
        if (next < 0) this.#close(l)
        else {
          nodes[l] = next
          heads[l] = (next / perSession) | 0
        }
      }
      if (this.#postings.keys[newest] === exceptKey) continue
      taken++
      if (scaleOf !== undefined) similarity *= scaleOf(newest)
      this.#offer(newest, similarity, position, anchor, k)
    }
    return distinct
  }

  /** One list per distinct item that somebody touched, at its newest place; returns the number of distinct items. */
  #open(current: Int32Array, { lastN, weightOf }: Nearness): number {
    const { itemsPerSessionMax } = this.#postings
    const { heads } = this.#postings.lists
    const first = Math.max(0, current.length - lastN)
    let distinct = 0
    this.#listCount = 0
    for (let at = current.length - 1; at >= first; at--) {
      const item = current[at]!
      let repeated = false
      for (let later = at + 1; later < current.length && !repeated; later++) repeated = current[later] === item
      if (repeated) continue
      distinct++
      const weight = weightOf(current.length - 1 - at, current.length - first)
      const node = heads[item] ?? -1
      if (node < 0) continue
      const l = this.#listCount++
      this.#nodes[l] = node
      this.#heads[l] = (node / itemsPerSessionMax) | 0
      this.#places[l] = current.length - 1 - at
      this.#weights[l] = weight
    }
    return distinct
  }

  /** Takes an exhausted list out; the last one moves into its place. */
  #close(l: number): void {
    const last = --this.#listCount
    this.#nodes[l] = this.#nodes[last]!
    this.#heads[l] = this.#heads[last]!
    this.#places[l] = this.#places[last]!
    this.#weights[l] = this.#weights[last]!
  }

  /**
   * Keeps the k most similar in a heap whose root is the worst. Candidates come newest first, so on equal similarity the one
   * already kept stays; among equals at the root the oldest must go first, hence the recency in the heap's order.
   */
  #offer(slot: number, similarity: number, position: number, anchor: number, k: number): void {
    if (this.size < k) {
      this.#siftUp(this.size++, slot, similarity, position, anchor)
    } else if (similarity > this.similarities[0]!) {
      this.#siftDown(slot, similarity, position, anchor)
    }
  }

  #isWorse(slot: number, similarity: number, at: number): boolean {
    const other = this.similarities[at]!
    return similarity < other || (similarity === other && isNewer(this.#postings, this.slots[at]!, slot))
  }

  #siftUp(start: number, slot: number, similarity: number, position: number, anchor: number): void {
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(slot, similarity, parent)) break
      this.#copy(parent, at)
      at = parent
    }
    this.#put(at, slot, similarity, position, anchor)
  }

  #siftDown(slot: number, similarity: number, position: number, anchor: number): void {
    let at = 0
    while (2 * at + 1 < this.size) {
      let child = 2 * at + 1
      if (child + 1 < this.size && this.#isWorse(this.slots[child + 1]!, this.similarities[child + 1]!, child)) child++
      if (!this.#isWorseThan(child, slot, similarity)) break
      this.#copy(child, at)
      at = child
    }
    this.#put(at, slot, similarity, position, anchor)
  }

  #isWorseThan(at: number, slot: number, similarity: number): boolean {
    const other = this.similarities[at]!
    return other < similarity || (other === similarity && isNewer(this.#postings, slot, this.slots[at]!))
  }

  #copy(from: number, to: number): void {
    this.slots[to] = this.slots[from]!
    this.similarities[to] = this.similarities[from]!
    this.positions[to] = this.positions[from]!
    this.anchors[to] = this.anchors[from]!
  }

  #put(at: number, slot: number, similarity: number, position: number, anchor: number): void {
    this.slots[at] = slot
    this.similarities[at] = similarity
    this.positions[at] = position
    this.anchors[at] = anchor
  }

  #grow(k: number): void {
    this.slots = new Int32Array(k)
    this.similarities = new Float64Array(k)
    this.positions = new Int32Array(k)
    this.anchors = new Int32Array(k)
  }
}
