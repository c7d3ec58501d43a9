interface Entry {
  readonly timeMs: number
  readonly order: number
  readonly action: () => void
}

/** What happens next in simulated time: a binary heap; equal times come out in the order they went in. */
export class TimeQueue {
  readonly #heap: Entry[] = []
  #order = 0

  /** Entries waiting. */
  get size(): number {
    return this.#heap.length
  }

  /** Time of the first entry, or Infinity. */
  get nextMs(): number {
    return this.#heap[0]?.timeMs ?? Number.POSITIVE_INFINITY
  }

  push(timeMs: number, action: () => void): void {
    const heap = this.#heap
    const entry = { timeMs, order: this.#order++, action }
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  /** Removes and returns the first entry's action; undefined when empty. */
  pop(): (() => void) | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last) return undefined
    if (heap.length > 0) this.#sink(last)
    return first.action
  }

  #sink(entry: Entry): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, entry)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = entry
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}
