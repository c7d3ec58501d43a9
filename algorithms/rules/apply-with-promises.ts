import { applyRules } from './apply-rules.ts'
import { checkLimits } from './check-limits.ts'
import type { CompiledRules } from './compile-rules.ts'
import { type ListLimits, listPromises } from './list-promises.ts'
import type { RuleSubject } from './rule-spec.ts'
import type { RuledList, RuleList } from './ruled-list.ts'

/**
 * Applies the rules in force, and arranges the list anew if its first places then break what every list promises: most lists keep their
 * promises under rules without that, and arranging costs more than all rules. `taste`: see `listPromises`. Null where there was nothing
 * to do: no rule is in force and the list, in the order of its subjects, keeps its promises.
 */
export function applyWithPromises(
  rules: CompiledRules,
  list: RuleList,
  limits: ListLimits,
  taste: readonly string[],
): RuledList | null {
  const isRuled = rules.active(list).count > 0
  const ruled = isRuled ? applyRules(rules, list) : null
  const all = ruled ? [...list.subjects, ...ruled.added] : list.subjects
  const page = ruled ? Array.from(ruled.order.subarray(0, limits.first), (at) => all[at]!) : all.slice(0, limits.first)
  if (checkLimits(limits, page.slice(0, list.size), taste).length === 0) return ruled
  const promises = (subjects: readonly RuleSubject[], size: number) => listPromises(limits, subjects, size, taste)
  return applyRules(rules, { ...list, promises })
}
