/**
 * FA*IR (Zehlike et al., CIKM 2017): the best list in which every prefix has its minimum of protected items. Goes down two queues,
 * protected and others: the protected head wherever the count is below the minimum, else the better of the two heads. When the
 * protected ones are used up the others follow: `firstUnfairPlace` then names the place.
 *
 * @param order rows, best first.
 * @param isProtected by row.
 * @param minimums see `fairMinimums`; places beyond its end have no minimum.
 * @param count rows wanted.
 */
export function fairTopK(
  order: Int32Array,
  isProtected: ArrayLike<number | boolean>,
  minimums: Int32Array,
  count: number,
): Int32Array {
  const chosen = new Int32Array(Math.max(0, Math.min(count, order.length)))
  const next = (from: number, wanted: boolean): number => {
    let at = from
    while (at < order.length && Boolean(isProtected[order[at]!]) !== wanted) at++
    return at
  }
  let guarded = next(0, true)
  let other = next(0, false)
  let protectedCount = 0
  for (let n = 0; n < chosen.length; n++) {
    const isDue = n < minimums.length && protectedCount < minimums[n]!
    if (guarded < order.length && (isDue || guarded < other)) {
      chosen[n] = order[guarded]!
      guarded = next(guarded + 1, true)
      protectedCount++
    } else {
      chosen[n] = order[other]!
      other = next(other + 1, false)
    }
  }
  return chosen
}
