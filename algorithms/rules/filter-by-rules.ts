import type { ActiveRules, CompiledRules, RuleMatches } from './compile-rules.ts'
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
export function filterByRules(
  rules: CompiledRules,
  active: ActiveRules,
  { subjects }: RuleList,
  matches: RuleMatches,
  moves: RuleMove[],
): KeptCandidates {
  const excludedBy = new Map<string, string>()
  const onlyPinned = new Map<number, string>()
  const seen = new Set<string>()
  const order = new Int32Array(subjects.length)
  let kept = 0
  for (let index = 0; index < subjects.length; index++) {
    const { itemId } = subjects[index]!
    const verdict = ruleVerdict(rules, active, subjects[index]!, matches, index)
    const isRepeated = seen.size === seen.add(itemId).size
    if (!isRepeated && verdict === null) order[kept++] = index
    else if (!isRepeated && verdict!.isOnly && isPinned(itemId, rules, active)) {
      order[kept++] = index
      onlyPinned.set(index, verdict!.ruleId!)
    } else {
      const ruleId = isRepeated ? null : verdict!.ruleId
      const kind: RuleMoveKind = isRepeated ? 'repeated' : ruleId === null ? 'sold-out' : 'excluded'
      if (!isRepeated) excludedBy.set(itemId, clauseOf(verdict!))
      moves.push({ ruleId, kind, itemId, from: index, to: -1 })
    }
  }
  return { order: order.subarray(0, kept), excludedBy, onlyPinned }
}

function isPinned(itemId: string, { specs }: CompiledRules, { pins }: ActiveRules): boolean {
  return pins.some((number) => specs[number]!.values[0] === itemId)
}

/** Why item `index` of those matched may not be shown; null if it may. The rule with the lowest id is named. */
export function ruleVerdict(
  { specs }: CompiledRules,
  active: ActiveRules,
  subject: RuleSubject,
  { starts, rules }: RuleMatches,
  index: number,
): RuleVerdict | null {
  if (subject.stock === 0) return { ruleId: null, isOnly: false }
  const end = starts[index + 1]!
  let never = specs.length
  let only = 0
  for (let at = starts[index]!; at < end; at++) {
    const { kind, bias } = specs[rules[at]!]!
    if (kind === 'floor' || (kind === 'bias' && bias === 0)) never = Math.min(never, rules[at]!)
    else if (kind === 'bias' && bias === -1) only++
  }
  if (never < specs.length) return { ruleId: specs[never]!.id, isOnly: false }
  if (only === active.only.length) return null
  const met = rules.subarray(starts[index]!, end)
  return { ruleId: specs[active.only.find((number) => !met.includes(number))!]!.id, isOnly: true }
}

/** A verdict as a clause to follow "because". */
export function clauseOf({ ruleId }: RuleVerdict): string {
  return ruleId === null ? 'it is sold out' : `rule ${ruleId} keeps it out`
}
