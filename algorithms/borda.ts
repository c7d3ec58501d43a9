import { PointTally, type TalliedItems } from './point-tally.ts'

/** One source's candidates, best first, without repeats. */
export interface BordaSource {
  /** Share of the vote, ≥ 0; see `bordaMerge` for sources that brought nothing. */
  readonly weight: number
  readonly items: Int32Array
}

/**
 * Weighted Borda count (features.md F3.13): place n (from 0) of a source earns weight · (depth − n) / depth, and an item's points
 * add up over sources. Weights are divided by their sum over the sources that brought anything, so a missing source's weight is
 * shared out. Only the first `depth` items of a source count (50).
 */
export function bordaMerge(
  sources: readonly BordaSource[],
  options: { readonly depth?: number; readonly count?: number } = {},
): TalliedItems {
  const { depth = 50, count = Number.POSITIVE_INFINITY } = options
  let total = 0
  for (const source of sources) if (source.items.length > 0) total += source.weight
  const tally = new PointTally()
  sources.forEach(({ weight, items }, source) => {
    if (weight <= 0) return
    for (let n = 0; n < Math.min(depth, items.length); n++) tally.add(items[n]!, ((weight / total) * (depth - n)) / depth, source)
  })
  return tally.ranked(count)
}
