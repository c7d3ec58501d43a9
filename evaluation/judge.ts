import type { Random } from '../core/random.ts'
import type { Clock } from '../ports/clock.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import { eventTypes } from '../schemas/user-event.ts'
import type { Contestant } from './contestant.ts'
import type { ContestantTally, Question } from './contestant-tally.ts'
import { Histories } from './histories.ts'
import { type Exclusion, LeftOut } from './left-out.ts'
import type { Observations } from './observations.ts'
import { type Plan, roles } from './plan.ts'
import { QuestionSample } from './question-sample.ts'
import { type QuestionRules, Questions } from './questions.ts'
import { emptyRankedList, type Observation, type Query, type RankedList } from './recommender.ts'

export interface JudgeOptions extends QuestionRules {
  /** Lengths of list; lists are made once, at the longest. */
  readonly ks: readonly number[]
  readonly exclude: Exclusion
  /** Questions whose lists are kept for diversity, serendipity and calibration at most. */
  readonly sampleMax: number
  /** Width of one step of the curve over time, ms; 0 = no curve. */
  readonly curveMs: number
  /** Questions asked at most, drawn by `random` out of all; the others are passed over, and learned as ever. Null = all are asked. */
  readonly sample: { readonly questions: number; readonly random: Random } | null
  readonly clock: Clock
  /** Called every few thousand events with how many of the plan are done. */
  readonly onProgress?: (done: number, questions: number) => void
}

/** Counts of one judgement. */
export interface Judgement {
  /** Questions asked. */
  readonly questions: number
  /** Questions there were: more than were asked where `sample` drew some of them. */
  readonly askable: number
  /** Judged events that were not asked for, because nothing was known of the visit or user. */
  readonly cold: number
  /** Questions none of whose items anybody had touched before: nobody can answer them. */
  readonly unknown: number
  readonly learned: number
}

/**
 * Takes the events of a plan in order: asks every contestant, scores the answers, and only then lets them learn. Nothing sees an
 * event before it is scored: histories and learning both come after the question.
 */
export function judge(
  data: Observations,
  plan: Plan,
  contestants: readonly Contestant[],
  tallies: readonly ContestantTally[],
  options: JudgeOptions,
): Promise<Judgement> {
  return new Judge(data, plan, contestants, tallies, options).run()
}

const progressEvents = 2048
const nothing = new Int32Array(0)

class Judge {
  readonly #data: Observations
  readonly #plan: Plan
  readonly #contestants: readonly Contestant[]
  readonly #tallies: readonly ContestantTally[]
  readonly #options: JudgeOptions
  readonly #sessions: Histories
  readonly #users: Histories
  readonly #leftOut: LeftOut
  readonly #known: Uint8Array
  readonly #out: readonly RankedList[]
  readonly #size: number
  readonly #sampleEvery: number
  readonly #query: Query
  readonly #observation: Observation = { user: 0, session: 0, item: 0, timeMs: 0, type: 0, strength: 0, rating: 0 }
  /** Of truth `rest`, the key to the answers: the items of each judged session in order, and how many of them have passed. */
  readonly #answers: Histories | null
  readonly #passed: Int32Array
  readonly #questionsOf: Questions
  readonly #sample: QuestionSample | null
  #questions = 0
  #askable = 0
  #cold = 0
  #unknown = 0
  #learned = 0

