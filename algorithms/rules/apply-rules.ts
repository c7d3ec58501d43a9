import { boostByRules } from './boost-by-rules.ts'
import type { ActiveRules, CompiledRules, RuleMatches } from './compile-rules.ts'
import { fillQuotas, type Quota, type QuotaInput } from './fill-quotas.ts'
import { filterByRules, type KeptCandidates } from './filter-by-rules.ts'
import { type HeldPin, pinByRules } from './pin-by-rules.ts'
import type { RuleSubject, RuleViolation } from './rule-spec.ts'
import { placesOf, type RuledList, type RuleList, type RuleMove } from './ruled-list.ts'

/**
 * Applies the rules of a surface and time to a ranked list: filter → boost → bury → pins → quotas, back-filled from the reserve.
 * Never beats pin beats only beats boost (features.md F8.10). Of two pins for one place, and of quotas that contradict each other,
 * the one with the lower id holds, and of the other quota as much as is possible. A list is never shortened for a quota, shows no
 * item twice and none that is sold out. Deterministic. Every move is told, and whatever could not be kept; `checkList` judges
 * the result by the rules themselves.
 */
export function applyRules(rules: CompiledRules, list: RuleList): RuledList {
  const active = rules.active(list)
  const moves: RuleMove[] = []
  const violations: RuleViolation[] = []
  const matches = rules.matches(list.subjects, active, list.timeMs)
  const kept = filterByRules(rules, active, list, matches, moves)
  const ranked = boostByRules(rules, list, matches, kept.order, moves)
  const { pins, added } = pinByRules(rules, active, list, kept, violations)
  const loose = looseOf(ranked, kept, pins, list, moves)
  const pinned = new Int32Array(loose.length + pins.length).fill(-1)
  for (const { position, index } of pins) pinned[position] = index
  const size = Math.min(list.size, pinned.length)
  const all = [...list.subjects, ...added]
  tellPins(pins, ranked, all, moves)
  const masks = quotaMasks(active, added.length === 0 ? matches : rules.matches(all, active, list.timeMs), all.length)
  const input: QuotaInput = { order: loose, masks, pinned, quotas: quotasOf(rules, active, size) }
  const { order, broken } = arrange(input)
  for (const q of broken)
    violations.push({ ruleId: rules.specs[active.quotas[q]!]!.id, what: quotaFault(input.quotas[q]!, q, order, masks) })
  tellQuotas(rules, active, input, order, all, moves)
  tellBackFill(order.subarray(0, size), list, moves)
  return { order, size, added, moves, violations }
}

/** Those that no pin holds, in order; what a bias −1 leaves out and no pin holds is gone. */
function looseOf(
  ranked: Int32Array,
  { onlyPinned }: KeptCandidates,
  pins: readonly HeldPin[],
  { subjects }: RuleList,
  moves: RuleMove[],
): Int32Array {
  if (pins.length === 0 && onlyPinned.size === 0) return ranked
  const isHeld = new Set(pins.map(({ index }) => index))
  for (const [index, ruleId] of onlyPinned)
    if (!isHeld.has(index)) moves.push({ ruleId, kind: 'excluded', itemId: subjects[index]!.itemId, from: index, to: -1 })
  return ranked.filter((index) => !isHeld.has(index) && !onlyPinned.has(index))
}

function quotasOf(rules: CompiledRules, active: ActiveRules, size: number): Quota[] {
  return active.quotas.map((number) => {
    const { first, countMin, countMax } = rules.specs[number]!
    return { first: Math.min(first!, size), min: countMin ?? 0, max: countMax ?? Number.MAX_SAFE_INTEGER }
  })
}

/** By candidate: which quotas count it. */
function quotaMasks({ quotas }: ActiveRules, { starts, rules }: RuleMatches, count: number): Int32Array {
  const masks = new Int32Array(count)
  if (quotas.length === 0) return masks
  for (let index = 0; index < count; index++) {
    for (let at = starts[index]!; at < starts[index + 1]!; at++) {
      const q = quotas.indexOf(rules[at]!)
      if (q >= 0) masks[index]! |= 1 << q
    }
  }
  return masks
}

/** The best arrangement that keeps all quotas; else quota by quota, each with as little slack as those before it leave. */
function arrange(input: QuotaInput): { readonly order: Int32Array; readonly broken: readonly number[] } {
  const order = fillQuotas(input)
  if (order) return { order, broken: [] }
  const anything: Quota = { first: 0, min: 0, max: Number.MAX_SAFE_INTEGER }
  const held = input.quotas.map(() => anything)
  const broken: number[] = []
  let best = fillQuotas({ ...input, quotas: [] })!
  input.quotas.forEach(({ first, min, max }, q) => {
    for (let slack = 0; slack <= Math.max(first, min); slack++) {
      held[q] = { first, min: Math.max(0, min - slack), max: max + slack }
      const found = fillQuotas({ ...input, quotas: held })
      if (!found && slack === 0) broken.push(q)
      if (!found) continue
      best = found
      return
    }
    held[q] = anything
  })
  return { order: best, broken }
}

function quotaFault({ first, min, max }: Quota, q: number, order: Int32Array, masks: Int32Array): string {
  const count = order.subarray(0, first).reduce((sum, index) => sum + ((masks[index]! >>> q) & 1), 0)
  const asked = count < min ? `at least ${min}` : `at most ${max}`
  return `${count} of the first ${first} instead of ${asked}: candidates, pins and the rules before it leave no other way`
}

function tellPins(pins: readonly HeldPin[], ranked: Int32Array, all: readonly RuleSubject[], moves: RuleMove[]): void {
  const places = placesOf(ranked, all.length)
  for (const { ruleId, position, index } of pins)
    if (places[index] !== position)
      moves.push({ ruleId, kind: 'pinned', itemId: all[index]!.itemId, from: places[index]!, to: position })
}

/** Who rose for a least and who fell for a most; others only made room. */
function tellQuotas(
  rules: CompiledRules,
  active: ActiveRules,
  input: QuotaInput,
  order: Int32Array,
  all: readonly RuleSubject[],
  moves: RuleMove[],
): void {
  if (input.quotas.length === 0) return
  const before = placesOf(fillQuotas({ ...input, quotas: [] })!, all.length)
  order.forEach((index, to) => {
    const from = before[index]!
    const q = input.quotas.findIndex(({ first, min, max }, at) => {
      if (((input.masks[index]! >>> at) & 1) === 0) return false
      return to < from ? min > 0 && to < first : to > from && max <= first && from < first
    })
    if (q < 0) return
    const { id } = rules.specs[active.quotas[q]!]!
    moves.push({ ruleId: id, kind: to < from ? 'lifted' : 'held-back', itemId: all[index]!.itemId, from, to })
  })
}

/** Who came up from the reserve by no rule's act. */
function tellBackFill(shown: Int32Array, { subjects, size }: RuleList, moves: RuleMove[]): void {
  const isTold = new Set(moves.map(({ itemId }) => itemId))
  shown.forEach((index, to) => {
    if (index < size || index >= subjects.length || isTold.has(subjects[index]!.itemId)) return
    moves.push({ ruleId: null, kind: 'back-filled', itemId: subjects[index]!.itemId, from: index, to })
  })
}
