import { reactionOf } from '../core/errors.ts'
import { fnv1a32 } from '../core/hash.ts'
import { invariant } from '../core/invariant.ts'
import { createRandom } from '../core/random.ts'
import type { Item } from '../schemas/item.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import { ChoiceModel } from './choice-model.ts'
import { type ClickThrough, ClickThroughSum } from './click-through.ts'
import { ShopCatalogue } from './shop-catalogue.ts'
import { ShopDoors } from './shop-doors.ts'
import { type ItemChange, ShopHappenings } from './shop-happenings.ts'
import { ShopMail } from './shop-mail.ts'
import { type ResolvedShopOptions, resolveShopOptions, type ShopOptions } from './shop-options.ts'
import { ShopPeople } from './shop-people.ts'
import { ShopTrends } from './shop-trends.ts'
import type { ShopWorld } from './shop-world.ts'
import type { ShownList, ShowRequest, Storefront } from './storefront.ts'
import { TimeQueue } from './time-queue.ts'

/** What happened in one slice of simulated time; each list is in the order it is to be sent. */
export interface ShopStep {
  /** End of the slice, ms: real-time callers send the step when their clock says so. */
  readonly timeMs: number
  readonly events: readonly UserEvent[]
  /** When each event is sent: its own time, or later if it is late or a repeat. */
  readonly eventTimesMs: readonly number[]
  readonly items: readonly ItemChange[]
  readonly profiles: readonly UserProfile[]
}

/** Counts since the start. */
export interface ShopStatistics {
  readonly events: number
  readonly visits: number
  readonly openVisits: number
  readonly lists: number
  /** Show requests that nobody could answer. */
  readonly failedShows: number
  readonly itemsOnSale: number
  readonly newItems: number
  readonly withdrawnItems: number
  readonly soldOut: number
  readonly restocked: number
  readonly priceChanges: number
  readonly trends: number
}

interface PendingShow {
  readonly request: ShowRequest
  readonly answer: (list: ShownList | null) => void
}

/** Policies whose click-through is kept. */
const policiesMax = 64

/**
 * The synthetic shop: it makes up people, items and visits from a seed and moves through simulated time in steps. What people
 * click depends on what a storefront shows them. Memory is bounded by people, items and open visits. Not to be stepped twice at
 * once.
 */
export class Shop {
  readonly options: ResolvedShopOptions
  readonly #people: ShopPeople
  readonly #catalogue: ShopCatalogue
  readonly #choice: ChoiceModel
  readonly #queue = new TimeQueue()
  readonly #doors: ShopDoors
  readonly #happenings: ShopHappenings
  readonly #mail: ShopMail
  readonly #clickThrough = new Map<string, ClickThroughSum>()
  readonly #ceiling = new ClickThroughSum()
  /** Distinguishes the ids of shops with another seed, start or size. */
  readonly tag: string
  #pending: PendingShow[] = []
  #profiles: UserProfile[] = []
  #stepEndMs: number
  #lists = 0
  #failedShows = 0

