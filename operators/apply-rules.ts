import { map, type OperatorFunction } from 'rxjs'
import { applyWithPromises } from '../algorithms/rules/apply-with-promises.ts'
import { checkLimits } from '../algorithms/rules/check-limits.ts'
import { checkList } from '../algorithms/rules/check-list.ts'
import type { ListLimits } from '../algorithms/rules/list-promises.ts'
import type { RuleMoment, RuleSubject } from '../algorithms/rules/rule-spec.ts'
import type { RuleList, RuleMove } from '../algorithms/rules/ruled-list.ts'
import type { Batch } from '../ports/batch.ts'
import { bringCandidate } from './bring-candidate.ts'
import { candidatePlaces } from './candidate-places.ts'
import type { ListDraft } from './list-draft.ts'
import { reorderDraft } from './reorder-draft.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'
import type { RuleTable } from './tables/rule-table.ts'

export interface RuleOptions {
  readonly surface: string
  /** Places of the list; the rest of the order is its reserve. */
  readonly itemsMax: number
  /** Candidates that take part: those ordered, then the best of the others. What rules take out is filled up from them. */
  readonly poolMax: number
  /** What every list promises of its first places, rules or none. */
  readonly limits: ListLimits
  /** Categories that the person touched most, outside of which `limits` asks for something. */
  readonly tasteMax: number
}

/**
 * Applies the merchandising rules in force to ordered drafts: filters, boosts, buries, pins, quotas, back-filled from the candidates.
 * The finished list is checked by the rules as they were written and by what every list promises; a list that breaks a promise is
 * arranged anew. What moved and what could not be kept is noted on the draft; the exploration slot follows its item, and is given
 * up with it.
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
  const specs = active.count === 0 ? [] : compiled.specs.filter((_, number) => active.isActive[number] === 1)
  const taste = tasteOf(draft, items, options.tasteMax)
  const subjectOf = (place: number) => items.subjectOf(draft.set.rows[place]!)
  const shown = (count: number) => Array.from(draft.order.subarray(0, count), subjectOf)
  // Without rules nothing is brought: what is there was in stock when it was filtered, and comes once.
  if (active.count === 0 && checkLimits(options.limits, shown(options.limits.first), taste).length === 0) return
  const places = candidatePlaces(draft, options.poolMax)
  const subjects = Array.from(places, subjectOf)
  const scores = Float64Array.from(places, (place) => draft.scores[place]!)
  const size = Math.min(options.itemsMax, draft.order.length)
  const find = (itemId: string) => (isUnwanted(draft, itemId, items) ? undefined : items.get(itemId))
  const list: RuleList = { ...moment, subjects, scores, size, find }
  const ruled = applyWithPromises(compiled, list, options.limits, taste)
  if (ruled === null) return
  const { order, added, moves, violations } = ruled
  // A pin may make a short list longer.
  const length = Math.max(draft.order.length, Math.min(order.length, options.itemsMax))
  reorderDraft(
    draft,
    Int32Array.from(order.subarray(0, length), (index) => places[index] ?? places.length - 1 - index),
  )
  for (const [n, subject] of added.entries()) bring(draft, subject, -1 - n, items)
  const told = new Set(violations.map(({ ruleId }) => ruleId))
  const finished = shown(options.itemsMax)
  const unseen = [...checkList(specs, finished, moment), ...checkLimits(options.limits, finished, taste)]
  draft.ruled = { moves, violations: [...violations, ...unseen.filter(({ ruleId }) => !told.has(ruleId))] }
  countRemoved(draft, moves)
}

/** Names of the categories that the person touched most, at whatever level of a path. */
function tasteOf({ ranker }: ListDraft, { catalogue }: CatalogueTable, countMax: number): string[] {
  const names: string[] = []
  for (const category of ranker.categories.keys()) {
    if (names.length === countMax) break
    names.push(catalogue.categories.text(category)) // Heaviest first, as user features have them.
  }
  return names
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
  else
    reorderDraft(
      draft,
      draft.order.filter((_, index) => index !== at),
    )
}

function countRemoved({ removed }: ListDraft, moves: readonly RuleMove[]): void {
  const count = moves.filter(({ kind }) => kind === 'excluded').length
  if (count > 0) removed.set('rule', (removed.get('rule') ?? 0) + count)
}
