import { Complements } from '../../algorithms/complements.ts'
import { insertBest } from '../../algorithms/top-k.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec, RecommenderWorld } from '../recommender.ts'

/**
 * `shrinkage`, `togetherMin`: see algorithms/complements.ts. `each`: complements looked up per item of the basket. `last`: newest items
 * of the basket that are looked up. `quietMinutes`: a basket is counted once nothing came for so long.
 */
const defaults = { shrinkage: 5, togetherMin: 5, each: 100, last: 50, quietMinutes: 30 }
type ComplementsSettings = typeof defaults

/** Baskets that are open at once; the one longest quiet is counted early. */
const openMax = 10_000

interface OpenBasket {
  readonly items: number[]
  lastMs: number
}

/** Σ ln lift over the items of the basket: what is bought with each of them more often than by chance. */
class BasketComplements implements Recommender {
  readonly #settings: ComplementsSettings
  readonly #complements: Complements
  readonly #groupOf: ((item: number) => number) | undefined
  /** By session, the one longest quiet first. */
  readonly #open = new Map<number, OpenBasket>()

  constructor({ facts }: RecommenderWorld, settings: ComplementsSettings) {
    this.#settings = settings
    this.#complements = new Complements({ shrinkage: settings.shrinkage, togetherMin: settings.togetherMin })
    this.#groupOf = groupsOf(facts)
  }

  learn({ session, item, timeMs }: Observation): void {
    const basket = this.#open.get(session) ?? { items: [], lastMs: timeMs }
    basket.items.push(item)
    basket.lastMs = timeMs
    this.#open.delete(session)
    this.#open.set(session, basket)
    for (const [key, { items, lastMs }] of this.#open) {
      if (timeMs - lastMs < this.#settings.quietMinutes * 60_000 && this.#open.size <= openMax) break
      this.#complements.observe(items)
      this.#open.delete(key)
    }
  }

  recommend({ sessionItems, userItems, excluded }: Query, n: number, out: RankedList): void {
    const basket = new Set((sessionItems.length > 0 ? sessionItems : userItems).slice(-this.#settings.last))
    const sums = new Map<number, number>()
    for (const item of basket) {
      const { indices, scores } = this.#complements.of(item, this.#settings.each, this.#groupOf)
      for (let at = 0; at < indices.length; at++) sums.set(indices[at]!, (sums.get(indices[at]!) ?? 0) + Math.log(scores[at]!))
    }
    const items = out.items.subarray(0, n)
    let filled = 0
    for (const [item, sum] of sums)
      if (excluded === null || excluded[item] === 0) filled = insertBest(items, out.scores, filled, item, sum)
    out.count = filled
  }
}

/** Number of each item's leaf category, a number of its own for an item without; undefined where no item has one. */
function groupsOf(facts: RecommenderWorld['facts']): ((item: number) => number) | undefined {
  const numbers = new Map<string, number>()
  const groups = facts.map((item, n) => {
    const leaf = item?.category.join(' > ') ?? ''
    if (leaf === '') return -1 - n
    if (!numbers.has(leaf)) numbers.set(leaf, numbers.size)
    return numbers.get(leaf)!
  })
  return numbers.size === 0 ? undefined : (item) => groups[item]!
}

export const complements: RecommenderSpec<ComplementsSettings> = {
  name: 'complements',
  summary: 'What is bought together more often than by chance: lift over baskets (Brin, Motwani, Silverstein, SIGMOD 1997).',
  defaults,
  create: (world, settings) => new BasketComplements(world, settings),
}
