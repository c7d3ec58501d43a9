import type { ListPromise } from './arrange.ts'
import type { RuleMoment, RuleSubject, RuleViolation } from './rule-spec.ts'

/** A ranked list as rules see it. */
export interface RuleList extends RuleMoment {
  /** Candidates, best first: the list, then its reserve. */
  readonly subjects: readonly RuleSubject[]
  /** Score by candidate, which boosts act on. */
  readonly scores: ArrayLike<number>
  /** Places of the list; the rest is the reserve. */
  readonly size: number
  /** Finds an item that is no candidate, for pins; without it only candidates can be pinned. */
  readonly find?: (itemId: string) => RuleSubject | undefined
  /** What the list promises beside rules, of these candidates and so many places: kept after all quotas of rules. */
  readonly promises?: (subjects: readonly RuleSubject[], size: number) => readonly ListPromise[]
}

/**
 * What moved an item. `repeated` and `sold-out` are promises of every list; `back-filled` came up from the reserve because others
 * went; all else is the act of the rule named.
 */
export type RuleMoveKind =
  | 'repeated'
  | 'sold-out'
  | 'excluded'
  | 'boosted'
  | 'buried'
  | 'pinned'
  | 'lifted'
  | 'held-back'
  | 'back-filled'

/** One item that a rule or a promise of the list moved. Places count from 0 over list and reserve, before and after that rule's stage. */
export interface RuleMove {
  readonly ruleId: string | null
  readonly kind: RuleMoveKind
  readonly itemId: string
  /** −1 = it was no candidate. */
  readonly from: number
  /** −1 = it is gone. */
  readonly to: number
}

/** A list once rules were applied. */
export interface RuledList {
  /** Places in `subjects`, then (from `subjects.length` on) in `added`: the list, then its reserve. */
  readonly order: Int32Array
  /** How many of `order` are the list. */
  readonly size: number
  /** Pinned items that were no candidates. */
  readonly added: readonly RuleSubject[]
  readonly moves: readonly RuleMove[]
  /** Rules that could not be kept, and why. */
  readonly violations: readonly RuleViolation[]
}

/** By number: its place in the order, −1 if it has none. */
export function placesOf(order: Int32Array, size: number): Int32Array {
  const places = new Int32Array(size).fill(-1)
  for (let place = 0; place < order.length; place++) places[order[place]!] = place
  return places
}
