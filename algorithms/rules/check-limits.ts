import { likenessWeights } from '../likeness.ts'
import { categoryCount, isOutside, type ListLimits, outsideCount } from './list-promises.ts'
import type { RuleSubject, RuleViolation } from './rule-spec.ts'

/**
 * Judges a finished list by its promises, knowing nothing of how it was made: too many of a brand, an item below the margin, too
 * alike, too much of one category, too little from outside the person's own. Returns what is broken, the most important first.
 *
 * @param shown the list without its reserve, first place first. @param taste see `listPromises`.
 */
export function checkLimits(limits: ListLimits, shown: readonly RuleSubject[], taste: readonly string[]): RuleViolation[] {
  const page = shown.slice(0, limits.first)
  const broken: RuleViolation[] = []
  const tell = (name: string, what: string) => broken.push({ ruleId: `list:${name}`, what })
  if (limits.brandMax < limits.first)
    for (const [brand, count] of counted(page, ({ brand }) => brand ?? undefined))
      if (count > limits.brandMax)
        tell('brand', `${count} of the first ${page.length} are of ${brand}, more than ${limits.brandMax}`)
  if (limits.marginMin > 0)
    for (const { itemId, margin } of page)
      if (margin < limits.marginMin) tell('margin', `${itemId} has the margin ${margin}, below ${limits.marginMin}`)
  const diversity = diversityOf(page)
  if (diversity < limits.diversityMin - 1e-9)
    tell('diversity', `the first ${page.length} differ by ${diversity.toFixed(3)}, less than ${limits.diversityMin}`)
  if (limits.categoryShareMax < 1)
    for (const [category, count] of counted(page, ({ category }) => category[0]))
      if (count > categoryCount(limits, page.length))
        tell('category', `${count} of the first ${page.length} are ${category}, more than ${categoryCount(limits, page.length)}`)
  const outside = page.filter((subject) => isOutside(subject, taste)).length
  if (taste.length > 0 && outside < outsideCount(limits, page.length))
    tell('outside', `${outside} of the first ${page.length} are from outside ${taste.join(', ')}`)
  return broken
}

/** Mean of 1 − likeness over all pairs; 1 below two items. */
function diversityOf(page: readonly RuleSubject[]): number {
  const { topCategory, leafCategory, brand } = likenessWeights
  let sum = 0
  for (let n = 1; n < page.length; n++)
    for (let m = 0; m < n; m++) {
      const [one, other] = [page[n]!, page[m]!]
      if (one.category.length > 0 && one.category[0] === other.category[0]) sum += topCategory
      if (one.category.length > 0 && one.category.at(-1) === other.category.at(-1)) sum += leafCategory
      if (one.brand !== null && one.brand === other.brand) sum += brand
    }
  return page.length < 2 ? 1 : 1 - sum / ((page.length * (page.length - 1)) / 2)
}

function counted(page: readonly RuleSubject[], nameOf: (subject: RuleSubject) => string | undefined): Map<string, number> {
  const counts = new Map<string, number>()
  for (const subject of page) {
    const name = nameOf(subject)
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
