import { capGroups } from '../../algorithms/cap-groups.ts'
import type { HeldList } from '../../algorithms/holder-index.ts'
import { movedItems } from '../../algorithms/moved-items.ts'
import { applyWithPromises } from '../../algorithms/rules/apply-with-promises.ts'
import { checkLimits } from '../../algorithms/rules/check-limits.ts'
import { checkList } from '../../algorithms/rules/check-list.ts'
import type { ListLimits } from '../../algorithms/rules/list-promises.ts'
import type { RuleMoment } from '../../algorithms/rules/rule-spec.ts'
import type { ListEdits, RemovedItem } from '../../schemas/amended-texts.ts'
import type { RuleEffect } from '../../schemas/recommendation.ts'
import type { CatalogueTable } from '../tables/catalogue-table.ts'
import type { RuleTable } from '../tables/rule-table.ts'

/** What a list has lost. */
export interface ListGap {
  /** Rows of the items that left it, as far as they are known. */
  readonly gone: readonly number[]
  /** How many items it is short of. */
  readonly missing: number
  /** The first place that was left: others moved up from there on. */
  readonly place: number
}

/** Nothing left the list: an item of it has another price, and rules may say another thing of it. */
export function isDoubt({ gone, missing }: ListGap): boolean {
  return gone.length === 0 && missing === 0
}

export interface FillOptions {
  readonly surface: string
  /** What the first places of every list promise; of the person's own categories nothing is known here. */
  readonly limits: ListLimits
  /** Items of one last-level category among them, as far as spares allow. */
  readonly leafCategoryMax: number
}

/** A list whose gap is filled: what it holds then, and the edits that make it of the one stored. */
export interface FilledList extends ListEdits {
  /** Rows of items: the list, then its spares. */
  readonly items: readonly number[]
  readonly size: number
}

/**
 * Fills a list up from its spares to the length it had. The order stays; where others moved up into the first places the caps per
 * brand and category are held again, then the rules in force, but for those that move by score (they are in the stored order already),
 * and what the first places of every list promise.
 * Without spares the list stays shorter. What went, what rules moved and what they could not keep is told as effects.
 */
export function fillList(
  list: HeldList,
  gap: ListGap,
  { catalogue: items, rules }: { readonly catalogue: CatalogueTable; readonly rules: RuleTable },
  options: FillOptions,
): FilledList {
  const { catalogue } = items
  const all = Array.from(list.items)
  const shown = all.slice(0, list.size)
  const pool = all.filter((row, place) => place < list.size || catalogue.available(row))
  const effects = gap.gone.map((row): RuleEffect => {
    const ruleId = catalogue.withdrawn[row] === 1 ? 'withdrawn' : 'stock'
    return { ruleId, kind: 'excluded', itemId: catalogue.items.text(row) }
  })
  let order: Int32Array = Int32Array.from(pool.keys())
  const { first, brandMax } = options.limits
  if (gap.place < first) {
    order = capGroups(order, first, [
      { groups: Int32Array.from(pool, (row) => catalogue.brand[row]!), max: brandMax },
      { groups: Int32Array.from(pool, (row) => catalogue.leafCategory[row]!), max: options.leafCategoryMax },
    ])
  }
  const ranked = Array.from(order, (place) => pool[place]!)
  const size = Math.min(list.size + gap.missing, ranked.length)
  const moment = { surface: options.surface, timeMs: list.timeMs }
  const ruled = ruledOrder(ranked, size, moment, { items, rules, limits: gap.place < first ? options.limits : unlimited })
  const after = ruled.order.slice(0, ruled.size)
  const isShown = new Set(after)
  const stays = shown.filter((row) => isShown.has(row))
  const textOf = (row: number | null) => (row === null ? null : catalogue.items.text(row))
  return {
    items: [...after, ...all.slice(list.size).filter((row) => !isShown.has(row))],
    size: after.length,
    removed: shown.flatMap((row, place) => (isShown.has(row) ? [] : [removedItem(textOf(row)!, list, place)])),
    placed: movedItems(stays, after).map(({ item, before }) => ({ itemId: textOf(item)!, before: textOf(before) })),
    effects: [...effects, ...ruled.effects],
  }
}

/**
 * An item at a place of a list, with where it lies in the text: about, as what stands before the items is as long as two of them; and to
 * the byte where the list's index knows it, and the item stands between two others, so that it is the comma before it that goes.
 */
export function removedItem(itemId: string, { size, starts }: HeldList, place: number): RemovedItem {
  const near = (place + 2.5) / (size + 2)
  const [start, next] = [starts?.[place] ?? 0, starts?.[place + 1] ?? 0]
  return place > 0 && start > 0 && next > start
    ? { itemId, near, bytes: { from: start - 1, count: next - start } }
    : { itemId, near }
}

/** The first places were not touched: what they promise holds as it did. */
const unlimited: ListLimits = { first: 0, brandMax: 0, marginMin: 0, diversityMin: 0, categoryShareMax: 1, outsideShareMin: 0 }

function ruledOrder(
  ranked: readonly number[],
  size: number,
  moment: RuleMoment,
  { items, rules, limits }: { readonly items: CatalogueTable; readonly rules: RuleTable; readonly limits: ListLimits },
) {
  const compiled = rules.standing
  const subjects = ranked.map((row) => items.subjectOf(row))
  const list = { ...moment, subjects, scores: new Float64Array(ranked.length), size, find: () => undefined }
  const ruled = applyWithPromises(compiled, list, limits, [])
  if (ruled === null) return { order: ranked, size, effects: [] }
  const active = compiled.active(moment)
  const specs = compiled.specs.filter((_, number) => active.isActive[number] === 1)
  const shown = Array.from(ruled.order.subarray(0, ruled.size), (index) => subjects[index]!)
  const broken = [...checkList(specs, shown, moment), ...checkLimits(limits, shown, [])]
  const effects: RuleEffect[] = []
  for (const { ruleId, kind, itemId } of ruled.moves) if (ruleId !== null) effects.push({ ruleId, kind, itemId })
  const faults = new Set([...ruled.violations, ...broken].map(({ ruleId }) => ruleId))
  for (const ruleId of faults) if (ruleId !== null) effects.push({ ruleId, kind: 'broken', itemId: null })
  return { order: Array.from(ruled.order, (index) => ranked[index]!), size: ruled.size, effects }
}
