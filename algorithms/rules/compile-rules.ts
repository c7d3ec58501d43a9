import { MillraceError } from '../../core/errors.ts'
import { ruleFault } from './rule-fault.ts'
import { numberFields, numberOf, type RuleMoment, type RuleSpec, type RuleSubject, textFields, textsOf } from './rule-spec.ts'

/** Rules at most: each is looked at when one is set. */
export const rulesMax = 10_000
/** Quotas at most: an item's membership is one word of bits. */
export const quotasMax = 30
/** Moments kept; each surface has one at a time, unless times go to and fro. */
const momentsMax = 64

/** The rules that hold on one surface during one stretch of time, by their number in `CompiledRules.specs`. */
export interface ActiveRules {
  readonly isActive: Uint8Array
  readonly count: number
  /** Those of bias −1: an item must match all. */
  readonly only: readonly number[]
  readonly pins: readonly number[]
  readonly quotas: readonly number[]
  /** Rules on numbers, which may change with time. */
  readonly numbers: readonly number[]
}

/** Which active rules are about which items: those of item i are `rules[starts[i]]` … `rules[starts[i + 1] − 1]`, each once. */
export interface RuleMatches {
  readonly starts: Int32Array
  readonly rules: Int32Array
}

const noRules = new Int32Array(0)

/** Rules in the form `applyRules` asks them in; see `compileRules`. */
export class CompiledRules {
  /** By number: ascending by id, so that the order they were set in decides nothing. */
  readonly specs: readonly RuleSpec[]
  /** Rule numbers by value, for each text field that any rule is about. */
  readonly #byText: readonly (readonly [field: RuleSpec['field'], rules: ReadonlyMap<string, readonly number[]>])[]
  /** Rules on texts by item: an item's texts never change, a changed item is another object. */
  readonly #known = new WeakMap<RuleSubject, Int32Array>()
  readonly #moments = new Map<string, ActiveRules & { readonly fromMs: number; readonly toMs: number }>()

  constructor(specs: readonly RuleSpec[]) {
    this.specs = specs
    this.#byText = textFields.flatMap((field) => {
      const rules = new Map<string, number[]>()
      specs.forEach((rule, number) => {
        if (rule.field !== field) return
        for (const value of new Set(rule.values)) rules.set(value, [...(rules.get(value) ?? []), number])
      })
      return rules.size > 0 ? [[field, rules] as const] : []
    })
  }

  /** What holds on a surface at an event time. The answer is kept until a rule begins or ends. */
  active({ surface, timeMs }: RuleMoment): ActiveRules {
    const known = this.#moments.get(surface)
    if (known && timeMs >= known.fromMs && timeMs < known.toMs) return known
    let fromMs = Number.NEGATIVE_INFINITY
    let toMs = Number.POSITIVE_INFINITY
    for (const rule of this.specs)
      for (const border of [rule.fromMs, rule.toMs]) {
        if (border === null) continue
        if (border <= timeMs) fromMs = Math.max(fromMs, border)
        else toMs = Math.min(toMs, border)
      }
    const numbers = [...this.specs.keys()].filter((number) => holds(this.specs[number]!, surface, timeMs))
    const isActive = new Uint8Array(this.specs.length)
    for (const number of numbers) isActive[number] = 1
    const ofKind = (kind: RuleSpec['kind']) => numbers.filter((number) => this.specs[number]!.kind === kind)
    const moment = {
      fromMs,
      toMs,
      isActive,
      count: numbers.length,
      only: ofKind('bias').filter((number) => this.specs[number]!.bias === -1),
      pins: ofKind('pin'),
      quotas: ofKind('quota'),
      numbers: numbers.filter((number) => numberFields.includes(this.specs[number]!.field)),
    }
    if (this.#moments.size >= momentsMax) this.#moments.clear()
    this.#moments.set(surface, moment)
    return moment
  }

  /** The active rules about each of some items. */
  matches(subjects: readonly RuleSubject[], active: ActiveRules, timeMs: number): RuleMatches {
    const starts = new Int32Array(subjects.length + 1)
    let rules = new Int32Array(2 * subjects.length + 8)
    let filled = 0
    for (let index = 0; index < subjects.length; index++) {
      const subject = subjects[index]!
      const texts = this.#textMatches(subject)
      const most = filled + texts.length + active.numbers.length
      if (most > rules.length) rules = grown(rules, 2 * most)
      for (let n = 0; n < texts.length; n++) if (active.isActive[texts[n]!] === 1) rules[filled++] = texts[n]!
      for (const number of active.numbers) if (isInRange(this.specs[number]!, subject, timeMs)) rules[filled++] = number
      starts[index + 1] = filled
    }
    return { starts, rules }
  }

  #textMatches(subject: RuleSubject): Int32Array {
    if (this.#byText.length === 0) return noRules
    const known = this.#known.get(subject)
    if (known) return known
    const found = new Set<number>()
    for (const [field, rules] of this.#byText)
      for (const text of textsOf(subject, field)) for (const number of rules.get(text) ?? []) found.add(number)
    const matches = found.size === 0 ? noRules : Int32Array.from(found).sort()
    this.#known.set(subject, matches)
    return matches
  }
}

/**
 * Compiles rules once, for asking them about many lists. Errors: `MILL_RULE_INVALID` naming the rule, the field and the fix, for
 * the first that is wrong, for an id that comes twice, for more than 10,000 rules or 30 quotas.
 */
export function compileRules(rules: readonly RuleSpec[]): CompiledRules {
  if (rules.length > rulesMax)
    throw refusal(`there are ${rules.length} rules; at most ${rulesMax} can be set: put several values into one`)
  const ids = new Set<string>()
  for (const rule of rules) {
    const fault = ruleFault(rule)
    if (fault !== null) throw refusal(`rule ${rule.id}, ${fault}`)
    if (ids.has(rule.id)) throw refusal(`rule ${rule.id} comes twice: give each an id of its own`)
    ids.add(rule.id)
  }
  const quotas = rules.filter(({ kind }) => kind === 'quota').length
  if (quotas > quotasMax) throw refusal(`there are ${quotas} quotas; at most ${quotasMax} can be set: remove those that are over`)
  return new CompiledRules([...rules].sort((a, b) => (a.id < b.id ? -1 : 1)))
}

function grown(values: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const more = new Int32Array(size)
  more.set(values)
  return more
}

function refusal(message: string): MillraceError {
  return new MillraceError('MILL_RULE_INVALID', message)
}

function holds({ surfaces, fromMs, toMs }: RuleSpec, surface: string, timeMs: number): boolean {
  if (surfaces.length > 0 && !surfaces.includes(surface)) return false
  return (fromMs === null || timeMs >= fromMs) && (toMs === null || timeMs < toMs)
}

/** Whether a rule on numbers is about the item: for a floor, whether the item is below it. What is not counted matches nothing. */
function isInRange({ kind, field, valueMin, valueMax }: RuleSpec, subject: RuleSubject, timeMs: number): boolean {
  const value = numberOf(subject, field, timeMs)
  if (value === null) return false
  if (kind === 'floor') return value < valueMin!
  return (valueMin === null || value >= valueMin) && (valueMax === null || value <= valueMax)
}
