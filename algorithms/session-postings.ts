import { invariant } from '../core/invariant.ts'
import { RecencyLists } from './recency-lists.ts'

/** Size of a session that outgrew its limit: known, so that its later events are ignored, but in no item's list. */
const dropped = -1
/** The one list of all sessions. */
const all = 0

/**
 * Who touched what: sessions with their items, and per item the list of its sessions, newest first by the session's newest
 * event, then by larger key. All memory is taken at the start, and an event costs at most its own session's items.
 */
export class SessionPostings {
  readonly itemsPerSessionMax: number
  /** Next place to be written over in each full session; null where a session that is too long is dropped instead. */
  readonly #overwrite: Uint16Array | null
  /** A session's items lie side by side from slot · itemsPerSessionMax. */
  readonly items: Int32Array
  /** Number of items of each slot; -1 for a session that grew too long. */
  readonly sizes: Int32Array
  /** Newest event of each slot, ms. */
  readonly timesMs: Float64Array
  /** Session key of each slot. */
  readonly keys: Float64Array
  /** Per item the nodes (slot · itemsPerSessionMax + place) that hold it. */
  readonly lists: RecencyLists
  readonly #sessions: RecencyLists
  readonly #frequencies: Int32Array
  readonly #slotOf = new Map<number, number>()
  readonly #free: Int32Array
  #freeCount: number
  #droppedCount = 0

  constructor(options: { sessionsMax: number; itemsMax: number; itemsPerSessionMax: number; forgetOldest?: boolean }) {
    const { sessionsMax, itemsMax, itemsPerSessionMax, forgetOldest = false } = options
    invariant(sessionsMax > 0 && itemsMax > 0 && itemsPerSessionMax > 0, 'session index: every size must be at least 1')
    const nodes = sessionsMax * itemsPerSessionMax
    invariant(nodes < 2 ** 31, 'session index: sessionsMax · itemsPerSessionMax must be below 2^31; lower one of them')
    this.itemsPerSessionMax = itemsPerSessionMax
    this.#overwrite = forgetOldest ? new Uint16Array(sessionsMax) : null
    this.items = new Int32Array(nodes)
    this.sizes = new Int32Array(sessionsMax)
    this.timesMs = new Float64Array(sessionsMax)
    this.keys = new Float64Array(sessionsMax)
    this.lists = new RecencyLists({ lists: itemsMax, nodes, nodesPerSlot: itemsPerSessionMax, recency: this })
    this.#sessions = new RecencyLists({ lists: 1, nodes: sessionsMax, nodesPerSlot: 1, recency: this })
    this.#frequencies = new Int32Array(itemsMax)
    this.#free = Int32Array.from({ length: sessionsMax }, (_, n) => sessionsMax - 1 - n)
    this.#freeCount = sessionsMax
  }

  /** Sessions that count: known and not too long. */
  get sessionCount(): number {
    return this.#slotOf.size - this.#droppedCount
  }

  /** Sessions that hold `item`. */
  sessionsOf(item: number): number {
    return this.#frequencies[item] ?? 0
  }

  /** Takes one event; see `SessionIndex.add`. */
  add(key: number, item: number, timeMs: number): boolean {
    if (!(item >= 0 && item < this.#frequencies.length)) return false
    const slot = this.#slotOf.get(key) ?? this.#open(key, timeMs)
    if (timeMs > this.timesMs[slot]!) this.#raise(slot, timeMs)
    const size = this.sizes[slot]!
    if (size === dropped) return true
    const start = slot * this.itemsPerSessionMax
    for (let node = start; node < start + size; node++) if (this.items[node] === item) return true
    if (size < this.itemsPerSessionMax) {
      this.sizes[slot] = size + 1
      this.#list(item, start + size)
    } else if (this.#overwrite) {
      const place = this.#overwrite[slot]!
      this.#overwrite[slot] = (place + 1) % size
      this.#unlist(start + place)
      this.#list(item, start + place)
    } else this.#drop(slot)
    return true
  }

  /** Forgets a session; true if it was known. */
  remove(key: number): boolean {
    const slot = this.#slotOf.get(key)
    if (slot === undefined) return false
    if (this.sizes[slot] === dropped) this.#droppedCount--
    else this.#unlistItems(slot)
    this.#sessions.remove(all, slot)
    this.#slotOf.delete(key)
    this.#free[this.#freeCount++] = slot
    return true
  }

  #open(key: number, timeMs: number): number {
    if (this.#freeCount === 0) this.remove(this.keys[this.#sessions.tail(all)]!)
    const slot = this.#free[--this.#freeCount]!
    this.#slotOf.set(key, slot)
    this.keys[slot] = key
    this.timesMs[slot] = timeMs
    this.sizes[slot] = 0
    if (this.#overwrite) this.#overwrite[slot] = 0
    this.#sessions.insert(all, slot)
    return slot
  }

  /** A newer event: the session moves up in every list it is in. */
  #raise(slot: number, timeMs: number): void {
    this.timesMs[slot] = timeMs
    this.#sessions.raise(all, slot)
    const start = slot * this.itemsPerSessionMax
    for (let node = start; node < start + this.sizes[slot]!; node++) this.lists.raise(this.items[node]!, node)
  }

  #drop(slot: number): void {
    this.#unlistItems(slot)
    this.sizes[slot] = dropped
    this.#droppedCount++
  }

  #unlistItems(slot: number): void {
    const start = slot * this.itemsPerSessionMax
    for (let node = start; node < start + this.sizes[slot]!; node++) this.#unlist(node)
  }

  #list(item: number, node: number): void {
    this.items[node] = item
    this.#frequencies[item]!++
    this.lists.insert(item, node)
  }

  #unlist(node: number): void {
    const item = this.items[node]!
    this.lists.remove(item, node)
    this.#frequencies[item]!--
  }
}
