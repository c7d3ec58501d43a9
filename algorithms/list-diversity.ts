/**
 * How varied lists are, beside how right (features.md F11.4–F11.6). Similarity is any function of two rows in [0, 1], 1 for a
 * row with itself; lists are rows, best first.
 */
type Similarity = (a: number, b: number) => number

/** Mean of 1 − similarity over all pairs of one list; null below two items. */
export function intraListDiversity(list: Int32Array, similarity: Similarity): number | null {
  if (list.length < 2) return null
  let sum = 0
  for (let i = 1; i < list.length; i++) for (let j = 0; j < i; j++) sum += 1 - similarity(list[i]!, list[j]!)
  return sum / ((list.length * (list.length - 1)) / 2)
}

/** Share of the catalogue that appears in any list. `catalogSize` > 0. */
export function catalogCoverage(lists: Iterable<Int32Array>, catalogSize: number): number {
  const seen = new Set<number>()
  for (const list of lists) for (const item of list) seen.add(item)
  return seen.size / catalogSize
}

/** Entropy in bits of how often each item appears over all lists: high when exposure is spread evenly. */
export function distributionalCoverage(lists: Iterable<Int32Array>): number {
  const counts = new Map<number, number>()
  let total = 0
  for (const list of lists) {
    for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1)
    total += list.length
  }
  let entropy = 0
  for (const count of counts.values()) entropy -= (count / total) * Math.log2(count / total)
  return entropy
}

/** Mean of −log2(share) over a list, `shareOf` being the item's share of all past interactions, > 0; null for an empty list. */
export function novelty(list: Int32Array, shareOf: (item: number) => number): number | null {
  if (list.length === 0) return null
  let sum = 0
  for (const item of list) sum -= Math.log2(shareOf(item))
  return sum / list.length
}

/** Mean over a list of relevance · (1 − mean similarity to the person's history); null for an empty list or history. */
export function serendipity(
  list: Int32Array,
  relevance: ArrayLike<number>,
  history: Int32Array,
  similarity: Similarity,
): number | null {
  if (list.length === 0 || history.length === 0) return null
  let sum = 0
  for (let n = 0; n < list.length; n++) {
    if (relevance[n] === 0) continue
    let near = 0
    for (const item of history) near += similarity(list[n]!, item)
    sum += relevance[n]! * (1 - near / history.length)
  }
  return sum / list.length
}

/**
 * Miscalibration (Steck, RecSys 2018): KL(p ‖ (1 − α) q + α p) in nats, p the shares of categories in the person's history and q
 * those in the list, both of one length and summing to 1. 0 = the list mirrors the history.
 */
export function miscalibration(history: Float64Array, list: Float64Array, alpha = 0.01): number {
  let sum = 0
  for (let n = 0; n < history.length; n++) {
    const p = history[n]!
    if (p > 0) sum += p * Math.log(p / ((1 - alpha) * list[n]! + alpha * p))
  }
  return sum
}
