/** A person's items and what each counts. */
export interface WeighedHistory {
  /** Newest first, without repeats. */
  readonly items: Int32Array
  /** recency^(steps back). */
  readonly weights: Float64Array
}

/** Items that count less than this are left out. */
const weightMin = 1e-3

/** The items (oldest first, repeats count at their last place) with weights that fall by `recency` (0–1] per step back. */
export function weighedHistory(history: Int32Array, recency: number): WeighedHistory {
  const items = new Int32Array(history.length)
  const weights = new Float64Array(history.length)
  const seen = new Set<number>()
  let weight = 1
  let filled = 0
  for (let at = history.length - 1; at >= 0 && weight >= weightMin; at--) {
    const item = history[at]!
    if (seen.has(item)) continue
    seen.add(item)
    items[filled] = item
    weights[filled++] = weight
    weight *= recency
  }
  return { items: items.subarray(0, filled), weights: weights.subarray(0, filled) }
}
