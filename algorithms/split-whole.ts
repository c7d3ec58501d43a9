/**
 * Parts a whole number of units by weights so that the parts are whole and sum to it exactly: each gets its share rounded down, and what
 * is left goes to the largest remainders, one unit each, ties to the earlier place (Hamilton's method).
 *
 * @param units whole, ≥ 0 and below 2^53.
 * @param weights ≥ 0 and finite, at least one above 0.
 */
export function splitWhole(units: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const exact = weights.map((weight) => (units * weight) / total)
  const parts = exact.map(Math.floor)
  let left = units - parts.reduce((sum, part) => sum + part, 0)
  const byRemainder = exact.map((share, place) => ({ place, remainder: share - parts[place]! }))
  byRemainder.sort((a, b) => b.remainder - a.remainder || a.place - b.place)
  for (const { place } of byRemainder) {
    if (left <= 0) break
    parts[place]!++
    left--
  }
  return parts
}
