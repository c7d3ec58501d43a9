import type { Observations } from './observations.ts'
import { type Plan, roles } from './plan.ts'

/** What one list is held against. */
export type Truth = 'next' | 'rest' | 'basket' | 'hidden' | 'user'

/** What makes a question of events of a plan: whose history must have begun, and which events belong together. */
export interface QuestionRules {
  /** Who must have done something before a question is asked: the visit, or the user. */
  readonly context: 'session' | 'user'
  /**
   * `next`: the next item. `rest`: MRR and HR the next item, the others all that follow in the visit. `basket`: the items of all
   * judged events of one session and time. `hidden`: all judged items of one session. `user`: all judged items of a user.
   */
  readonly truth: Truth
}

/** Where the questions of a plan begin and end. */
export class Questions {
  readonly #data: Observations
  readonly #plan: Plan
  readonly #rules: QuestionRules

  constructor(data: Observations, plan: Plan, rules: QuestionRules) {
    this.#data = data
    this.#plan = plan
    this.#rules = rules
  }

  /** One past the last event of the plan that belongs to the question that begins at a place. */
  endOf(at: number): number {
    const { truth } = this.#rules
    const { order, roles: roleAt } = this.#plan
    if (truth === 'next' || truth === 'rest') return at + 1
    const { sessions, timesMs, users } = this.#data
    const first = order[at]!
    let end = at + 1
    for (; end < order.length && roleAt[end] === roleAt[at]; end++) {
      const row = order[end]!
      const sameOwner = truth === 'user' ? users[row] === users[first] : sessions[row] === sessions[first]
      if (!sameOwner || (truth === 'basket' && timesMs[row] !== timesMs[first])) break
    }
    return end
  }

  /** Questions that can be asked: those of a visit or user that has done something before. */
  count(): number {
    const { order, roles: roleAt } = this.#plan
    const owners = this.#rules.context === 'session' ? this.#data.sessions : this.#data.users
    const known = new Set<number>()
    let questions = 0
    for (let at = 0; at < order.length; ) {
      const isJudged = roleAt[at] === roles.judge
      const end = isJudged ? this.endOf(at) : at + 1
      if (isJudged && known.has(owners[order[at]!]!)) questions++
      for (; at < end; at++) if (roleAt[at] !== roles.skip) known.add(owners[order[at]!]!)
    }
    return questions
  }
}
