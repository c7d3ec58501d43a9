import type { BordaSource } from './borda.ts'
import { PointTally, type TalliedItems } from './point-tally.ts'

/**
 * Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009) with weights: place n (from 1) of a source earns weight /
 * (constant + n), and an item's points add up over sources. Steeper than a Borda count: what one good source puts first stays
 * near the top. `constant` ≥ 0, default 60; ties by lower item.
 */
export function reciprocalRankFusion(
  sources: readonly BordaSource[],
  options: { readonly constant?: number; readonly count?: number } = {},
): TalliedItems {
  const { constant = 60, count = Number.POSITIVE_INFINITY } = options
  const tally = new PointTally()
  sources.forEach(({ weight, items }, source) => {
    if (weight <= 0) return
    for (let n = 0; n < items.length; n++) tally.add(items[n]!, weight / (constant + n + 1), source)
  })
  return tally.ranked(count)
}
