/** One source's candidates, best first, without repeats. */
export interface BordaSource {
  /** Share of the vote, ≥ 0; see `bordaMerge` for sources that brought nothing. */
  readonly weight: number
  readonly items: Int32Array
}

/** Merged candidates, most points first, ties by lower item. */
export interface BordaResult {
  readonly items: Int32Array
  readonly points: Float64Array
  /** For each item the source that gave it most points (the first of equals): the honest reason for it. */
  readonly mainSource: Int32Array
}

/**
 * Weighted Borda count (features.md F3.13): place n (from 0) of a source earns weight · (depth − n) / depth, and an item's points
 * add up over sources. Weights are divided by their sum over the sources that brought anything, so a missing source's weight is
 * shared out. Only the first `depth` items of a source count (50).
 */
export function bordaMerge(
  sources: readonly BordaSource[],
  options: { readonly depth?: number; readonly count?: number } = {},
): BordaResult {
  const { depth = 50, count = Number.POSITIVE_INFINITY } = options
  let total = 0
  for (const source of sources) if (source.items.length > 0) total += source.weight
  const tally = new Map<number, { points: number; most: number; source: number }>()
  sources.forEach(({ weight, items }, source) => {
    if (weight <= 0) return
    for (let n = 0; n < Math.min(depth, items.length); n++) {
      const points = ((weight / total) * (depth - n)) / depth
      const known = tally.get(items[n]!)
      if (known === undefined) tally.set(items[n]!, { points, most: points, source })
      else {
        known.points += points
        if (points > known.most) {
          known.most = points
          known.source = source
        }
      }
    }
  })
  const merged = [...tally].sort(([a, x], [b, y]) => y.points - x.points || a - b).slice(0, count)
  return {
    items: Int32Array.from(merged, ([item]) => item),
    points: Float64Array.from(merged, ([, { points }]) => points),
    mainSource: Int32Array.from(merged, ([, { source }]) => source),
  }
}
