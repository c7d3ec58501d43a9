import type { Random } from '../core/random.ts'
import { categoryLeaves, styles } from './category-tree.ts'
import type { VisitState } from './choice-model.ts'
import { draw } from './draw.ts'
import type { EventParts, ShopWorld, Visitor } from './shop-world.ts'
import type { ShownList } from './storefront.ts'

type Shown = { readonly listId: string; readonly position: number } | undefined
interface Interest {
  readonly slot: number
  /** Number of the item that was in the slot: another may have come since. */
  readonly number: number
  readonly shown: Shown
}

const leafCount = categoryLeaves.length
const sampleSize = 12
const cartMax = 6
const openedMax = 24

/**
 * One visit of one person: it has a goal (a leaf, to browse or to buy), looks at lists and at categories, opens, likes, puts into
 * the cart, buys, adds what goes with it, and ends. Its random choices come from its own generator, so visits do not disturb
 * each other.
 */
export class ShopVisit implements VisitState, Visitor {
  readonly person: number
  readonly sessionId: string
  readonly device: Visitor['device']
  readonly goalLeaf: number
  readonly opened: number[] = []
  readonly #world: ShopWorld
  readonly #random: Random
  readonly #isBuying: boolean
  readonly #cart: Interest[] = []
  readonly #waiting: Interest[] = []
  #patience: number
  #events = 0

  constructor(world: ShopWorld, person: number, sessionId: string, startMs: number) {
    this.#world = world
    this.person = person
    this.sessionId = sessionId
    const random = world.randomFor(sessionId)
    this.#random = random
    this.device = world.people.device(person, random)
    const scores = world.people.leafTaste.subarray(person * leafCount, (person + 1) * leafCount)
    this.goalLeaf = draw.softmax(
      random,
      scores.map((taste, leaf) => 1.3 * taste + 1.5 * world.trends.leafBoost(leaf)),
    )
    this.#isBuying = random.next() < 0.35
    this.#patience = 3 + Math.floor(draw.exponential(random, 4))
    world.at(startMs, () => (random.next() < 0.4 ? this.#home(startMs) : this.#browse(startMs)))
  }

  /**
   * Probability that an item opened now is bought in this visit: it is put into the cart, and the cart is paid. Not foreseen is what
   * comes in between: that others buy the last piece, or that the cart is full by then.
   */
  purchaseChance(slot: number): number {
    return this.#cannotTake(slot) ? 0 : this.#cartChance(slot) * this.#payChance
  }

  /** Probability that an item that was opened is put into the cart. */
  #cartChance(slot: number): number {
    return (this.#isBuying ? 0.4 : 0.1) * this.#fit(slot)
  }

  /** Probability that a cart is paid in the end. */
  get #payChance(): number {
    return this.#isBuying ? 0.8 : 0.4
  }

  /** How well an item is liked once it is open, 0–1. */
  #fit(slot: number): number {
    return 1 / (1 + Math.exp(1.5 - this.#world.choice.liking(this.person, slot)))
  }

  #next(timeMs: number): void {
    const interest = this.#waiting.shift()
    if (interest) this.#open(interest, timeMs)
    else if (this.#patience-- <= 0) this.#checkOut(timeMs)
    else if (this.#random.next() < 0.45) this.#home(timeMs)
    else this.#browse(timeMs)
  }

  #later(timeMs: number, meanMs: number): void {
    const nextMs = timeMs + 1000 + Math.floor(draw.exponential(this.#random, meanMs))
    this.#world.at(nextMs, () => this.#next(nextMs))
  }

  #emit(parts: EventParts): void {
    this.#events++
    this.#world.emit(this, parts)
  }

  /** The home page: a list is shown, and what is clicked is opened one after the other. */
  #home(timeMs: number): void {
    this.#world.show(this.person, timeMs, (list) => {
      if (list !== null) this.#look(list, timeMs)
      this.#later(timeMs, 2500)
    })
  }

  #look(list: ShownList, timeMs: number): void {
    const { choice, catalogue } = this.#world
    let expected = 0
    let worst: Interest | undefined
    const items = list.items.slice(0, this.#world.slots)
    for (const [position, itemId] of items.entries()) {
      const slot = catalogue.slotOf(itemId)
      if (slot < 0) continue
      const examined = choice.examination(position)
      const attractive = choice.attractiveness(this.person, slot, timeMs, this)
      expected += examined * attractive
      const interest = { slot, number: catalogue.number[slot]!, shown: { listId: list.listId, position } }
      const chance = this.#random.next()
      if (chance < examined * attractive) this.#waiting.push(interest)
      else if (chance > 0.995 && choice.liking(this.person, slot) < -0.5) worst = interest
    }
    this.#world.noteShown(list.policy, items.length, this.#waiting.length, expected)
    if (worst) this.#emit({ type: 'dismiss', slot: worst.slot, timeMs: timeMs + 1500, shown: worst.shown })
  }

