import { exposureOf } from './exposure-shares.ts'

/** How alike groups of people are served. */
export interface ParityReport {
  /** Lists by user group. */
  readonly lists: Int32Array
  /** `user groups × item groups`, row-major: the share of a user group's exposure that an item group has; 0 without lists. */
  readonly shares: Float64Array
  /** By item group: largest minus smallest share over the user groups that have lists; 0 = parity. */
  readonly differences: Float64Array
  /** By item group: smallest over largest share, the four-fifths rule asks ≥ .8; null where no user group sees it. */
  readonly ratios: readonly (number | null)[]
  /** By user group: mean of the lists' own figure (NDCG, clicks); null without lists. */
  readonly means: readonly (number | null)[]
}

/**
 * Demographic parity over groups of people (features.md F8.5: a report, never a rule): does what is shown, and how well it serves,
 * differ by age band or gender? Exposure is Σ 1 / log2(1 + rank). Item groups are e.g. price bands or categories of jobs.
 *
 * @param lists rows, best first; `userGroup` 0 … userGroupCount − 1, a negative one leaves the list out; `figure` optional, e.g. its NDCG.
 * @param itemGroups group by row, 0 … itemGroupCount − 1; negative = counted in the sum only.
 */
export function demographicParity(
  lists: Iterable<{ readonly rows: Int32Array; readonly userGroup: number; readonly figure?: number }>,
  itemGroups: Int32Array,
  counts: { readonly userGroupCount: number; readonly itemGroupCount: number },
): ParityReport {
  const { userGroupCount, itemGroupCount } = counts
  const shares = new Float64Array(userGroupCount * itemGroupCount)
  const sums = new Float64Array(userGroupCount)
  const seen = new Int32Array(userGroupCount)
  const figures = new Float64Array(userGroupCount)
  const figureCounts = new Int32Array(userGroupCount)
  for (const { rows, userGroup, figure } of lists) {
    if (userGroup < 0) continue
    seen[userGroup]!++
    if (figure !== undefined) {
      figures[userGroup]! += figure
      figureCounts[userGroup]!++
    }
    for (let place = 0; place < rows.length; place++) {
      const group = itemGroups[rows[place]!]!
      sums[userGroup]! += exposureOf(place)
      if (group >= 0) shares[userGroup * itemGroupCount + group]! += exposureOf(place)
    }
  }
  for (let at = 0; at < shares.length; at++) shares[at]! /= sums[Math.floor(at / itemGroupCount)]! || 1
  const differences = new Float64Array(itemGroupCount)
  const ratios: (number | null)[] = []
  for (let group = 0; group < itemGroupCount; group++) {
    let low = Number.POSITIVE_INFINITY
    let high = 0
    for (let user = 0; user < userGroupCount; user++) {
      if (!(sums[user]! > 0)) continue
      low = Math.min(low, shares[user * itemGroupCount + group]!)
      high = Math.max(high, shares[user * itemGroupCount + group]!)
    }
    differences[group] = high > 0 ? high - low : 0
    ratios.push(high > 0 ? low / high : null)
  }
  const means = Array.from(figures, (sum, user) => (figureCounts[user]! > 0 ? sum / figureCounts[user]! : null))
  return { lists: seen, shares, differences, ratios, means }
}
