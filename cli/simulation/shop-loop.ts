import { assignVariant } from '../../core/assignment.ts'
import { ManualClock } from '../../core/clock.ts'
import { createRandom, type Random } from '../../core/random.ts'
import { RecommendationService } from '../../gateway/recommendation-service.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { FeatureUpdate } from '../../schemas/feature-update.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { createShop } from '../../simulator/create-shop.ts'
import type { Shop, ShopStep } from '../../simulator/shop.ts'
import type { ShownList, ShowRequest } from '../../simulator/storefront.ts'
import { bandit } from '../../topologies/bandit.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { type RecommendationPorts, recommendations } from '../../topologies/recommendations.ts'
import { rewards } from '../../topologies/rewards.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import type { Config } from '../config.ts'
import { recommendationPorts } from '../recommendation-ports.ts'
import { featurePorts } from '../topologies.ts'
import { ListTexts } from './list-texts.ts'
import { armPorts, configOfArms, type ShopArm } from './shop-arms.ts'

/** Simulated time per step, ms: nobody asks for a list within a second of doing something, so every list knows all its person did. */
const stepMs = 1_000
/** Records sent at once while the shop opens. */
const chunkRecords = 1_000

export interface ShopLoopOptions {
  readonly config: Config
  /** Seed of the shop, of who is in which arm, and of every draw. */
  readonly seed: string
  readonly arms: readonly ShopArm[]
  /** Share of people per arm, in the order of `arms`; sums to 1. */
  readonly weights: readonly number[]
  /** The models behind the lists; it should answer the same rows alike however they come. */
  readonly scorer: Scorer
  /** Whose ranker makes the lists of the arm `rival`. */
  readonly rival?: Scorer | undefined
  /** Whether every arm also makes a list for everybody else, which nobody is shown: what they would have seen, person by person. */
  readonly paired?: boolean
}

/** What is to come of a list by the shop's own choice model, which no arm is told: sums of true probabilities. */
export interface Expected {
  readonly clicks: number
  /** Of its items, in this visit, after a click. */
  readonly purchases: number
}

/** Who watches a loop. */
export interface ShopObserver {
  /** A person of an arm is shown a list. */
  shown(arm: string, request: ShowRequest, list: ShownList, expected: Expected): void
  /** The same request answered by an arm the person is in or not; with `paired` only. */
  compared?(arm: string, request: ShowRequest, list: ShownList, expected: Expected): void
  event(arm: string, event: UserEvent): void
  reward?(reward: Reward): void
}

type AnyDriver = TopologyDriver<unknown>
/** Makes a list; one that nobody is shown is no decision. */
type MakeList = (request: ShowRequest, isShown: boolean) => Promise<ShownList>

/**
 * The synthetic shop and every topology in one process, on a clock that moves with the shop: what people do is folded, lists are
 * made by the arm each person is in, shown, clicked, joined and learned from by the bandit. All arms write one log, as in an A/B
 * test of a real shop. Nothing waits for real time, and the same options give the same run.
 */
export class ShopLoop {
  readonly shop: Shop
  readonly #clock: ManualClock
  readonly #experiment: string
  readonly #options: ShopLoopOptions
  readonly #paired: boolean
  readonly #users: TopologyDriver<Parameters<typeof userFeatures.graph>[0]>
  readonly #items: TopologyDriver<Parameters<typeof itemFeatures.graph>[0]>
  readonly #rewards: TopologyDriver<Parameters<typeof rewards.graph>[0]>
  readonly #bandit = new TopologyDriver(bandit, {})
  /** Takes what all arms know of items, sessions and posteriors. */
  readonly #tables: TopologyDriver<RecommendationPorts>
  readonly #lists = new Map<string, TopologyDriver<RecommendationPorts>>()
  /** Trend lists, which everybody may be shown. */
  readonly #trends = new ListTexts()
  readonly #makers = new Map<string, MakeList>()
  /** People who did something since their list was made. */
  readonly #moved = new Map<string, FeatureUpdate>()
  #decisions: Decision[] = []
  /** Events so far. */
  events = 0

