import type { ActiveRules, CompiledRules } from './compile-rules.ts'
import type { RuleSubject } from './rule-spec.ts'
import type { RuleList, RuleMove, RuleMoveKind } from './ruled-list.ts'

/** Candidates that may be shown, and why the others may not. */
export interface KeptCandidates {
  /** Numbers of candidates, in order. */
  readonly order: Int32Array
  /** What keeps an item out, by item id, as a clause. */
  readonly excludedBy: ReadonlyMap<string, string>
  /** Those of `order` that lack what a bias −1 asks for and stay only if they get their pin: the rule, by number. */
  readonly onlyPinned: ReadonlyMap<number, string>
}

/** Why an item may not be shown. */
export interface RuleVerdict {
  /** null: it is sold out. */
  readonly ruleId: string | null
  /** Whether all that is wrong is that a bias −1 does not name it: a pin beats that. */
  readonly isOnly: boolean
}

/** Takes out repeated and sold-out items, those a rule never shows, and those that an include-only rule leaves out. */
export function filterByRules(rules: CompiledRules, active: ActiveRules, list: RuleList, moves: RuleMove[]): KeptCandidates {
  const pinned = new Set(active.pins.map((number) => rules.specs[number]!.values[0]!))
  const excludedBy = new Map<string, string>()
  const onlyPinned = new Map<number, string>()
  const seen = new Set<string>()
  const order: number[] = []
  for (const [index, subject] of list.subjects.entries()) {
    const { itemId } = subject
    const verdict = seen.has(itemId) ? 'repeated' : ruleVerdict(rules, active, subject, list.timeMs)
    seen.add(itemId)
    if (verdict === null) order.push(index)
    else if (verdict !== 'repeated' && verdict.isOnly && pinned.has(itemId)) {
      order.push(index)
      onlyPinned.set(index, verdict.ruleId!)
    } else {
      const ruleId = verdict === 'repeated' ? null : verdict.ruleId
      const kind: RuleMoveKind = verdict === 'repeated' ? 'repeated' : ruleId === null ? 'sold-out' : 'excluded'
      if (verdict !== 'repeated') excludedBy.set(itemId, clauseOf(verdict))
      moves.push({ ruleId, kind, itemId, from: index, to: -1 })
    }
  }
  return { order: Int32Array.from(order), excludedBy, onlyPinned }
}

/** Why an item may not be shown; null if it may. The rule with the lowest id is named. */
export function ruleVerdict(rules: CompiledRules, active: ActiveRules, subject: RuleSubject, timeMs: number): RuleVerdict | null {
  if (subject.stock === 0) return { ruleId: null, isOnly: false }
  if (active.count === 0) return null
  let never = rules.specs.length
  const met = new Set<number>()
  rules.forEachMatch(subject, active, timeMs, (number) => {
    const { kind, bias } = rules.specs[number]!
    if (kind === 'floor' || (kind === 'bias' && bias === 0)) never = Math.min(never, number)
    if (kind === 'bias' && bias === -1) met.add(number)
  })
  if (never < rules.specs.length) return { ruleId: rules.specs[never]!.id, isOnly: false }
  const missing = active.only.find((number) => !met.has(number))
  return missing === undefined ? null : { ruleId: rules.specs[missing]!.id, isOnly: true }
}

/** A verdict as a clause to follow "because". */
export function clauseOf({ ruleId }: RuleVerdict): string {
  return ruleId === null ? 'it is sold out' : `rule ${ruleId} keeps it out`
}