  /** On their own: a search, or a look into the goal's category or one they like. */
  #browse(timeMs: number): void {
    const { people, catalogue } = this.#world
    const onGoal = this.#random.next() < 0.75
    const taste = people.leafTaste.subarray(this.person * leafCount, (this.person + 1) * leafCount)
    const leaf = onGoal ? this.goalLeaf : draw.softmax(this.#random, taste)
    const slot = this.#pick(leaf)
    if (slot < 0) {
      this.#later(timeMs, 3000)
      return
    }
    let viewMs = timeMs
    if (this.#random.next() < 0.25) {
      const style = this.#random.next() < 0.4 ? `${styles[catalogue.style[slot]!]!} ` : ''
      this.#emit({ type: 'search', slot: -1, timeMs, query: style + catalogue.noun(slot) })
      viewMs += 1000 + this.#random.below(3000)
    }
    const interest = this.#interestIn(slot)
    this.#world.at(viewMs, () => this.#open(interest, viewMs))
  }

  /** What catches the eye among a handful of a category's items. */
  #pick(leaf: number): number {
    const { catalogue, choice, trends } = this.#world
    const inLeaf = catalogue.inLeaf(leaf)
    if (inLeaf.length === 0) return -1
    const slots: number[] = []
    const scores: number[] = []
    for (let i = 0; i < sampleSize; i++) {
      const slot = draw.oneOf(this.#random, inLeaf)
      if (catalogue.stock[slot] === 0) continue
      slots.push(slot)
      scores.push(choice.liking(this.person, slot) + trends.boost(slot, leaf) - (this.opened.includes(slot) ? 2 : 0))
    }
    return slots[draw.softmax(this.#random, scores)] ?? -1
  }

  #interestIn(slot: number): Interest {
    return { slot, number: this.#world.catalogue.number[slot]!, shown: undefined }
  }

  #isGone({ slot, number }: Interest): boolean {
    return this.#world.catalogue.number[slot] !== number
  }

  #open(interest: Interest, timeMs: number): void {
    const { slot, shown } = interest
    if (this.#isGone(interest)) {
      this.#later(timeMs, 2000)
      return
    }
    if (shown) this.#emit({ type: 'click', slot, timeMs, shown })
    const viewMs = shown ? timeMs + 150 + this.#random.below(500) : timeMs
    this.#emit({ type: 'view', slot, timeMs: viewMs, shown })
    if (this.opened.push(slot) > openedMax) this.opened.shift()
    const decideMs = viewMs + 1500 + this.#random.below(4000)
    const chance = this.#random.next()
    if (chance < this.#cartChance(slot)) this.#addToCart(interest, decideMs)
    else if (chance > 1 - 0.12 * this.#fit(slot)) this.#emit({ type: 'like', slot, timeMs: decideMs, shown })
    this.#later(decideMs, 3500)
  }

  #addToCart(interest: Interest, timeMs: number): void {
    const { catalogue } = this.#world
    if (this.#cannotTake(interest.slot)) return
    this.#cart.push(interest)
    this.#emit({ type: 'add_to_cart', slot: interest.slot, timeMs, shown: interest.shown, quantity: 1 })
    if (this.#random.next() < 0.4) {
      const complement = this.#pick(catalogue.leafOf(interest.slot).complement)
      if (complement >= 0) this.#waiting.push(this.#interestIn(complement))
    }
  }

  /** Whether the cart is full, or has the item, or nobody can buy it. */
  #cannotTake(wanted: number): boolean {
    const isFull = this.#cart.length >= cartMax || this.#world.catalogue.stock[wanted] === 0
    return isFull || this.#cart.some(({ slot }) => slot === wanted)
  }

  #checkOut(timeMs: number): void {
    const { catalogue, people } = this.#world
    if (this.#cart.length > 0 && this.#random.next() < this.#payChance) {
      for (const first of [...this.#cart]) {
        const complement = this.#random.next() < 0.35 ? this.#pick(catalogue.leafOf(first.slot).complement) : -1
        if (complement >= 0 && !this.#cart.some(({ slot }) => slot === complement)) this.#cart.push(this.#interestIn(complement))
      }
      for (const interest of this.#cart) this.#buy(interest, timeMs)
      if (!people.isRegistered(this.person)) this.#world.register(this.person, timeMs)
    }
    this.#world.visitEnded(this, this.#events)
  }

  #buy(interest: Interest, timeMs: number): void {
    const { slot, number, shown } = interest
    const wanted = this.#random.next() < 0.12 ? 2 : 1
    const rates = this.#random.next() < 0.3
    const quantity = this.#isGone(interest) ? 0 : this.#world.take(slot, wanted, timeMs)
    if (quantity === 0) return
    this.#emit({ type: 'purchase', slot, timeMs, shown, quantity })
    this.#world.people.noteBought(this.person, number)
    if (rates) this.#rateLater(slot, number, timeMs)
  }

  /** Some say later what they think of it. */
  #rateLater(slot: number, number: number, timeMs: number): void {
    const score = 3.4 + 0.6 * this.#world.choice.liking(this.person, slot) * 0.5 + 0.8 * draw.normal(this.#random)
    const rating = Math.max(1, Math.min(5, Math.round(score)))
    const rateMs = timeMs + 5000 + Math.floor(draw.exponential(this.#random, this.#world.spanMs(1500)))
    this.#world.at(rateMs, () => {
      if (this.#world.catalogue.number[slot] === number) this.#emit({ type: 'rating', slot, timeMs: rateMs, rating })
    })
  }
}
