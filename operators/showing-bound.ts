import type { StateFamily, Transaction } from '../ports/batch.ts'
import { type OpenCounts, openCountsSchema } from '../schemas/reward-state.ts'

export const openCountsFamily: StateFamily<OpenCounts> = { name: 'open-counts', codec: openCountsSchema }

/** Parts of the longest wait: how finely it is known what is over. */
const parts = 64

/**
 * Bounds the showings that a task holds open. It counts by the time of the showings alone, never by what was already closed, so that how
 * far the other input has come does not decide who is taken in.
 */
export class ShowingBound {
  readonly #transaction: Transaction
  readonly #waitMs: number
  readonly #openMax: number

  constructor(transaction: Transaction, waitMs: number, openMax: number) {
    this.#transaction = transaction
    this.#waitMs = waitMs
    this.#openMax = openMax
  }

  /** Call once per batch, first. */
  load(): Promise<void> {
    return this.#transaction.load(openCountsFamily, [''])
  }

  /** Takes a showing of `timeMs` in unless the task is full; `watermarkMs`: how far the showings' own input has come. */
  admit(timeMs: number, watermarkMs: number): boolean {
    const state = this.#transaction.get(openCountsFamily, '') ?? { parts: [], counts: [] }
    const partMs = Math.ceil(this.#waitMs / parts)
    while (state.parts.length > 0 && (state.parts[0]! + 1) * partMs + this.#waitMs <= watermarkMs) {
      state.parts.shift()
      state.counts.shift()
    }
    this.#transaction.put(openCountsFamily, '', state)
    if (state.counts.reduce((sum, count) => sum + count, 0) >= this.#openMax) return false
    const part = Math.floor(timeMs / partMs)
    let at = state.parts.length
    while (at > 0 && state.parts[at - 1]! > part) at--
    if (at > 0 && state.parts[at - 1] === part) state.counts[at - 1]!++
    else {
      state.parts.splice(at, 0, part)
      state.counts.splice(at, 0, 1)
    }
    return true
  }
}
