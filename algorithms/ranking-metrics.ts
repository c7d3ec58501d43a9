/** Quality of one list at k, each in [0, 1]. */
export interface RankingMetrics {
  /** Hits / k, also for a list shorter than k. */
  readonly precision: number
  /** Hits / relevant. */
  readonly recall: number
  /** Σ 1/log2(rank + 1) over hits, divided by that of the best list: min(relevant, k) hits on top. Gain 1 for every hit. */
  readonly ndcg: number
  /** Σ precision at each hit / min(relevant, k). */
  readonly averagePrecision: number
  /** 1 / rank of the first hit, 0 if there is none within k. */
  readonly reciprocalRank: number
  /** 1 if there is any hit. */
  readonly hitRate: number
}

/** The convention of `rankingMetrics` in one line: print it with every table, because others count differently. */
export const rankingConvention =
  'full ranking; P = hits/k; R = hits/relevant; NDCG gain 1, 1/log2(rank+1), ideal min(relevant, k); MAP over min(relevant, k); MRR within k'

/**
 * Metrics of `list` (best first, without repeats) against the `relevant` items, at `k`. Null for a user without relevant items:
 * count those apart, do not average them in. Works for ids of any type.
 */
export function rankingMetrics<Id>(list: ArrayLike<Id>, relevant: ReadonlySet<Id>, k: number): RankingMetrics | null {
  if (relevant.size === 0) return null
  let hits = 0
  let gain = 0
  let precisions = 0
  let firstHit = 0
  for (let n = 0; n < Math.min(k, list.length); n++) {
    if (!relevant.has(list[n]!)) continue
    hits++
    gain += 1 / Math.log2(n + 2)
    precisions += hits / (n + 1)
    if (firstHit === 0) firstHit = n + 1
  }
  const possible = Math.min(relevant.size, k)
  return {
    precision: hits / k,
    recall: hits / relevant.size,
    ndcg: gain / idealGain(possible),
    averagePrecision: precisions / possible,
    reciprocalRank: firstHit > 0 ? 1 / firstHit : 0,
    hitRate: hits > 0 ? 1 : 0,
  }
}

/**
 * NDCG at `k` with graded relevance: gain 2^grade − 1, discount 1/log2(rank + 1), ideal = the grades sorted. `grades` holds the
 * grade (> 0) of every relevant item. Null without relevant items.
 */
export function gradedNdcg<Id>(list: ArrayLike<Id>, grades: ReadonlyMap<Id, number>, k: number): number | null {
  if (grades.size === 0) return null
  let gain = 0
  for (let n = 0; n < Math.min(k, list.length); n++) gain += (2 ** (grades.get(list[n]!) ?? 0) - 1) / Math.log2(n + 2)
  let ideal = 0
  const sorted = [...grades.values()].sort((a, b) => b - a)
  sorted.slice(0, k).forEach((grade, n) => {
    ideal += (2 ** grade - 1) / Math.log2(n + 2)
  })
  return ideal > 0 ? gain / ideal : 0
}

/** Means over users; `skipped` counts those without relevant items (null). All 0 if there is nobody. */
export function meanRankingMetrics(all: Iterable<RankingMetrics | null>): RankingMetrics & { users: number; skipped: number } {
  const sum = { precision: 0, recall: 0, ndcg: 0, averagePrecision: 0, reciprocalRank: 0, hitRate: 0 }
  const keys = Object.keys(sum) as (keyof RankingMetrics)[]
  let users = 0
  let skipped = 0
  for (const metrics of all) {
    if (metrics === null) skipped++
    else {
      users++
      for (const key of keys) sum[key] += metrics[key]
    }
  }
  for (const key of keys) sum[key] = users > 0 ? sum[key] / users : 0
  return { ...sum, users, skipped }
}

function idealGain(hits: number): number {
  let gain = 0
  for (let n = 0; n < hits; n++) gain += 1 / Math.log2(n + 2)
  return gain
}
