import type { Random } from '../core/random.ts'
import { categoryLeaves } from './category-tree.ts'
import { draw } from './draw.ts'
import type { ShopCatalogue } from './shop-catalogue.ts'

/** Trends at once. */
const trendsMax = 8

interface Trend {
  readonly leaf: number
  readonly slots: readonly number[]
  readonly strength: number
  readonly endMs: number
}

/** What is hot just now: a leaf, and a few items of it much more. */
export class ShopTrends {
  readonly #leafBoost = new Float32Array(categoryLeaves.length)
  readonly #slotBoost: Float32Array
  #trends: Trend[] = []

  constructor(slotsMax: number) {
    this.#slotBoost = new Float32Array(slotsMax)
  }

  /** What trends add to the utility of an item. */
  boost(slot: number, leaf: number): number {
    return this.#leafBoost[leaf]! + this.#slotBoost[slot]!
  }

  leafBoost(leaf: number): number {
    return this.#leafBoost[leaf]!
  }

  /** Begins a trend, unless enough are running: then false. */
  begin(random: Random, catalogue: ShopCatalogue, endMs: number): boolean {
    if (this.#trends.length >= trendsMax) return false
    const leaf = random.below(categoryLeaves.length)
    const inLeaf = catalogue.inLeaf(leaf)
    const slots: number[] = []
    for (let i = 0; i < 4 && inLeaf.length > 0; i++) slots.push(draw.oneOf(random, inLeaf))
    this.#apply({ leaf, slots: [...new Set(slots)], strength: 0.6 + 0.4 * random.next(), endMs }, 1)
    return true
  }

  /** Ends what is over. */
  endDue(timeMs: number): void {
    for (const trend of this.#trends) if (trend.endMs <= timeMs) this.#apply(trend, -1)
    this.#trends = this.#trends.filter((trend) => trend.endMs > timeMs)
  }

  /** Forgets the boost of a withdrawn item. */
  drop(slot: number): void {
    this.#trends = this.#trends.map((trend) => ({ ...trend, slots: trend.slots.filter((other) => other !== slot) }))
    this.#slotBoost[slot] = 0
  }

  #apply(trend: Trend, sign: 1 | -1): void {
    this.#leafBoost[trend.leaf] = this.#leafBoost[trend.leaf]! + sign * 0.5 * trend.strength
    for (const slot of trend.slots) this.#slotBoost[slot] = this.#slotBoost[slot]! + sign * 1.6 * trend.strength
    if (sign === 1) this.#trends.push(trend)
  }
}
