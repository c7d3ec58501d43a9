/**
 * p-values after Holm's correction, in the order given: with them a family of tests is wrong at all with chance α at most, whatever
 * they have in common (Scandinavian Journal of Statistics 6, 1979). The k-th smallest of m counts m − k + 1 times, and none less than
 * a smaller one.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a]! - pValues[b]!)
  const corrected = new Array<number>(pValues.length)
  let largest = 0
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]!))
    corrected[index] = largest
  })
  return corrected
}
