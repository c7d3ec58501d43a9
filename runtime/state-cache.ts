/** A remembered absence: the key was read and nothing was stored. */
export const absent = Symbol('absent')

/**
 * Decoded state values of one family of a task, bounded: two generations of `keysMax / 2` keys; a hit in the old one moves the key to
 * the young one, and when the young one is full the old one is forgotten. Only the task writes its keys, so nothing here goes stale.
 */
export class StateCache {
  readonly #generationMax: number
  #young = new Map<string, unknown>()
  #old = new Map<string, unknown>()

  constructor(keysMax: number) {
    this.#generationMax = Math.max(1, keysMax >> 1)
  }

  /** The value, `absent`, or undefined if the key is not held. */
  get(key: string): unknown {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: unknown): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
