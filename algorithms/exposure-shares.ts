/** What one group of items (a seller, a brand) got to be seen, against what it had to offer. */
export interface GroupExposure {
  readonly group: number
  /** Its share of Σ 1 / log2(1 + rank) over all lists. */
  readonly exposureShare: number
  /** Its share of the candidates the lists were made from. */
  readonly candidateShare: number
  /** exposureShare / candidateShare; 1 = as much as it offered, null when it offered nothing. */
  readonly ratio: number | null
  /** Whether the ratio lies outside 1 ± the tolerance. */
  readonly isUneven: boolean
}

/** The attention of a place, from 0: 1 / log2(2 + place), as in DCG. */
export function exposureOf(place: number): number {
  return 1 / Math.log2(2 + place)
}

/**
 * Exposure of item groups over many lists (Singh & Joachims, KDD 2018; features.md F8.5): every group's share of attention beside
 * its share of the candidates. A row without a group (negative) counts in the sums and has no line of its own.
 *
 * @param lists rows, best first, and the candidates each list was made from.
 * @param groups group by row, 0 … groupCount − 1.
 * @param tolerance how far a ratio may be from 1 (.2).
 */
export function exposureShares(
  lists: Iterable<{ readonly rows: Int32Array; readonly candidates: Int32Array }>,
  groups: Int32Array,
  groupCount: number,
  tolerance = 0.2,
): GroupExposure[] {
  const exposure = new Float64Array(groupCount)
  const offered = new Float64Array(groupCount)
  let exposureSum = 0
  let offeredSum = 0
  for (const { rows, candidates } of lists) {
    for (let place = 0; place < rows.length; place++) {
      const group = groups[rows[place]!]!
      exposureSum += exposureOf(place)
      if (group >= 0) exposure[group]! += exposureOf(place)
    }
    offeredSum += candidates.length
    for (const row of candidates) if (groups[row]! >= 0) offered[groups[row]!]!++
  }
  return Array.from(exposure, (value, group) => {
    const exposureShare = exposureSum > 0 ? value / exposureSum : 0
    const candidateShare = offeredSum > 0 ? offered[group]! / offeredSum : 0
    const ratio = candidateShare > 0 ? exposureShare / candidateShare : null
    // A little beyond the border by rounding is at the border.
    return { group, exposureShare, candidateShare, ratio, isUneven: ratio !== null && Math.abs(ratio - 1) > tolerance + 1e-12 }
  })
}