  constructor(options: ShopLoopOptions) {
    const { config, seed, arms } = options
    this.#options = options
    const { users, items, eventsPerSecond } = config.simulator
    this.shop = createShop({ seed, users, items, eventsPerSecond, stepMs, ceilingEvery: 0 })
    this.#paired = options.paired === true
    const clock = new ManualClock(this.shop.nowMs)
    this.#clock = clock
    this.#experiment = `shop-${seed}`
    const ports = featurePorts(config)
    this.#users = new TopologyDriver(userFeatures, ports, { clock })
    this.#items = new TopologyDriver(itemFeatures, ports, { clock, listStore: this.#trends })
    this.#rewards = new TopologyDriver(rewards, ports, { clock })
    const shared = recommendationPorts(configOfArms(config, arms), options.scorer, clock)
    this.#tables = new TopologyDriver(recommendations, shared, { clock })
    for (const arm of arms) this.#makers.set(arm.label, this.#makerOf(arm, shared, options))
  }

  /** Puts the catalogue and the profiles into the log. */
  async open(): Promise<void> {
    const items = [...this.shop.catalogue()]
    for (let at = 0; at < items.length; at += chunkRecords) await this.#items.send('items', ...items.slice(at, at + chunkRecords))
    const profiles = [...this.shop.profiles()]
    for (let at = 0; at < profiles.length; at += chunkRecords)
      await this.#users.send('users', ...profiles.slice(at, at + chunkRecords))
    await this.#flow()
  }

  /** Runs until so many events have happened in all. */
  async run(events: number, observer: ShopObserver): Promise<void> {
    while (this.events < events) await this.#step(observer)
  }

  /** The arm a person is in. */
  armOf(userId: string): string {
    const { arms, weights } = this.#options
    return arms[assignVariant(this.#experiment, userId, weights)]!.label
  }

  async #step(observer: ShopObserver): Promise<void> {
    const lists: ShownList[] = []
    const requests = this.shop.beginStep()
    await this.#makeLists(requests)
    for (const request of requests) {
      const arm = this.armOf(request.userId)
      const list = await this.#makers.get(arm)!(request, true)
      observer.shown(arm, request, list, this.#expected(request, list))
      if (this.#paired) await this.#compare(request, { arm, list }, observer)
      lists.push(list)
    }
    const step = this.shop.endStep(lists)
    this.#clock.advance(step.timeMs - this.#clock.nowMs())
    this.events += step.events.length
    for (const event of step.events) observer.event(this.armOf(event.userId), event)
    await this.#apply(step, observer)
  }

  /** What every arm answers to a request, the person's own one with the list they were shown. */
  async #compare(request: ShowRequest, shown: { arm: string; list: ShownList }, observer: ShopObserver): Promise<void> {
    for (const [arm, make] of this.#makers) {
      const list = arm === shown.arm ? shown.list : await make(request, false)
      observer.compared?.(arm, request, list, this.#expected(request, list))
    }
  }

  #expected({ userId, timeMs }: ShowRequest, { items }: ShownList): Expected {
    let [clicks, purchases] = [0, 0]
    for (const [position, itemId] of items.entries()) {
      clicks += this.shop.trueClickProbability(userId, itemId, position, timeMs)
      purchases += this.shop.truePurchaseProbability(userId, itemId, position, timeMs)
    }
    return { clicks, purchases }
  }

  /** Everything that follows from a step, upstream first. */
  async #apply(step: ShopStep, observer: ShopObserver): Promise<void> {
    if (step.items.length > 0) await this.#items.send('items', ...step.items.map(({ itemId, value }) => ({ key: itemId, value })))
    if (step.profiles.length > 0) await this.#users.send('users', ...step.profiles)
    if (step.events.length > 0) await this.#users.send('user-events', ...step.events)
    const decisions = this.#decisions
    this.#decisions = []
    if (decisions.length > 0) await this.#rewards.send('decisions', ...decisions)
    if (step.events.length > 0) await this.#rewards.send('user-events', ...step.events)
    await this.#flow(observer)
  }

  async #flow(observer?: ShopObserver): Promise<void> {
    await this.#pass(this.#users, 'item-signals', this.#items)
    const joined = this.#rewards.readKeyed('rewards')
    for (const { value } of joined) observer?.reward?.(value)
    if (joined.length > 0) await this.#bandit.send('rewards', ...joined.map(({ key, value }) => ({ key: key ?? '', value })))
    await this.#pass(this.#items, 'item-updates', this.#tables, this.#items)
    await this.#pass(this.#items, 'trend-updates', this.#tables)
    await this.#pass(this.#users, 'session-steps', this.#tables)
    await this.#pass(this.#bandit, 'bandit-updates', this.#tables)
    for (const update of this.#users.read('feature-updates')) this.#moved.set(update.userId, update)
  }

  /** A list that nobody looks at need not be made: it is made when asked for, of all its person did until then. */
  async #makeLists(requests: readonly ShowRequest[]): Promise<void> {
    const moved = [...new Set(requests.map(({ userId }) => userId))].flatMap((userId) => this.#moved.get(userId) ?? [])
    for (const { userId } of moved) this.#moved.delete(userId)
    for (const [arm, driver] of this.#lists) {
      const updates = this.#paired ? moved : moved.filter(({ userId }) => this.armOf(userId) === arm)
      if (updates.length > 0) await driver.send('feature-updates', ...updates)
      driver.forget('recommendations')
    }
  }

  async #pass(from: Pick<AnyDriver, 'readKeyed'>, topic: TopicName, ...readers: Pick<AnyDriver, 'send'>[]): Promise<void> {
    const records = from.readKeyed(topic).map(({ key, value }) => ({ key: key ?? '', value, partition: 0 }))
    if (records.length > 0) for (const reader of readers) await reader.send(topic, ...(records as never[]))
  }