  constructor(options: ShopOptions) {
    this.options = resolveShopOptions(options)
    const { users, items, startMs, eventsPerSecond } = this.options
    const seed = String(this.options.seed)
    this.tag = fnv1a32(`${seed}/${startMs}/${users}/${items}`).toString(36)
    const catalogue = new ShopCatalogue(items, startMs, seed)
    const people = new ShopPeople(users, seed)
    const trends = new ShopTrends(catalogue.slotsMax)
    const queue = this.#queue
    this.#catalogue = catalogue
    this.#people = people
    this.#choice = new ChoiceModel(people, catalogue, trends)
    this.#mail = new ShopMail({ options: this.options, tag: this.tag, people, catalogue, queue })
    this.#happenings = new ShopHappenings({
      ...{ seed, startMs, eventsPerSecond, catalogue, trends, queue },
      onWithdrawn: (slot) => this.#mail.forget(slot),
    })
    this.#stepEndMs = startMs
    const world = this.#makeWorld(seed, trends)
    this.#doors = new ShopDoors({ options: this.options, people, queue, world })
    this.#doors.open()
  }

  /** Simulated now: the end of the last step, ms. */
  get nowMs(): number {
    return this.#stepEndMs
  }

  /** The catalogue as it is now. */
  *catalogue(): Generator<Item> {
    for (const slot of this.#catalogue.live) yield this.#catalogue.record(slot)
  }

  /** Profiles of the people who have told the shop about themselves. */
  *profiles(): Generator<UserProfile> {
    for (let person = 0; person < this.#people.count; person++)
      if (this.#people.isRegistered(person)) yield this.#people.profile(person, this.options.startMs)
  }

  /**
   * The next step in which something happens. Show requests of the step run at the same time, at most `showsMax`; answers take
   * effect in the order of the requests, so the same answers give the same shop. Errors: what `storefront.show` rejects with,
   * unless its reaction is retry or degrade.
   */
  async next(storefront: Storefront): Promise<ShopStep> {
    const requests = this.beginStep()
    const lists: (ShownList | null)[] = new Array(requests.length).fill(null)
    let at = 0
    const work = async (): Promise<void> => {
      while (at < requests.length) {
        const index = at++
        lists[index] = await this.#ask(storefront, requests[index]!)
      }
    }
    await Promise.all(Array.from({ length: Math.min(this.options.showsMax, requests.length) }, work))
    return this.endStep(lists)
  }

  async #ask(storefront: Storefront, request: ShowRequest): Promise<ShownList | null> {
    try {
      return await storefront.show(request)
    } catch (error) {
      const reaction = reactionOf(error)
      if (reaction !== 'retry' && reaction !== 'degrade') throw error
      this.#failedShows++
      return null
    }
  }

  /** First half of a step: moves time forward and returns who is to be shown something. For callers that answer at once. */
  beginStep(): readonly ShowRequest[] {
    const { stepMs, startMs } = this.options
    const behind = Math.max(this.#stepEndMs, this.#queue.nextMs)
    this.#stepEndMs = startMs + (Math.floor((behind - startMs) / stepMs) + 1) * stepMs
    while (this.#queue.nextMs < this.#stepEndMs) {
      this.#queue.pop()!()
    }
    return this.#pending.map(({ request }) => request)
  }

  /** Second half: `lists[i]` answers request i of `beginStep`, null when nobody could. */
  endStep(lists: readonly (ShownList | null)[]): ShopStep {
    const pending = this.#pending
    this.#pending = []
    for (const [index, { request, answer }] of pending.entries()) {
      this.#noteCeiling(request)
      this.#lists++
      answer(lists[index] ?? null)
    }
    const step = {
      timeMs: this.#stepEndMs,
      ...this.#mail.takeEvents(),
      items: this.#happenings.takeChanges(),
      profiles: this.#profiles,
    }
    this.#profiles = []
    return step
  }

  /** Probability that a person clicks an item at a 0-based position now; 0 for whom or what the shop does not know. */
  trueClickProbability(userId: string, itemId: string, position: number, timeMs: number): number {
    const person = this.#people.personOf(userId)
    const slot = this.#catalogue.slotOf(itemId)
    if (person < 0 || slot < 0) return 0
    const visit = this.#doors.visitOf(person)
    return this.#choice.examination(position) * this.#choice.attractiveness(person, slot, timeMs, visit)
  }

  /**
   * Probability that a person, shown an item at a 0-based position now, clicks it and buys it in this visit; 0 without a visit. Up to
   * what `ShopVisit.purchaseChance` does not foresee.
   */
  truePurchaseProbability(userId: string, itemId: string, position: number, timeMs: number): number {
    const visit = this.#doors.visitOf(this.#people.personOf(userId))
    const slot = this.#catalogue.slotOf(itemId)
    if (visit === null || slot < 0) return 0
    return this.trueClickProbability(userId, itemId, position, timeMs) * visit.purchaseChance(slot)
  }

  /** The best list there could be: items by true attractiveness, which no recommender knows. */
  oracleRank(userId: string, timeMs: number, count: number): string[] {
    const person = this.#people.personOf(userId)
    if (person < 0) return []
    return this.#oracle(person, timeMs, count).map(({ slot }) => this.#catalogue.itemId(slot))
  }

  /** In-stock items by what the whole shop opened and bought lately, without any taste: at most `count`. */
  popularRank(count: number): string[] {
    const inStock = this.#catalogue.live.filter((slot) => this.#catalogue.stock[slot]! > 0)
    inStock.sort((a, b) => this.#mail.popularity[b]! - this.#mail.popularity[a]! || a - b)
    return inStock.slice(0, count).map((slot) => this.#catalogue.itemId(slot))
  }

  /** Ids of items that can be bought now. */
  inStock(): string[] {
    return this.#catalogue.live.filter((slot) => this.#catalogue.stock[slot]! > 0).map((slot) => this.#catalogue.itemId(slot))
  }

  /** Click-through per policy. */
  clickThrough(): Record<string, ClickThrough> {
    return Object.fromEntries([...this.#clickThrough].map(([policy, sum]) => [policy, sum.result()]))
  }

  /** Expected click-through of the oracle on every `ceilingEvery`-th request: what nobody can beat. */
  ceiling(): ClickThrough {
    return this.#ceiling.result()
  }

  statistics(): ShopStatistics {
    return {
      ...this.#happenings.counts,
      events: this.#mail.delivered,
      visits: this.#doors.visits,
      openVisits: this.#doors.openVisits,
      lists: this.#lists,
      failedShows: this.#failedShows,
      itemsOnSale: this.#catalogue.live.length,
    }
  }

  #oracle(person: number, timeMs: number, count: number): { slot: number; chance: number }[] {
    const visit = this.#doors.visitOf(person)
    const scored = this.#catalogue.live.map((slot) => ({
      slot,
      chance: this.#choice.attractiveness(person, slot, timeMs, visit),
    }))
    return scored.sort((a, b) => b.chance - a.chance || a.slot - b.slot).slice(0, count)
  }

  #noteCeiling(request: ShowRequest): void {
    const every = this.options.ceilingEvery
    if (every === 0 || this.#lists % every !== 0) return
    const best = this.#oracle(this.#people.personOf(request.userId), request.timeMs, request.count)
    let expected = 0
    for (const [position, { chance }] of best.entries()) expected += this.#choice.examination(position) * chance
    this.#ceiling.add(best.length, expected, expected)
  }

  #makeWorld(seed: string, trends: ShopTrends): ShopWorld {
    return {
      people: this.#people,
      catalogue: this.#catalogue,
      trends,
      choice: this.#choice,
      slots: this.options.slots,
      spanMs: (events) => (1000 * events) / this.options.eventsPerSecond,
      at: (timeMs, action) => this.#queue.push(timeMs, action),
      emit: (visitor, parts) => this.#mail.send(visitor, parts),
      show: (person, timeMs, answer) => {
        const request = { userId: this.#people.userId(person), surface: 'home', count: this.options.slots, timeMs } as const
        this.#pending.push({ request, answer })
      },
      take: (slot, pieces, timeMs) => this.#happenings.sell(slot, pieces, timeMs),
      noteShown: (policy, slots, clicks, expected) => this.#sumOf(policy).add(slots, clicks, expected),
      register: (person, timeMs) => {
        this.#people.register(person)
        this.#profiles.push(this.#people.profile(person, timeMs))
      },
      visitEnded: (visit, events) => this.#doors.left(visit, events),
      randomFor: (name) => createRandom(`${seed}/${name}`),
    }
  }

  #sumOf(policy: string): ClickThroughSum {
    let sum = this.#clickThrough.get(policy)
    if (sum) return sum
    invariant(this.#clickThrough.size < policiesMax, `more than ${policiesMax} policies showed lists`)
    sum = new ClickThroughSum()
    this.#clickThrough.set(policy, sum)
    return sum
  }
}
