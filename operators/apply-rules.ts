import { map, type OperatorFunction } from 'rxjs'
import { applyRules as applyTo } from '../algorithms/rules/apply-rules.ts'
import { checkList } from '../algorithms/rules/check-list.ts'
import type { RuleMoment, RuleSubject } from '../algorithms/rules/rule-spec.ts'
import type { RuleMove } from '../algorithms/rules/ruled-list.ts'
import { topK } from '../algorithms/top-k.ts'
import type { Batch } from '../ports/batch.ts'
import { bringCandidate } from './bring-candidate.ts'
import type { ListDraft } from './list-draft.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'
import type { RuleTable } from './tables/rule-table.ts'

export interface RuleOptions {
  readonly surface: string
  /** Places of the list; the rest of the order is its reserve. */
  readonly itemsMax: number
  /** Candidates that take part: those ordered, then the best of the others. What rules take out is filled up from them. */
  readonly poolMax: number
}

/**
 * Applies the merchandising rules in force to ordered drafts: filters, boosts, buries, pins, quotas, back-filled from the candidates.
 * The finished list is checked by the rules as they were written. What moved and what could not be kept is noted on the draft;
 * the exploration slot follows its item, and is given up with it.
 *
 *     source  x--y--|     x = [draft of a, b, c]   (a is never to be shown)
 *     result  x--y--|     x = [draft of b, c], removed {rule: 1}
 *
 * - Order: drafts keep theirs.
 * - Bound: `poolMax` candidates, 10,000 rules; the order keeps its length or becomes shorter.
 * - Time: rules hold by the event time of the newest event in a list; reads no clock.
 * - Complete: passes on, nothing is left over.
 * - Error: passes on.
 */
export function applyRules(
  rules: RuleTable,
  items: CatalogueTable,
  options: RuleOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  return map((batch) => {
    for (const draft of batch.records) apply(draft, rules, items, options)
    return batch
  })
}

function apply(draft: ListDraft, { compiled }: RuleTable, items: CatalogueTable, options: RuleOptions): void {
  const moment: RuleMoment = { surface: options.surface, timeMs: draft.update.eventTimeMs }
  const active = compiled.active(moment)
  if (active.count === 0) return
  const places = poolOf(draft, options.poolMax)
  const subjectOf = (place: number) => items.subjectOf(draft.set.rows[place]!)
  const subjects = Array.from(places, subjectOf)
  const scores = Float64Array.from(places, (place) => draft.scores[place]!)
  const size = Math.min(options.itemsMax, draft.order.length)
  const find = (itemId: string) => (isUnwanted(draft, itemId, items) ? undefined : items.get(itemId))
  const { order, added, moves, violations } = applyTo(compiled, { ...moment, subjects, scores, size, find })
  const explored = draft.exploration === null ? -1 : draft.order[draft.exploration.slot]!
  // A pin may make a short list longer.
  const length = Math.max(draft.order.length, Math.min(order.length, options.itemsMax))
  draft.order = Int32Array.from(order.subarray(0, length), (index) => places[index] ?? places.length - 1 - index)
  if (draft.exploration !== null) {
    const slot = draft.order.indexOf(explored)
    draft.exploration = slot < 0 ? null : { ...draft.exploration, slot }
  }
  for (const [n, subject] of added.entries()) bring(draft, subject, -1 - n, items)
  const shown = Array.from(draft.order.subarray(0, options.itemsMax), subjectOf)
  const told = new Set(violations.map(({ ruleId }) => ruleId))
  const specs = compiled.specs.filter((_, number) => active.isActive[number] === 1)
  const unseen = checkList(specs, shown, moment).filter(({ ruleId }) => !told.has(ruleId))
  draft.ruled = { moves, violations: [...violations, ...unseen] }
  countRemoved(draft, moves)
}

/** Whether the person bought it, does not want it or has it at hand: no pin brings that. */
function isUnwanted({ update, ranker, user }: ListDraft, itemId: string, items: CatalogueTable): boolean {
  const { purchased, dismissed } = update.features
  if (purchased.includes(itemId) || dismissed.includes(itemId)) return true
  const row = items.catalogue.items.find(itemId)
  return ranker.cart.has(row) || user.sessionRows.at(-1) === row
}

/** Gives a pinned item from outside, `mark` in the order, a place; it shows the score of the one it stands before. */
function bring(draft: ListDraft, { itemId }: RuleSubject, mark: number, items: CatalogueTable): void {
  const at = draft.order.indexOf(mark)
  if (at < 0) return
  const beside = draft.order.subarray(at).find((place) => place >= 0) ?? -1
  const place = bringCandidate(draft, items.catalogue.items.find(itemId), draft.scores[beside] ?? 0)
  if (place >= 0) draft.order[at] = place
  else {
    draft.order = draft.order.filter((_, index) => index !== at)
    if (draft.exploration && draft.exploration.slot > at)
      draft.exploration = { ...draft.exploration, slot: draft.exploration.slot - 1 }
  }
}

/** Places of the candidates that take part: as ordered so far, then whoever was not ordered, best score first. */
function poolOf(draft: ListDraft, poolMax: number): Int32Array {
  const { order, scores, set } = draft
  const isOrdered = new Uint8Array(set.count)
  for (const place of order) isOrdered[place] = 1
  const rest = topK(scores, Math.max(0, Math.min(poolMax, set.count) - order.length), isOrdered).indices
  const pool = new Int32Array(order.length + rest.length)
  pool.set(order)
  pool.set(rest, order.length)
  return pool
}

function countRemoved({ removed }: ListDraft, moves: readonly RuleMove[]): void {
  const count = moves.filter(({ kind }) => kind === 'excluded').length
  if (count > 0) removed.set('rule', (removed.get('rule') ?? 0) + count)
}
