import { invariant } from '../core/invariant.ts'

/** How much a surprise may weigh. */
export interface SerendipityOptions {
  /** Weight w of being unexpected, 0–1 (.2). */
  readonly weight?: number
  /** Share of the best relevance below which a surprise earns nothing, 0–1 (.2). */
  readonly relevanceMin?: number
}

/**
 * Relevance with a share of serendipity, relevant and unexpected at once (features.md F8.6; Kaminskas & Bridge, TiiS 2016):
 * relevance · ((1 − w) + w · (1 − nearness)), nearness being the mean similarity to what the person already touched. Rows below
 * `relevanceMin` of the best relevance earn nothing for being unexpected: what nobody wants is always a surprise. A new array.
 *
 * @param relevance ≥ 0 by row.
 * @param nearness mean similarity to the history by row, 0–1; all 0 without a history. `serendipity` of list-diversity.ts measures a list.
 */
export function serendipityScores(
  relevance: Float64Array | Float32Array,
  nearness: Float64Array | Float32Array,
  options: SerendipityOptions = {},
): Float64Array {
  const { weight = 0.2, relevanceMin = 0.2 } = options
  invariant(weight >= 0 && weight <= 1, 'serendipity: weight must lie in [0, 1]')
  invariant(relevanceMin >= 0 && relevanceMin <= 1, 'serendipity: relevanceMin must lie in [0, 1]')
  invariant(relevance.length === nearness.length, 'serendipity: one nearness per row')
  let best = 0
  for (const value of relevance) best = Math.max(best, value)
  return Float64Array.from(relevance, (value, row) => {
    const surprise = value >= relevanceMin * best ? 1 - nearness[row]! : 0
    return value * (1 - weight + weight * surprise)
  })
}
