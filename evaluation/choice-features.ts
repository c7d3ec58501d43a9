import type { CandidatePool } from './candidate-pool.ts'
import type { Query } from './recommender.ts'
import { type TouchMemory, touchKinds } from './touch-memory.ts'

/** Columns per source: score share, 1/place, 1/√place, first, listed, and score share for those of whom little is known. */
const sourceColumns = 6
/** Half-lives of what a person did with an item, ms. */
const fadesMs = [3_600_000, 86_400_000, 14 * 86_400_000] as const
/** Columns of the item and of the person with it, as `write` fills them. */
const otherColumns = 14 + touchKinds.length * (1 + fadesMs.length)
/** What shows an item that was never touched, or so long ago that it does not matter. */
const agesMax = 365 * 86_400_000

/**
 * The input of the learned ranker: per candidate the sources' opinions, what everybody did with the item and what this person did
 * with it. Everything lies within [0, 1] or [−1, 1], and nothing is in it that is the same for all candidates.
 */
export class ChoiceFeatures {
  readonly width: number
  readonly #pool: CandidatePool
  readonly #memory: TouchMemory
  readonly #sources: number
  readonly #touches: boolean

  /** Without `touches` the columns of what this person did with the item stay 0. */
  constructor(pool: CandidatePool, memory: TouchMemory, { sources, touches }: { sources: number; touches: boolean }) {
    this.#pool = pool
    this.#memory = memory
    this.#sources = sources
    this.#touches = touches
    this.width = sources * sourceColumns + otherColumns
  }

  /** Writes a row of `width` numbers per candidate of the pool into `rows`. */
  write(query: Readonly<Query>, rows: Float32Array): void {
    const { items } = this.#pool
    const session = new Set(query.sessionItems)
    const newest = query.userItems.at(-1) ?? query.sessionItems.at(-1)
    for (let candidate = 0; candidate < items.length; candidate++) {
      const row = rows.subarray(candidate * this.width, (candidate + 1) * this.width)
      const at = this.#writeSources(row, candidate, query)
      const item = items[candidate]!
      row[at] = session.has(item) ? 1 : 0
      row[at + 1] = item === newest ? 1 : 0
      this.#writeItem(row, at + 2, item, query)
    }
  }

  #writeSources(row: Float32Array, candidate: number, { userItems }: Readonly<Query>): number {
    const stranger = 1 / (1 + userItems.length)
    for (let source = 0; source < this.#sources; source++) {
      const at = source * sourceColumns
      const place = this.#pool.place(candidate, source)
      const share = this.#pool.share(candidate, source)
      row[at] = share
      row[at + 1] = place < 0 ? 0 : 1 / (1 + place)
      row[at + 2] = place < 0 ? 0 : 1 / Math.sqrt(1 + place)
      row[at + 3] = place === 0 ? 1 : 0
      row[at + 4] = place < 0 ? 0 : 1
      row[at + 5] = share * stranger
    }
    return this.#sources * sourceColumns
  }

  #writeItem(row: Float32Array, from: number, item: number, { user, nowMs, userItems }: Readonly<Query>): void {
    const memory = this.#memory
    const popularity = memory.popularity(item)
    const quietMs = Math.min(agesMax, nowMs - memory.lastMs(item))
    const person = memory.person(user)
    const touch = person?.touches.get(item)
    row[from] = popularity
    row[from + 1] = popularity / (1 + userItems.length)
    row[from + 2] = memory.targetShare(item)
    row[from + 3] = 1 - Math.log1p(quietMs / 60_000) / Math.log1p(agesMax / 60_000)
    let at = from + 4
    row.fill(0, at, row.length)
    if (!this.#touches || person === null || touch === undefined) return
    // How often this person comes back to what they know, in general.
    const returns = (person.repeats + 1) / (person.targets + 2)
    row[at++] = 1
    row[at++] = returns
    row[at++] = touch.count === 1 ? 1 : 0
    row[at++] = Math.min(1, Math.log1p(touch.count) / 4)
    row[at++] = Math.min(1, Math.log1p(touch.bought) / 4)
    row[at++] = touch.count / person.events
    row[at++] = 1 / (1 + person.touches.size)
    row[at++] = touch.bought > 0 && touch.count > touch.bought ? 1 : 0
    for (const lastMs of touch.lastMs) {
      const known = lastMs > Number.NEGATIVE_INFINITY
      row[at++] = known ? 1 : 0
      for (const fadeMs of fadesMs) row[at++] = known ? 2 ** (-(nowMs - lastMs) / fadeMs) : 0
    }
  }
}
