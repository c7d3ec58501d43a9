import { ChoiceRanker } from '../../algorithms/choice-ranker.ts'
import { insertBest } from '../../algorithms/top-k.ts'
import { eventTypes } from '../../schemas/user-event.ts'
import { CandidatePool } from '../candidate-pool.ts'
import { ChoiceFeatures } from '../choice-features.ts'
import { type Contestant, chooseContestants, createContestants } from '../contestant.ts'
import { NewestItems } from '../newest-items.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { TouchMemory } from '../touch-memory.ts'
import { ar } from './ar.ts'
import { complements } from './complements.ts'
import { engine } from './engine.ts'
import { itemKnn } from './item-knn.ts'
import { popularity } from './popularity.ts'
import { sr } from './sr.ts'
import { stan } from './stan.ts'
import { trend } from './trend.ts'
import { vmisKnn } from './vmis-knn.ts'
import { vsknn } from './vsknn.ts'

/** Algorithms that may be a source: those that learn from each event. */
const sourceSpecs = [
  popularity,
  trend,
  ar,
  sr,
  vsknn,
  vmisKnn,
  stan,
  itemKnn,
  complements,
  engine,
] as readonly unknown[] as readonly RecommenderSpec[]

/**
 * `sources`: names joined by `+`, with labels where one comes twice (`stan+stan:short`); `sourceSettings`: their settings, separated by
 * blanks (`stan.k=300 trend.halfLifeHours=2`). `depth`: items asked of each. `own`: newest items of the person that are candidates
 * whatever the sources say. `touches`: whether the ranker sees what the person did with each item. `alpha`, `l1`, `l2`: see algorithms/ftrl-proximal.ts.
 */
const defaults = {
  sources: 'stan+engine+ar+sr+trend+popularity',
  sourceSettings: 'engine.merge=scores engine.again=true engine.session=0 engine.trend=0 engine.similar=1',
  depth: 50,
  own: 30,
  touches: true,
  alpha: 0.3,
  l1: 0,
  l2: 1,
}
type LearnedSettings = typeof defaults

const nothing = new Int32Array(0)

/** The question that is open: what stood to choose, and what was chosen so far. */
interface Pending {
  user: number
  session: number
  timeMs: number
  count: number
  chosen: boolean
}

/**
 * Candidates of several sources, ranked by what people chose so far: each event that would be asked for is first answered from what
 * was known before it, then the choice is learned, and only then the event. Where nobody asks (the warm part) it asks itself. Of a
 * basket the question is the half that is shown, and what was hidden is chosen.
 */
class Learned implements Recommender {
  readonly #sources: readonly Contestant[]
  readonly #memory: TouchMemory
  readonly #pool: CandidatePool
  readonly #features: ChoiceFeatures
  readonly #ranker: ChoiceRanker
  readonly #own: number
  readonly #asked: Uint8Array
  readonly #asksItself: boolean
  readonly #sessions = new NewestItems()
  readonly #users = new NewestItems()
  readonly #pending: Pending = { user: -1, session: -1, timeMs: Number.NaN, count: 0, chosen: false }
  #rows = new Float32Array(0)
  #marks = new Uint8Array(0)
  #scores = new Float64Array(0)

  constructor(world: RecommenderWorld, { sources, sourceSettings, depth, own, touches, ...options }: LearnedSettings) {
    const plans = chooseContestants(sourceSpecs, {
      algorithms: sources.split('+'),
      settings: sourceSettings.split(' ').filter((text) => text !== ''),
      retraining: ['live'],
    })
    this.#sources = createContestants(plans, world, world.random.below(2 ** 32))
    this.#own = own
    this.#asked = Uint8Array.from(eventTypes, (type) =>
      world.judgedTypes.length === 0 || world.judgedTypes.includes(type) ? 1 : 0,
    )
    this.#asksItself = !world.questionsArePut
    this.#memory = new TouchMemory(world.itemCount)
    this.#pool = new CandidatePool(this.#sources, depth)
    this.#features = new ChoiceFeatures(this.#pool, this.#memory, { sources: plans.length, touches })
    this.#ranker = new ChoiceRanker(this.#features.width, options)
  }

  learn(observation: Observation): void {
    const isTarget = this.#asked[observation.type] === 1
    if (isTarget) this.#choose(observation)
    for (const { recommender } of this.#sources) recommender.learn(observation)
    this.#memory.add(observation, isTarget)
    this.#sessions.add(observation.session, observation.item)
    this.#users.add(observation.user, observation.item)
  }

  fit(): void {
    this.#close()
    for (const { recommender } of this.#sources) recommender.fit?.()
  }

  face(query: Query): void {
    this.#open(query)
  }

  recommend(query: Query, n: number, out: RankedList): void {
    this.#open(query)
    const { count } = this.#pending
    if (this.#scores.length < count) this.#scores = new Float64Array(2 * count)
    this.#ranker.scores(this.#rows, count, this.#scores)
    const items = out.items.subarray(0, n)
    let filled = 0
    for (let row = 0; row < count; row++)
      filled = insertBest(items, out.scores, filled, this.#pool.items[row]!, this.#scores[row]!)
    out.count = filled
  }

  /** Marks what was chosen; asks first if nobody did for this moment, where that makes a question. */
  #choose({ user, session, item, timeMs }: Observation): void {
    const pending = this.#pending
    const isOpen = pending.user === user && pending.session === session && (!this.#asksItself || pending.timeMs === timeMs)
    if (!isOpen) {
      if (!this.#asksItself) return
      const [sessionItems, userItems] = [this.#sessions.of(session), this.#users.of(user)]
      if (userItems.length === 0 && sessionItems.length === 0) return
      this.#open({ user, session, nowMs: timeMs, sessionItems, userItems, excluded: null, excludedCount: 0 })
    }
    const row = this.#pool.items.indexOf(item)
    if (row < 0) return
    this.#marks[row] = 1
    pending.chosen = true
  }

  /** Learns from the open question and opens another. */
  #open(query: Query): void {
    this.#close()
    this.#pool.fill(query, this.#ownOf(query.user))
    const count = this.#pool.items.length
    if (this.#marks.length < count) {
      this.#rows = new Float32Array(2 * count * this.#features.width)
      this.#marks = new Uint8Array(2 * count)
    }
    this.#marks.fill(0, 0, count)
    this.#features.write(query, this.#rows)
    Object.assign(this.#pending, { user: query.user, session: query.session, timeMs: query.nowMs, count, chosen: false })
  }

  #close(): void {
    const { count, chosen } = this.#pending
    if (chosen) this.#ranker.learn(this.#rows, count, this.#marks)
    this.#pending.user = -1
    this.#pending.chosen = false
  }

  #ownOf(user: number): Iterable<number> {
    const touches = this.#memory.person(user)?.touches
    return touches === undefined || this.#own === 0 ? nothing : [...touches.keys()].slice(-this.#own)
  }
}

export const learned: RecommenderSpec<LearnedSettings> = {
  name: 'learned',
  summary:
    'Candidates of several sources ranked by a conditional logit that learns from each choice (FTRL-Proximal, McMahan et al. 2013).',
  defaults,
  create: (world, settings) => new Learned(world, settings),
}
