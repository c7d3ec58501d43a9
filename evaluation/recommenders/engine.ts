import { AssociationRules } from '../../algorithms/association-rules.ts'
import { blendScores } from '../../algorithms/blend-scores.ts'
import { bordaMerge } from '../../algorithms/borda.ts'
import { RowScores } from '../../algorithms/candidates/row-scores.ts'
import { shrunkCosine } from '../../algorithms/co-visitation.ts'
import { reciprocalRankFusion } from '../../algorithms/reciprocal-rank-fusion.ts'
import { SequentialRules } from '../../algorithms/sequential-rules.ts'
import { SessionIndex } from '../../algorithms/session-index.ts'
import { MillraceError } from '../../core/errors.ts'
import type { Observation, Query, RankedList, Recommender, RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import { takeRanked } from '../take-ranked.ts'
import { RuleRecommender } from './rule-recommender.ts'
import { sessionsMaxDefault } from './session-recommender.ts'
import { trend } from './trend.ts'

const dayMs = 24 * 3_600_000
/** Touched items that co-visitation starts from, and how much each older one counts of the one before: as candidates/similar-candidates.ts. */
const seedsMax = 12
const fade = 0.85

const defaults = {
  session: 0.4,
  similar: 0.3,
  trend: 0.3,
  rules: 0,
  /** `borda`; `fusion` for reciprocal rank fusion with `constant`; `scores` for a weighted sum of scores. */
  merge: 'borda',
  constant: 5,
  depth: 50,
  m: 500,
  k: 100,
  last: 5,
  back: 2,
  around: 1.2,
  days: 60,
  sessionLengthMax: 15,
  sessionsMax: sessionsMaxDefault,
  halfLifeHours: 24,
  again: false,
  /** Whether the running visit counts among its own neighbours, as it does in the served session source. */
  own: false,
}
type EngineSettings = typeof defaults

/**
 * The sources that events alone can feed, with the mathematics of the served candidate sources: sessions in sequence, companions
 * by co-visitation, and what moves now; merged by weighted Borda (.4/.3/.3 unless set). Sequential rules may be added (`rules`). Not in it: sources that need a catalogue
 * (content, categories, two towers), the trained ranker, diversification and the exploration slot.
 */
class Blend implements Recommender {
  readonly #settings: EngineSettings
  readonly #sessions: SessionIndex
  readonly #companions: AssociationRules
  readonly #learner: RuleRecommender
  readonly #sequences: SequentialRules
  readonly #follower: RuleRecommender
  readonly #counts: Float64Array
  readonly #trend: Recommender
  readonly #trending: RankedList
  readonly #sums = new RowScores()
  readonly #items: Int32Array
  readonly #weights: Float64Array

  constructor(world: RecommenderWorld, settings: EngineSettings) {
    const { itemCount, sessionCount } = world
    this.#settings = settings
    this.#sessions = new SessionIndex({
      itemsMax: itemCount,
      sessionsMax: Math.min(settings.sessionsMax, sessionCount),
      itemsPerSessionMax: settings.sessionLengthMax,
    })
    this.#companions = new AssociationRules({ itemsMax: itemCount, consequentsMax: 100 })
    this.#learner = new RuleRecommender(this.#companions, { kept: 20, sessionCount })
    this.#sequences = new SequentialRules({ itemsMax: itemCount, consequentsMax: 200 })
    this.#follower = new RuleRecommender(this.#sequences, { kept: 20, sessionCount })
    this.#counts = new Float64Array(itemCount)
    this.#trend = trend.create(world, settings)
    this.#trending = { items: new Int32Array(settings.depth), scores: new Float64Array(settings.depth), count: 0 }
    this.#items = new Int32Array(50)
    this.#weights = new Float64Array(50)
  }

  learn(observation: Observation): void {
    const { session, item, timeMs } = observation
    this.#sessions.add(session, item, timeMs)
    this.#learner.learn(observation)
    if (this.#settings.rules > 0) this.#follower.learn(observation)
    this.#counts[item]!++
    this.#trend.learn(observation)
  }

  recommend(query: Query, n: number, out: RankedList): void {
    const { session, similar, rules, trend: moving, merge, constant } = this.#settings
    const depth = Math.max(this.#settings.depth, n)
    const sources = [
      { weight: session, ...(session > 0 ? this.#inSequence(query, depth) : nothing) },
      { weight: similar, ...(similar > 0 ? this.#similar(query, depth) : nothing) },
      { weight: rules, ...(rules > 0 ? this.#following(query) : nothing) },
      { weight: moving, ...(moving > 0 ? this.#moving(query) : nothing) },
    ].map((source) => this.#allowed(source, query))
    const { items, points } =
      merge === 'scores'
        ? blendScores(sources)
        : merge === 'fusion'
          ? reciprocalRankFusion(sources, { constant })
          : bordaMerge(sources, { depth })
    takeRanked({ items, scores: points, count: items.length }, query.excluded, n, out)
  }

  #inSequence({ sessionItems, userItems, session, nowMs, excludedCount }: Query, depth: number): Scored {
    const { m, k, last, back, around, days, again, own } = this.#settings
    const current = sessionItems.length > 0 ? sessionItems : userItems
    if (current.length === 0) return nothing
    const ranked = this.#sessions.recommendInSequence(current, nowMs, {
      ...{ m, k, lastN: last, placesBack: back, placesAround: around, ageMs: days * dayMs, again },
      ...{ count: depth + excludedCount, exceptKey: own ? undefined : session },
    })
    return { items: ranked.items.subarray(0, ranked.count), scores: ranked.scores.subarray(0, ranked.count) }
  }

  /** Σ over the newest touched items of fade^age · shrunk cosine of their companions. */
  #similar({ userItems, excluded }: Query, depth: number): Scored {
    let share = 1
    for (let n = 0; n < Math.min(seedsMax, userItems.length); n++, share *= fade) {
      const seed = userItems[userItems.length - 1 - n]!
      const found = this.#companions.rules.top(seed, excluded, this.#items, this.#weights)
      for (let at = 0; at < found; at++) {
        const item = this.#items[at]!
        this.#sums.add(item, share * shrunkCosine(this.#weights[at]!, this.#counts[seed]!, this.#counts[item]!), seed)
      }
    }
    const { rows, scores, count } = this.#sums.take(depth)
    return { items: rows.subarray(0, count), scores: scores.subarray(0, count) }
  }

  /** The heaviest rules of the newest item. */
  #following({ userItems, excluded }: Query): Scored {
    const newest = userItems.at(-1)
    if (newest === undefined) return nothing
    const found = this.#sequences.rules.top(newest, excluded, this.#items, this.#weights)
    return { items: this.#items.slice(0, found), scores: this.#weights.slice(0, found) }
  }

  #moving(query: Query): Scored {
    this.#trend.recommend(query, this.#settings.depth, this.#trending)
    const { items, scores, count } = this.#trending
    return { items: items.slice(0, count), scores: scores.slice(0, count) }
  }

  /** Without what is excluded and, unless `again`, without the newest item. */
  #allowed<S extends Scored>(source: S, { excluded, userItems }: Query): S {
    const newest = this.#settings.again ? -1 : (userItems.at(-1) ?? -1)
    const stays = (item: number) => item !== newest && (excluded === null || excluded[item] === 0)
    if (source.items.every(stays)) return source
    return { ...source, items: source.items.filter(stays), scores: source.scores.filter((_, n) => stays(source.items[n]!)) }
  }
}

interface Scored {
  readonly items: Int32Array
  readonly scores: Float64Array
}

const nothing: Scored = { items: new Int32Array(0), scores: new Float64Array(0) }
const merges = ['borda', 'fusion', 'scores']

/** The blend; its weights and the settings of its sources are printed with every result. */
export const engine: RecommenderSpec<EngineSettings> = {
  name: 'engine',
  summary: 'Sessions in sequence, co-visitation and trend, merged by weighted Borda: the blend that events alone can feed.',
  defaults,
  create(world, settings) {
    if (!merges.includes(settings.merge))
      throw new MillraceError('MILL_USAGE', `engine.merge is "${settings.merge}"; it must be one of ${merges.join(', ')}`)
    return new Blend(world, settings)
  },
}
