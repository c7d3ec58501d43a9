import { PointTally, type TalliedItems } from './point-tally.ts'

/** One source's candidates with scores, best first, without repeats; scores are comparable within the source only. */
export interface ScoredSource {
  /** Share of the blend, ≥ 0. */
  readonly weight: number
  readonly items: Int32Array
  readonly scores: Float64Array
}

/**
 * Weighted sum of scores, each source's divided by its largest ("CombSUM", Fox, Shaw, TREC-2 1994, with max normalisation): unlike
 * a Borda count it knows how far apart places are. Sources whose largest score is not above 0 say nothing. Ties by lower item.
 */
export function blendScores(sources: readonly ScoredSource[], options: { readonly count?: number } = {}): TalliedItems {
  const { count = Number.POSITIVE_INFINITY } = options
  const tally = new PointTally()
  sources.forEach(({ weight, items, scores }, source) => {
    const largest = scores[0] ?? 0
    if (weight <= 0 || !(largest > 0)) return
    for (let n = 0; n < items.length; n++) tally.add(items[n]!, (weight * scores[n]!) / largest, source)
  })
  return tally.ranked(count)
}
