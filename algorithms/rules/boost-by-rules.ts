import type { CompiledRules, RuleMatches } from './compile-rules.ts'
import { placesOf, type RuleList, type RuleMove } from './ruled-list.ts'

/**
 * Boosts, then buries, by one sort that keeps the order of equals. A boost acts on the score an item's place stands for: no score
 * counts more than those above it, so that items which no rule is about keep their order though a re-ranker left scores out of
 * order. Returns `order` itself if nothing moves.
 */
export function boostByRules(
  { specs }: CompiledRules,
  { subjects, scores }: RuleList,
  { starts, rules }: RuleMatches,
  order: Int32Array,
  moves: RuleMove[],
): Int32Array {
  const values = new Float64Array(subjects.length)
  const isBuried = new Uint8Array(subjects.length)
  const acts: { readonly number: number; readonly index: number }[] = []
  let ceiling = Number.MAX_VALUE
  for (const index of order) {
    // What is not a finite number stands where it stood: no factor makes sense of it.
    const isScored = Number.isFinite(scores[index])
    if (isScored) ceiling = Math.min(ceiling, scores[index]!)
    values[index] = ceiling
    for (let at = starts[index]!; at < starts[index + 1]!; at++) {
      const { kind, bias } = specs[rules[at]!]!
      if (kind === 'bury') isBuried[index] = 1
      // A score below 0 comes nearer to 0 by division: above 1 always lifts.
      else if (kind === 'bias' && bias > 0 && isScored)
        values[index] = values[index]! >= 0 ? values[index]! * bias : values[index]! / bias
      else continue
      acts.push({ number: rules[at]!, index })
    }
  }
  if (acts.length === 0) return order
  const before = placesOf(order, subjects.length)
  const byValue = (a: number, b: number) => (values[a] === values[b] ? before[a]! - before[b]! : values[b]! > values[a]! ? 1 : -1)
  const sorted = order.slice().sort((a, b) => isBuried[a]! - isBuried[b]! || byValue(a, b))
  const after = placesOf(sorted, subjects.length)
  for (const { number, index } of acts) {
    const { id, kind } = specs[number]!
    if (before[index] === after[index]) continue
    const told = kind === 'bury' ? 'buried' : 'boosted'
    moves.push({ ruleId: id, kind: told, itemId: subjects[index]!.itemId, from: before[index]!, to: after[index]! })
  }
  return sorted
}
