import type { Observations } from './observations.ts'
import type { Query } from './recommender.ts'

/** What is not recommended again: the newest item, those of the running visit, all of the user, or none. */
export const exclusions = ['none', 'current', 'session', 'user'] as const
export type Exclusion = (typeof exclusions)[number]

const nothing = new Int32Array(0)

/** The items that a list must not have: by `exclude` those of the person who asks, and those not in the catalogue yet. */
export class LeftOut {
  /** Per item 1 if it is left out now; null if that never happens. */
  readonly mask: Uint8Array | null
  readonly #mask: Uint8Array
  readonly #exclude: Exclusion
  readonly #facts: Observations['facts']
  /** Described items that are younger than the first event, oldest first, and how many of them there are by now. */
  readonly #younger: Int32Array
  #there = 0

  /** `timeless`: questions are not in order of time, and so the catalogue is whole from the start. */
  constructor(data: Observations, exclude: Exclusion, options: { readonly timeless: boolean }) {
    this.#exclude = exclude
    this.#facts = data.facts
    this.#mask = new Uint8Array(data.itemIds.length)
    this.#younger = options.timeless ? nothing : youngerItems(data)
    for (const item of this.#younger) this.#mask[item] = 1
    this.mask = exclude === 'none' && this.#younger.length === 0 ? null : this.#mask
  }

  /** Leaves out what must not come in the answer to `query`, and counts it there; `restore` undoes it. */
  apply(query: Query): void {
    for (; this.#there < this.#younger.length; this.#there++) {
      const item = this.#younger[this.#there]!
      if (this.#facts[item]!.createdMs > query.nowMs) break
      this.#mask[item] = 0
    }
    query.excluded = this.mask
    query.excludedCount = 0
    for (const item of this.#of(query)) {
      if (this.#mask[item] === 1) continue
      this.#mask[item] = 1
      query.excludedCount++
    }
  }

  restore(query: Query): void {
    for (const item of this.#of(query)) this.#mask[item] = 0
  }

  /** Somebody touched the item: it is there, whatever the catalogue says. */
  touched(item: number): void {
    if (this.#younger.length > 0) this.#mask[item] = 0
  }

  #of({ sessionItems, userItems }: Query): Int32Array {
    switch (this.#exclude) {
      case 'user':
        return userItems
      case 'session':
        return sessionItems
      case 'current':
        return (sessionItems.length > 0 ? sessionItems : userItems).subarray(-1)
      case 'none':
        return nothing
    }
  }
}

function youngerItems({ facts, timesMs }: Observations): Int32Array {
  const firstMs = timesMs[0]!
  const younger = facts.flatMap((item, number) => (item !== null && item.createdMs > firstMs ? [number] : []))
  return Int32Array.from(younger.sort((a, b) => facts[a]!.createdMs - facts[b]!.createdMs))
}
