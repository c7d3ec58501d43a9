import type { RankedList } from './recommender.ts'

/** Copies the first `n` of `ranked` (best first) that are not excluded into `out`. */
export function takeRanked(
  ranked: { readonly items: Int32Array; readonly scores: Float64Array; readonly count: number },
  excluded: Uint8Array | null,
  n: number,
  out: RankedList,
): void {
  let filled = 0
  for (let at = 0; at < ranked.count && filled < n; at++) {
    const item = ranked.items[at]!
    if (excluded !== null && excluded[item] !== 0) continue
    out.items[filled] = item
    out.scores[filled++] = ranked.scores[at]!
  }
  out.count = filled
}