  constructor(
    data: Observations,
    plan: Plan,
    contestants: readonly Contestant[],
    tallies: readonly ContestantTally[],
    options: JudgeOptions,
  ) {
    this.#data = data
    this.#plan = plan
    this.#contestants = contestants
    this.#tallies = tallies
    this.#options = options
    this.#sessions = new Histories(data.sessions, data.sessionCount)
    this.#users = new Histories(data.users, data.userIds.length)
    this.#leftOut = new LeftOut(data, options.exclude, { timeless: options.truth === 'user' })
    this.#known = new Uint8Array(data.itemIds.length)
    this.#size = Math.max(...options.ks)
    this.#out = contestants.map(() => emptyRankedList(this.#size))
    let judged = 0
    for (const role of plan.roles) if (role === roles.judge) judged++
    this.#questionsOf = new Questions(data, plan, options)
    const { sample } = options
    this.#sample =
      sample && new QuestionSample({ there: this.#questionsOf.count(), wanted: sample.questions, random: sample.random })
    this.#sampleEvery = Math.max(1, Math.ceil(Math.min(judged, sample?.questions ?? judged) / options.sampleMax))
    this.#query = {
      user: 0,
      session: 0,
      nowMs: 0,
      sessionItems: nothing,
      userItems: nothing,
      excluded: null,
      excludedCount: 0,
    }
    this.#answers = options.truth === 'rest' ? this.#layOutAnswers() : null
    this.#passed = new Int32Array(this.#answers === null ? 0 : data.sessionCount)
  }

  async run(): Promise<Judgement> {
    const { order, roles: roleAt, updates } = this.#plan
    let fitted = false
    for (let at = 0; at < order.length; at++) {
      if (at % progressEvents === 0) this.#options.onProgress?.(at, this.#questions)
      const role = roleAt[at]!
      if (role === roles.skip) continue
      if (role === roles.learn) {
        this.#see(order[at]!)
        this.#learn(order[at]!)
      } else if (role === roles.context) {
        this.#see(order[at]!)
        this.#pass(order[at]!)
        if (updates) this.#learn(order[at]!)
      } else {
        const end = this.#questionsOf.endOf(at)
        if (role === roles.face) this.#face(order[at]!)
        else {
          if (!fitted) for (const { recommender } of this.#contestants) recommender.fit?.()
          fitted = true
          await this.#ask(at, end)
          this.#predict(at, end)
        }
        for (let n = at; n < end; n++) {
          this.#see(order[n]!)
          this.#pass(order[n]!)
          if (updates) this.#learn(order[n]!)
        }
        at = end - 1
      }
    }
    this.#options.onProgress?.(order.length, this.#questions)
    return {
      questions: this.#questions,
      askable: this.#askable,
      cold: this.#cold,
      unknown: this.#unknown,
      learned: this.#learned,
    }
  }

  async #ask(at: number, end: number): Promise<void> {
    const { context, clock } = this.#options
    const query = this.#queryOf(this.#plan.order[at]!)
    if (query === null) {
      this.#cold += end - at
      return
    }
    this.#askable++
    if (this.#sample?.takes() === false) {
      this.#passOver(query)
      return
    }
    const { user, session } = query
    const { items } = this.#data
    this.#leftOut.apply(query)
    const relevant = new Set<number>()
    for (let n = at; n < end; n++) relevant.add(items[this.#plan.order[n]!]!)
    let known = false
    for (const item of relevant) known ||= this.#known[item] === 1
    if (!known) this.#unknown++
    const following = this.#answers === null ? relevant : new Set(this.#answers.of(session).subarray(this.#passed[session]!))
    const question: Question = {
      next: relevant,
      relevant: following,
      cluster: context === 'session' ? session : user,
      timeMs: query.nowMs,
      history: context === 'session' ? query.sessionItems : query.userItems,
      sampled: this.#questions % this.#sampleEvery === 0,
    }
    this.#questions++
    for (let c = 0; c < this.#contestants.length; c++) {
      const out = this.#out[c]!
      const { recommender } = this.#contestants[c]!
      const startMs = clock.elapsedMs()
      if (recommender.prepare !== undefined) await recommender.prepare(query)
      recommender.recommend(query, this.#size, out)
      this.#tallies[c]!.take(question, out, (clock.elapsedMs() - startMs) * 1000)
    }
    this.#leftOut.restore(query)
  }

  /** What is known when a row is asked for; null if nothing is known of its visit or user. */
  #queryOf(row: number): Query | null {
    const { sessions, users, timesMs } = this.#data
    const [session, user] = [sessions[row]!, users[row]!]
    if ((this.#options.context === 'session' ? this.#sessions.length(session) : this.#users.length(user)) === 0) return null
    const query = this.#query
    query.user = user
    query.session = session
    query.nowMs = timesMs[row]!
    query.sessionItems = this.#sessions.of(session)
    query.userItems = this.#users.of(user)
    return query
  }

  #face(row: number): void {
    const query = this.#queryOf(row)
    if (query !== null) this.#passOver(query)
  }

  /** A question that is not asked: only who learns from choices looks at it. */
  #passOver(query: Query): void {
    const observers = this.#contestants.filter(({ recommender }) => recommender.face !== undefined)
    if (observers.length === 0) return
    this.#leftOut.apply(query)
    for (const { recommender } of observers) recommender.face!(query)
    this.#leftOut.restore(query)
  }

  #predict(at: number, end: number): void {
    const { users, items, ratings } = this.#data
    for (let n = at; n < end; n++) {
      const row = this.#plan.order[n]!
      const rating = ratings[row]!
      if (rating === 0) continue
      for (let c = 0; c < this.#contestants.length; c++) {
        const { recommender } = this.#contestants[c]!
        if (recommender.predict !== undefined) this.#tallies[c]!.predicted(recommender.predict(users[row]!, items[row]!), rating)
      }
    }
  }

  /** The event becomes part of the visit and the user. */
  #see(row: number): void {
    const { users, sessions, items } = this.#data
    this.#leftOut.touched(items[row]!)
    this.#sessions.add(sessions[row]!, items[row]!)
    this.#users.add(users[row]!, items[row]!)
  }

  #pass(row: number): void {
    if (this.#answers !== null) this.#passed[this.#data.sessions[row]!]!++
  }

  #learn(row: number): void {
    const { users, sessions, items, timesMs, types, ratings } = this.#data
    const one = this.#observation
    one.user = users[row]!
    one.session = sessions[row]!
    one.item = items[row]!
    one.timeMs = timesMs[row]!
    one.type = types[row]!
    one.rating = ratings[row]!
    one.strength = eventStrength({ type: eventTypes[one.type]!, rating: one.rating === 0 ? null : one.rating })
    this.#learned++
    this.#known[one.item] = 1
    for (let c = 0; c < this.#contestants.length; c++) {
      this.#contestants[c]!.recommender.learn(one)
      this.#tallies[c]!.learned(one.item)
    }
  }

  #layOutAnswers(): Histories {
    const answers = new Histories(this.#data.sessions, this.#data.sessionCount)
    const { order, roles: roleAt } = this.#plan
    for (let at = 0; at < order.length; at++) {
      if (roleAt[at] !== roles.judge && roleAt[at] !== roles.context) continue
      answers.add(this.#data.sessions[order[at]!]!, this.#data.items[order[at]!]!)
    }
    return answers
  }
}