  #makerOf(arm: ShopArm, shared: RecommendationPorts, options: ShopLoopOptions): MakeList {
    const { label } = arm
    let made = 0
    if (arm.arm === 'oracle' || arm.arm === 'random') {
      const random = createRandom(`${options.seed}/${label}`)
      return async ({ userId, timeMs, count }) => ({
        listId: `${label}-${++made}`,
        policy: label,
        items: arm.arm === 'oracle' ? this.shop.oracleRank(userId, timeMs, count) : drawn(this.shop.inStock(), count, random),
      })
    }
    const own = new ListTexts()
    const ports = armPorts(arm, shared, options)
    const driver = new TopologyDriver(recommendations, ports, { clock: this.#clock, listStore: own })
    this.#lists.set(label, driver)
    const service = new RecommendationService({
      lists: { get: async (keys) => keys.map((key) => own.text(key) ?? this.#trends.text(key)) },
      items: shared.catalogue,
      decisions: {
        add: (decision) =>
          void this.#decisions.push({
            ...decision,
            listId: `${label}/${decision.listId}`,
            experiment: this.#experiment,
            variant: label,
          }),
      },
      clock: this.#clock,
      newId: () => `${label}-${++made}`,
    })
    return async (request, isShown) => {
      const { listId, items } = await service.recommend({ ...request, logDecision: isShown })
      // Every arm counts its lists from 0.
      return { listId: `${label}/${listId}`, policy: label, items: items.map(({ itemId }) => itemId) }
    }
  }
}

/** `count` different ones, each as likely. */
function drawn(items: string[], count: number, random: Random): string[] {
  for (let at = 0; at < count && at < items.length; at++) {
    const other = at + random.below(items.length - at)
    ;[items[at], items[other]] = [items[other]!, items[at]!]
  }
  return items.slice(0, count)
}
