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
import { emptyRankedList, type Observation, type Query, type RankedList } from './recommender.ts'

/** What one list is held against. */
export const truths = ['next', 'rest', 'basket', 'hidden', 'user'] as const
export type Truth = (typeof truths)[number]

export interface JudgeOptions {
  /** Lengths of list; lists are made once, at the longest. */
  readonly ks: readonly number[]
  /** Who must have done something before a question is asked: the visit, or the user. */
  readonly context: 'session' | 'user'
  /**
   * `next`: the next item. `rest`: MRR and HR the next item, the others all that follow in the visit. `basket`: the items of all
   * judged events of one session and time. `hidden`: all judged items of one session. `user`: all judged items of a user.
   */
  readonly truth: Truth
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
    const { sample } = options
    this.#sample =
      sample && new QuestionSample({ there: this.#countQuestions(), wanted: sample.questions, random: sample.random })
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
        if (!fitted) for (const { recommender } of this.#contestants) recommender.fit?.()
        fitted = true
        const end = this.#endOfGroup(at)
        await this.#ask(at, end)
        this.#predict(at, end)
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

  /** One past the last judged event that belongs to the same question. */
  #endOfGroup(at: number): number {
    const { truth } = this.#options
    const { order, roles: roleAt } = this.#plan
    if (truth === 'next' || truth === 'rest') return at + 1
    const { sessions, timesMs, users } = this.#data
    const first = order[at]!
    let end = at + 1
    for (; end < order.length && roleAt[end] === roles.judge; end++) {
      const row = order[end]!
      const sameOwner = truth === 'user' ? users[row] === users[first] : sessions[row] === sessions[first]
      if (!sameOwner || (truth === 'basket' && timesMs[row] !== timesMs[first])) break
    }
    return end
  }

  async #ask(at: number, end: number): Promise<void> {
    const { context, clock } = this.#options
    const { sessions, users, timesMs, items } = this.#data
    const row = this.#plan.order[at]!
    const session = sessions[row]!
    const user = users[row]!
    if ((context === 'session' ? this.#sessions.length(session) : this.#users.length(user)) === 0) {
      this.#cold += end - at
      return
    }
    const query = this.#query
    query.user = user
    query.session = session
    query.nowMs = timesMs[row]!
    query.sessionItems = this.#sessions.of(session)
    query.userItems = this.#users.of(user)
    this.#askable++
    if (this.#sample?.takes() === false) {
      this.#passOver(query)
      return
    }
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

  /** A question that is not asked: only who learns from choices looks at it. */
  #passOver(query: Query): void {
    const observers = this.#contestants.filter(({ recommender }) => recommender.face !== undefined)
    if (observers.length === 0) return
    this.#leftOut.apply(query)
    for (const { recommender } of observers) recommender.face!(query)
    this.#leftOut.restore(query)
  }

  /** Questions that the plan holds: groups of judged events of a visit or user that has done something before. */
  #countQuestions(): number {
    const { order, roles: roleAt } = this.#plan
    const owners = this.#options.context === 'session' ? this.#data.sessions : this.#data.users
    const known = new Set<number>()
    let questions = 0
    for (let at = 0; at < order.length; at++) {
      if (roleAt[at] === roles.skip) continue
      const end = roleAt[at] === roles.judge ? this.#endOfGroup(at) : at + 1
      if (roleAt[at] === roles.judge && known.has(owners[order[at]!]!)) questions++
      for (; at < end; at++) known.add(owners[order[at]!]!)
      at--
    }
    return questions
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
