import type { TrendLists } from '../../algorithms/candidates/trend-lists.ts'
import { GroupBoard } from '../../algorithms/group-board.ts'
import { fnv1a32 } from '../../core/hash.ts'
import type { Sourced } from '../../ports/batch.ts'
import { scopeNames } from '../../schemas/scope-names.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'

/** Groups held at most: what people of further ones touch counts for nobody's group. */
const groupsMax = 5_000
/** People without a profile so far whose touches are remembered for it, and how many of each. */
const waitingMax = 50_000
const touchesMax = 10

interface Touch {
  readonly row: number
  readonly timeMs: number
}

/**
 * `users` as a table: which declared groups people are of, and what those groups touch. The touches come from the session steps
 * (`touched`). It is memory of each process, made anew from both topics at its start, and not state of a task: no order between a
 * profile and the events of its person is promised, so what is stored must not depend on it. People are hashes here.
 */
export class GroupTable {
  readonly #groupsOf = new Map<number, readonly string[]>()
  readonly #boards = new Map<string, GroupBoard>()
  /** Touches of people of whom no profile is known, oldest person first. */
  readonly #waiting = new Map<number, Touch[]>()

  apply(records: readonly Sourced<UserProfile | null>[]): void {
    for (const { key, value } of records) {
      const person = fnv1a32(key) | 0
      const groups = scopeNames.groups(value)
      if (groups.length === 0) this.#groupsOf.delete(person)
      else this.#groupsOf.set(person, groups)
      const waiting = this.#waiting.get(person)
      this.#waiting.delete(person)
      for (const touch of waiting ?? []) this.touched(person, touch.row, touch.timeMs)
    }
  }

  /** Counts a touch for the groups of a person, given as the hash of session steps. */
  touched(person: number, row: number, timeMs: number): void {
    const groups = this.#groupsOf.get(person)
    if (groups === undefined) this.#wait(person, { row, timeMs })
    else for (const group of groups) this.#boardOf(group)?.add(person, row, timeMs)
  }

  /** These groups' lists beside those of other scopes. */
  beside(trends: TrendLists): TrendLists {
    return { get: (scope) => this.#boards.get(scope)?.list() ?? trends.get(scope) }
  }

  #wait(person: number, touch: Touch): void {
    const touches = this.#waiting.get(person)
    if (touches !== undefined) {
      if (touches.length === touchesMax) touches.shift()
      touches.push(touch)
      return
    }
    if (this.#waiting.size >= waitingMax) {
      const [oldest] = this.#waiting.keys()
      this.#waiting.delete(oldest!)
    }
    this.#waiting.set(person, [touch])
  }

  #boardOf(group: string): GroupBoard | undefined {
    let board = this.#boards.get(group)
    if (board === undefined && this.#boards.size < groupsMax) {
      board = new GroupBoard()
      this.#boards.set(group, board)
    }
    return board
  }
}
