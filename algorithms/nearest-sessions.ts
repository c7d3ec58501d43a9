import { isNewer } from './recency-lists.ts'
import type { SessionPostings } from './session-postings.ts'

/**
 * The k sessions nearest to a running one, found by merging the items' lists, newest session first: all lists of
 * `SessionPostings` share one order, so the m most recent candidates fall out one by one with their similarity complete, and
 * neither a hash table nor a sort is needed. Results stay valid until the next `find`.
 */
export class NearestSessions {
  /** Slots of the neighbours, in no order; `size` of them. */
  slots: Int32Array = new Int32Array(64)
  /** Similarity times the number of distinct items: a whole number. */
  similarities: Int32Array = new Int32Array(64)
  /** Smallest distance from the end of the running session to a shared item, 0 = newest. */
  positions: Int32Array = new Int32Array(64)
  size = 0
  readonly #postings: SessionPostings
  /** Per list: its next node, that node's slot, and the item's distance from the end. */
  readonly #nodes = new Int32Array(32)
  readonly #heads = new Int32Array(32)
  readonly #places = new Int32Array(32)
  #listCount = 0

  constructor(postings: SessionPostings) {
    this.#postings = postings
  }

  /** Fills the neighbours of `current[first..]`; returns its number of distinct items (0: none known, no neighbours). */
  find(current: Int32Array, first: number, m: number, k: number): number {
    this.size = 0
    if (k > this.slots.length) this.#grow(k)
    const distinct = this.#open(current, first)
    const { older } = this.#postings.lists
    const perSession = this.#postings.itemsPerSessionMax
    const length = current.length - first
    const nodes = this.#nodes
    const heads = this.#heads
    let lists = this.#listCount
    for (let taken = 0; taken < m && lists > 0; taken++) {
      let newest = heads[0]!
      for (let l = 1; l < lists; l++) if (heads[l] !== newest && isNewer(this.#postings, heads[l]!, newest)) newest = heads[l]!
      let similarity = 0
      let position = length
      for (let l = lists - 1; l >= 0; l--) {
        if (heads[l] !== newest) continue
        const place = this.#places[l]!
        similarity += length - place
        if (place < position) position = place
        const next = older[nodes[l]!]!
        if (next >= 0) {
          nodes[l] = next
          heads[l] = (next / perSession) | 0
        } else {
          lists--
          nodes[l] = nodes[lists]!
          heads[l] = heads[lists]!
          this.#places[l] = this.#places[lists]!
        }
      }
      this.#offer(newest, similarity, position, k)
    }
    return distinct
  }

  /** One list per distinct item that somebody touched, at its newest place; returns the number of distinct items. */
  #open(current: Int32Array, first: number): number {
    const { itemsPerSessionMax } = this.#postings
    const { heads } = this.#postings.lists
    let distinct = 0
    this.#listCount = 0
    for (let at = current.length - 1; at >= first; at--) {
      const item = current[at]!
      let repeated = false
      for (let later = at + 1; later < current.length && !repeated; later++) repeated = current[later] === item
      if (repeated) continue
      distinct++
      const node = heads[item] ?? -1
      if (node < 0) continue
      this.#nodes[this.#listCount] = node
      this.#heads[this.#listCount] = (node / itemsPerSessionMax) | 0
      this.#places[this.#listCount] = current.length - 1 - at
      this.#listCount++
    }
    return distinct
  }

  /**
   * Keeps the k most similar in a heap whose root is the worst. Candidates come newest first, so on equal similarity the one
   * already kept stays; among equals at the root the oldest must go first, hence the recency in the heap's order.
   */
  #offer(slot: number, similarity: number, position: number, k: number): void {
    if (this.size < k) {
      this.#siftUp(this.size++, slot, similarity, position)
    } else if (similarity > this.similarities[0]!) {
      this.#siftDown(slot, similarity, position)
    }
  }

  #isWorse(slot: number, similarity: number, at: number): boolean {
    const other = this.similarities[at]!
    return similarity < other || (similarity === other && isNewer(this.#postings, this.slots[at]!, slot))
  }

  #siftUp(start: number, slot: number, similarity: number, position: number): void {
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(slot, similarity, parent)) break
      this.#copy(parent, at)
      at = parent
    }
    this.#put(at, slot, similarity, position)
  }

  #siftDown(slot: number, similarity: number, position: number): void {
    let at = 0
    while (2 * at + 1 < this.size) {
      let child = 2 * at + 1
      if (child + 1 < this.size && this.#isWorse(this.slots[child + 1]!, this.similarities[child + 1]!, child)) child++
      if (!this.#isWorseThan(child, slot, similarity)) break
      this.#copy(child, at)
      at = child
    }
    this.#put(at, slot, similarity, position)
  }

  #isWorseThan(at: number, slot: number, similarity: number): boolean {
    const other = this.similarities[at]!
    return other < similarity || (other === similarity && isNewer(this.#postings, slot, this.slots[at]!))
  }

  #copy(from: number, to: number): void {
    this.slots[to] = this.slots[from]!
    this.similarities[to] = this.similarities[from]!
    this.positions[to] = this.positions[from]!
  }

  #put(at: number, slot: number, similarity: number, position: number): void {
    this.slots[at] = slot
    this.similarities[at] = similarity
    this.positions[at] = position
  }

  #grow(k: number): void {
    this.slots = new Int32Array(k)
    this.similarities = new Int32Array(k)
    this.positions = new Int32Array(k)
  }
}
