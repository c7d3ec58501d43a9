import {
  numberOf,
  type RuleMoment,
  type RuleSpec,
  type RuleSubject,
  type RuleViolation,
  textFields,
  textsOf,
} from './rule-spec.ts'

/**
 * Judges a finished list by the rules as they were written, knowing nothing of how it was made: in stock, no item twice, nothing
 * that is never shown or below a floor, only what is to be shown only (pinned items excepted), pins at their places, quotas kept
 * within the places there are. Boosts and buries are wishes and not judged. Returns every promise that is broken; none = empty.
 *
 * @param rules as set; those of other surfaces and times are left out here.
 * @param shown the list without its reserve, first place first.
 */
export function checkList(rules: readonly RuleSpec[], shown: readonly RuleSubject[], moment: RuleMoment): RuleViolation[] {
  const holding = rules.filter((rule) => isHolding(rule, moment))
  const broken: RuleViolation[] = []
  const seen = new Set<string>()
  for (const { itemId, stock } of shown) {
    if (seen.has(itemId)) broken.push({ ruleId: null, what: `${itemId} is shown twice` })
    if (stock === 0) broken.push({ ruleId: null, what: `${itemId} is sold out` })
    seen.add(itemId)
  }
  const pins = holding.filter((rule) => rule.kind === 'pin')
  for (const rule of holding) {
    for (const what of faultsOf(rule, shown, moment.timeMs, pins)) broken.push({ ruleId: rule.id, what })
  }
  return broken
}

function faultsOf(rule: RuleSpec, shown: readonly RuleSubject[], timeMs: number, pins: readonly RuleSpec[]): string[] {
  if (rule.kind === 'bury' || (rule.kind === 'bias' && rule.bias > 0)) return []
  const about = shown.filter((subject) => isAbout(rule, subject, timeMs))
  const names = (subjects: readonly RuleSubject[], why: string) => subjects.map(({ itemId }) => `${itemId} ${why}`)
  switch (rule.kind) {
    case 'pin': {
      const there = shown[rule.position!]?.itemId
      return there === rule.values[0] ? [] : [`${rule.values[0]} is not at place ${rule.position} but ${there ?? 'nothing'}`]
    }
    case 'floor':
      return names(
        shown.filter((subject) => (numberOf(subject, rule.field, timeMs) ?? Number.POSITIVE_INFINITY) < rule.valueMin!),
        `is below ${rule.field} ${rule.valueMin}`,
      )
    case 'quota': {
      const first = Math.min(rule.first!, shown.length)
      const count = shown.slice(0, first).filter((subject) => about.includes(subject)).length
      if (count < (rule.countMin ?? 0)) return [`${count} of the first ${first}, fewer than ${rule.countMin}`]
      return count > (rule.countMax ?? count) ? [`${count} of the first ${first}, more than ${rule.countMax}`] : []
    }
    default: {
      if (rule.bias === 0) return names(about, 'is never to be shown')
      const isPinned = (subject: RuleSubject, place: number) =>
        pins.some(({ values, position }) => position === place && values[0] === subject.itemId)
      const others = shown.filter((subject, place) => !about.includes(subject) && !isPinned(subject, place))
      return names(others, 'is none of those to be shown only')
    }
  }
}

function isHolding({ surfaces, fromMs, toMs }: RuleSpec, { surface, timeMs }: RuleMoment): boolean {
  if (fromMs !== null && timeMs < fromMs) return false
  if (toMs !== null && timeMs >= toMs) return false
  return surfaces.length === 0 || surfaces.includes(surface)
}

function isAbout(rule: RuleSpec, subject: RuleSubject, timeMs: number): boolean {
  if (textFields.includes(rule.field)) return textsOf(subject, rule.field).some((text) => rule.values.includes(text))
  const value = numberOf(subject, rule.field, timeMs)
  if (value === null) return false
  return value >= (rule.valueMin ?? Number.NEGATIVE_INFINITY) && value <= (rule.valueMax ?? Number.POSITIVE_INFINITY)
}
