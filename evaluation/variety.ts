import { intraListDiversity, miscalibration, serendipity } from '../algorithms/list-diversity.ts'
import type { Item } from '../schemas/item.ts'
import type { SampledList } from './contestant-tally.ts'
import type { Observations } from './observations.ts'

/** Visits or users that similarity is counted over at most. */
const ownersMax = 20_000
/** Similarities kept at most: lists are full of the same popular items, whose sets are the long ones. */
const keptMax = 1_000_000

/** Measures of whole lists; null where the data cannot say. */
export interface Variety {
  /** Mean 1 − similarity of the pairs of a list. */
  readonly diversity: number | null
  /** Mean relevance · (1 − similarity to the history). */
  readonly serendipity: number | null
  /** Kullback–Leibler divergence of the list's categories from the history's, nats; null without categories. */
  readonly calibration: number | null
}

/**
 * Similarity of two items = cosine of the visits (or users) that hold both, over at most 20,000 of them spread over the whole
 * data: the same yardstick for every algorithm, and never shown to one.
 */
export class VarietyMeasure {
  readonly #owners: readonly Int32Array[]
  readonly #categories: readonly (Int32Array | null)[]
  readonly #categoryCount: number
  readonly #kept = new Map<number, number>()

  constructor(data: Observations, context: 'session' | 'user') {
    this.#owners = ownersOf(data, context)
    const numbers = new Map<string, number>()
    this.#categories = data.facts.map((item) => (item === null ? null : categoriesOf(item, numbers)))
    this.#categoryCount = numbers.size
  }

  /** Means over lists for which the measure is defined. */
  of(samples: readonly SampledList[]): Variety {
    const similarity = (a: number, b: number) => this.#remembered(a, b)
    const means = { diversity: new Mean(), serendipity: new Mean(), calibration: new Mean() }
    for (const { items, history, relevance } of samples) {
      means.diversity.add(intraListDiversity(items, similarity))
      means.serendipity.add(serendipity(items, relevance, history, similarity))
      means.calibration.add(this.#miscalibration(history, items))
    }
    return {
      diversity: means.diversity.value(),
      serendipity: means.serendipity.value(),
      calibration: means.calibration.value(),
    }
  }

  #remembered(a: number, b: number): number {
    const pair = Math.min(a, b) * this.#owners.length + Math.max(a, b)
    const known = this.#kept.get(pair)
    if (known !== undefined) return known
    const found = this.similarity(a, b)
    if (this.#kept.size >= keptMax) this.#kept.clear()
    this.#kept.set(pair, found)
    return found
  }

  /** Cosine of the owners of two items, in [0, 1]; 0 for one that no counted owner holds. */
  similarity(a: number, b: number): number {
    if (a === b) return 1
    const first = this.#owners[a]!
    const second = this.#owners[b]!
    if (first.length === 0 || second.length === 0) return 0
    let both = 0
    for (let i = 0, j = 0; i < first.length && j < second.length; ) {
      const difference = first[i]! - second[j]!
      if (difference === 0) both++
      if (difference <= 0) i++
      if (difference >= 0) j++
    }
    return both / Math.sqrt(first.length * second.length)
  }

  #miscalibration(history: Int32Array, list: Int32Array): number | null {
    if (this.#categoryCount === 0) return null
    const before = this.#shares(history)
    const now = this.#shares(list)
    return before === null || now === null ? null : miscalibration(before, now)
  }

  /** How items spread over categories; an item of several counts in parts. Null where no item has one. */
  #shares(items: Int32Array): Float64Array | null {
    const shares = new Float64Array(this.#categoryCount)
    let described = 0
    for (const item of items) {
      const categories = this.#categories[item]
      if (!categories || categories.length === 0) continue
      described++
      for (const category of categories) shares[category]! += 1 / categories.length
    }
    if (described === 0) return null
    for (let n = 0; n < shares.length; n++) shares[n]! /= described
    return shares
  }
}

/** Per item the counted owners that hold it, ascending. */
function ownersOf({ count, items, sessions, users, sessionCount, userIds, itemIds }: Observations, context: 'session' | 'user') {
  const owners = context === 'session' ? sessions : users
  const every = Math.max(1, Math.ceil((context === 'session' ? sessionCount : userIds.length) / ownersMax))
  const found: Set<number>[] = itemIds.map(() => new Set())
  for (let row = 0; row < count; row++) if (owners[row]! % every === 0) found[items[row]!]!.add(owners[row]!)
  return found.map((set) => Int32Array.from(set).sort())
}

function categoriesOf({ category, tags }: Item, numbers: Map<string, number>): Int32Array {
  const names = tags.length > 0 ? tags : category.slice(0, 1)
  return Int32Array.from(names, (name) => {
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, numbers.size)
    return numbers.size - 1
  })
}

class Mean {
  #sum = 0
  #count = 0

  add(value: number | null): void {
    if (value === null) return
    this.#sum += value
    this.#count++
  }

  value(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }
}
