import type { BordaResult, BordaSource } from './borda.ts'

/**
 * Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009) with weights: place n (from 1) of a source earns weight /
 * (constant + n), and an item's points add up over sources. Steeper than a Borda count: what one good source puts first stays
 * near the top. `constant` ≥ 0, default 60; ties by lower item.
 */
export function reciprocalRankFusion(
  sources: readonly BordaSource[],
  options: { readonly constant?: number; readonly count?: number } = {},
): BordaResult {
  const { constant = 60, count = Number.POSITIVE_INFINITY } = options
  const tally = new Map<number, { points: number; most: number; source: number }>()
  sources.forEach(({ weight, items }, source) => {
    if (weight <= 0) return
    for (let n = 0; n < items.length; n++) {
      const points = weight / (constant + n + 1)
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
