import { categoryLeaves, styles } from './category-tree.ts'
import { brandCount, type ShopCatalogue } from './shop-catalogue.ts'
import type { ShopPeople } from './shop-people.ts'
import type { ShopTrends } from './shop-trends.ts'

const leafCount = categoryLeaves.length
const styleCount = styles.length
/** Even what fits best is clicked no more often than this when looked at. */
const clickMax = 0.8
const bias = -4.65
/** Time after which an item counts as half as new, ms. */
const newHalfLifeMs = 12 * 3_600_000

/** What the choice depends on beyond person and item: what the visit is for and what it has seen. */
export interface VisitState {
  /** Leaf that the visit is about. */
  readonly goalLeaf: number
  /** Slots opened in this visit. */
  readonly opened: readonly number[]
}

/**
 * How people choose: the click probability is examination times attractiveness. Examination of position k is 1 / (1 + .25 k).
 * Attractiveness is a logistic function of taste (leaf, brand, style), price fit, quality, trends, novelty, the visit's goal
 * and what was bought or opened already.
 */
export class ChoiceModel {
  readonly #people: ShopPeople
  readonly #catalogue: ShopCatalogue
  readonly #trends: ShopTrends

  constructor(people: ShopPeople, catalogue: ShopCatalogue, trends: ShopTrends) {
    this.#people = people
    this.#catalogue = catalogue
    this.#trends = trends
  }

  /** Probability that a position (0-based) is looked at. */
  examination(position: number): number {
    return 1 / (1 + 0.25 * position)
  }

  /** How much a person likes an item in itself, without the visit: about -2 to 5. */
  liking(person: number, slot: number): number {
    const people = this.#people
    const catalogue = this.#catalogue
    const gap = catalogue.priceLevel[slot]! - people.priceLevel[person]!
    return (
      0.85 * people.leafTaste[person * leafCount + catalogue.leaf[slot]!]! +
      0.45 * people.brandTaste[person * brandCount + catalogue.brand[slot]!]! +
      0.6 * people.styleTaste[person * styleCount + catalogue.style[slot]!]! +
      0.85 * catalogue.quality[slot]! -
      0.2 * Math.min(9, gap * gap)
    )
  }

  /** Probability of a click on an item that is looked at, 0–`clickMax`; `visit` null = between visits. */
  attractiveness(person: number, slot: number, timeMs: number, visit: VisitState | null): number {
    const catalogue = this.#catalogue
    let utility = bias + this.liking(person, slot) + this.#trends.boost(slot, catalogue.leaf[slot]!)
    const ageMs = timeMs - catalogue.createdMs[slot]!
    if (ageMs < 8 * newHalfLifeMs) utility += 1.2 * this.#people.noveltySeeking[person]! * 2 ** (-ageMs / newHalfLifeMs)
    if (visit !== null) {
      utility += this.#goalFit(visit.goalLeaf, catalogue.leaf[slot]!)
      if (visit.opened.includes(slot)) utility -= 2
    }
    if (this.#people.hasBought(person, catalogue.number[slot]!)) utility -= 2.5
    const chance = clickMax / (1 + Math.exp(-utility))
    return catalogue.stock[slot] === 0 ? 0.2 * chance : chance
  }

  #goalFit(goal: number, leaf: number): number {
    if (goal === leaf) return 2.2
    const wanted = categoryLeaves[goal]!
    if (wanted.complement === leaf) return 1
    return wanted.top === categoryLeaves[leaf]!.top ? 0.5 : 0
  }
}
