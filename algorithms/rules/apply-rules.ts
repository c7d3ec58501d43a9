import { type ArrangeInput, arrange, type ListPromise, unpromised } from './arrange.ts'
import { boostByRules } from './boost-by-rules.ts'
import type { ActiveRules, CompiledRules, RuleMatches } from './compile-rules.ts'
import type { Quota } from './fill-quotas.ts'
import { filterByRules, type KeptCandidates } from './filter-by-rules.ts'
import { type HeldPin, pinByRules } from './pin-by-rules.ts'
import type { RuleSubject, RuleViolation } from './rule-spec.ts'
import { placesOf, type RuledList, type RuleList, type RuleMove } from './ruled-list.ts'

/**
 * Applies the rules of a surface and time to a ranked list: filter → boost → bury → pins → quotas, back-filled from the reserve.
 * Never beats pin beats only beats boost (features.md F8.10). Of two pins for one place, and of quotas that contradict each other,
 * the one with the lower id holds, and of the other quota as much as is possible. A list is never shortened for a quota, shows no
 * item twice and none that is sold out. What the list promises beside rules comes after their quotas. Deterministic. Every move is
 * told, and whatever rule could not be kept; `checkList` and `checkLimits` judge the result by rules and promises themselves.
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
  const allMatches = added.length === 0 ? matches : rules.matches(all, active, list.timeMs)
  const quotas = quotaPromises(rules, active, allMatches, { count: all.length, size })
  const promises = [...quotas, ...(list.promises?.(all, size) ?? [])]
  const input: ArrangeInput = { order: loose, pinned }
  const { order, broken } = arrange(input, promises)
  for (const n of broken) {
    const quota = quotas[n]
    if (quota) violations.push({ ruleId: quota.id, what: quotaFault(quota.quotas[0]!, order) })
  }
  tellPromises(promises, input, order, all, moves)
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

/** The quotas of rules, as promises in order of their ids. */
function quotaPromises(
  { specs }: CompiledRules,
  { quotas }: ActiveRules,
  { starts, rules }: RuleMatches,
  places: { readonly count: number; readonly size: number },
): ListPromise[] {
  return quotas.map((number) => {
    const { id, first, countMin, countMax } = specs[number]!
    const members = Uint8Array.from({ length: places.count }, (_, index) =>
      rules.subarray(starts[index]!, starts[index + 1]!).includes(number) ? 1 : 0,
    )
    const [min, max] = [countMin ?? 0, countMax ?? Number.MAX_SAFE_INTEGER]
    return { id, quotas: [{ first: Math.min(first!, places.size), min, max, members }] }
  })
}

function quotaFault({ first, min, max, members }: Quota, order: Int32Array): string {
  const count = order.subarray(0, first).reduce((sum, index) => sum + members[index]!, 0)
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
function tellPromises(
  promises: readonly ListPromise[],
  input: ArrangeInput,
  order: Int32Array,
  all: readonly RuleSubject[],
  moves: RuleMove[],
): void {
  if (promises.length === 0) return
  const before = placesOf(unpromised(input), all.length)
  order.forEach((index, to) => {
    const from = before[index]!
    const promise = from === to ? undefined : promises.find((one) => isMover(one, index, from, to))
    if (promise)
      moves.push({ ruleId: promise.id, kind: to < from ? 'lifted' : 'held-back', itemId: all[index]!.itemId, from, to })
  })
}

/** Whether a promise is why an item rose or fell. */
function isMover({ quotas, spread }: ListPromise, index: number, from: number, to: number): boolean {
  if (spread) return Math.min(from, to) < spread.first && Math.max(from, to) >= spread.first
  return quotas.some(({ first, min, max, members }) => {
    if (members[index] === 0) return false
    return to < from ? min > 0 && to < first : max <= first && from < first
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
