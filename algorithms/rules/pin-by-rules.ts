import type { ActiveRules, CompiledRules } from './compile-rules.ts'
import { clauseOf, type KeptCandidates, type RuleVerdict, ruleVerdict } from './filter-by-rules.ts'
import type { RuleSubject, RuleViolation } from './rule-spec.ts'
import type { RuleList } from './ruled-list.ts'

/** A pin that holds. */
export interface HeldPin {
  readonly ruleId: string
  readonly position: number
  /** Number of the candidate; from `subjects.length` on one of `added`. */
  readonly index: number
}

/** What pins do to a list. */
export interface HeldPins {
  readonly pins: readonly HeldPin[]
  readonly added: readonly RuleSubject[]
}

/**
 * Which pins hold: in order of ids, each with a place and an item of its own; an item that no pin can bring (sold out, never
 * shown, unknown) and a place that the list does not have are told as violations.
 */
export function pinByRules(
  rules: CompiledRules,
  active: ActiveRules,
  list: RuleList,
  kept: KeptCandidates,
  violations: RuleViolation[],
): HeldPins {
  if (active.pins.length === 0) return { pins: [], added: [] }
  const beyond: number[] = []
  for (;;) {
    // A pin beyond the list gives its item back to others, and may have been what made the list longer: so all are asked again.
    const choice = new PinChoice(rules, active, list, kept)
    for (const number of active.pins) if (!beyond.includes(number)) choice.add(number)
    const last = choice.pins.reduce((furthest, pin) => (furthest.position > pin.position ? furthest : pin), choice.pins[0]!)
    const places = Math.min(choice.total, list.size)
    if (choice.pins.length > 0 && last.position >= places) {
      beyond.push(last.number)
      continue
    }
    violations.push(...choice.violations)
    for (const number of beyond) violations.push(choice.violationOf(number, `the list has ${places} places`))
    return choice
  }
}

/** Pins taken one by one. */
class PinChoice implements HeldPins {
  readonly pins: (HeldPin & { readonly number: number; readonly itemId: string })[] = []
  readonly added: RuleSubject[] = []
  readonly violations: RuleViolation[] = []
  /** Candidates that will be there, without those that only a pin could bring and none does. */
  total: number
  readonly #rules: CompiledRules
  readonly #active: ActiveRules
  readonly #list: RuleList
  readonly #kept: KeptCandidates
  readonly #numbers = new Map<string, number>()

  constructor(rules: CompiledRules, active: ActiveRules, list: RuleList, kept: KeptCandidates) {
    this.#rules = rules
    this.#active = active
    this.#list = list
    this.#kept = kept
    this.total = kept.order.length - kept.onlyPinned.size
    for (const index of kept.order) this.#numbers.set(list.subjects[index]!.itemId, index)
  }

  add(number: number): void {
    const { id: ruleId, values, position } = this.#rules.specs[number]!
    const itemId = values[0]!
    const there = this.pins.find((pin) => pin.position === position)
    if (there) {
      if (there.itemId !== itemId) this.#refuse(number, `rule ${there.ruleId} pins ${there.itemId} there`)
      return
    }
    const own = this.pins.find((pin) => pin.itemId === itemId)
    if (own) {
      this.#refuse(number, `rule ${own.ruleId} pins it at place ${own.position}`)
      return
    }
    let index = this.#numbers.get(itemId) ?? -1
    if (index < 0) {
      const subject = this.#find(number, itemId)
      if (!subject) return
      index = this.#list.subjects.length + this.added.push(subject) - 1
    }
    if (index >= this.#list.subjects.length || this.#kept.onlyPinned.has(index)) this.total++
    this.pins.push({ ruleId, position: position!, index, number, itemId })
  }

  violationOf(number: number, why: string): RuleViolation {
    const { id: ruleId, values, position } = this.#rules.specs[number]!
    return { ruleId, what: `${values[0]} is not at place ${position}: ${why}` }
  }

  #refuse(number: number, why: string): void {
    this.violations.push(this.violationOf(number, why))
  }

  /** An item that is no candidate, if it may be shown. */
  #find(number: number, itemId: string): RuleSubject | undefined {
    const excluded = this.#kept.excludedBy.get(itemId)
    const subject = excluded === undefined ? this.#list.find?.(itemId) : undefined
    const verdict = subject && this.#verdictOn(subject)
    if (subject && (!verdict || verdict.isOnly)) return subject
    this.#refuse(number, verdict ? clauseOf(verdict) : (excluded ?? 'it is no candidate and cannot be brought'))
    return undefined
  }

  #verdictOn(subject: RuleSubject): RuleVerdict | null {
    return ruleVerdict(this.#rules, this.#active, subject, this.#rules.matches([subject], this.#active, this.#list.timeMs), 0)
  }
}
