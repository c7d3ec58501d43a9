import { GroupQueues } from './group-queues.ts'

/** k · share a little below a whole number by rounding counts as that number. */
const rounding = 1e-9

/**
 * DetConstSort (Geyik, Ambler, Kenthapadi, KDD 2019): goes through k = 1, 2 … and appends a row of each group whose minimum
 * ⌊k · share⌋ has grown, then lets it rise past worse rows as long as none of those passes its own last allowed place. Every
 * prefix of n rows then has ⌊n · share⌋ of each group, however many groups there are, unless a group is used up; then the others
 * go on, and rows of no group and of no share come last.
 *
 * @param order rows, best first.
 * @param groups group by row, 0 … shares.length − 1; negative = none.
 * @param shares wanted share of each group, summing to 1.
 * @param count rows wanted.
 */
export function detConstSort(order: Int32Array, groups: Int32Array, shares: Float64Array, count: number): Int32Array {
  const queues = new GroupQueues(order, groups, shares.length)
  const wanted = Math.max(0, Math.min(count, order.length))
  const chosen = new Int32Array(wanted)
  // Of each chosen row: its place in the order (lower is better) and how many rows may stand up to it, itself included.
  const rank = new Int32Array(wanted)
  const latest = new Int32Array(wanted)
  const minimums = new Int32Array(shares.length)
  let filled = 0
  for (let k = 1; filled < wanted; k++) {
    const grown: number[] = []
    let isLeft = false
    for (let group = 0; group < shares.length; group++) {
      if (queues.isEmpty(group) || !(shares[group]! > 0)) continue
      isLeft = true
      const minimum = Math.floor(k * shares[group]! + rounding)
      if (minimum > minimums[group]!) grown.push(group)
      minimums[group] = minimum
    }
    if (!isLeft) break
    grown.sort((a, b) => queues.headPlace(a) - queues.headPlace(b))
    for (const group of grown) {
      if (filled === wanted) break
      insert(queues.headPlace(group), queues.take(group), k)
    }
  }
  const isTaken = new Set(chosen.subarray(0, filled))
  for (let n = 0; filled < wanted; n++) if (!isTaken.has(order[n]!)) chosen[filled++] = order[n]!
  return chosen

  /** Appends a row and lets it rise. */
  function insert(place: number, row: number, deadline: number): void {
    let at = filled++
    // The row before would go to place `at`, which is the (at + 1)th.
    for (; at > 0 && rank[at - 1]! > place && latest[at - 1]! > at; at--) {
      chosen[at] = chosen[at - 1]!
      rank[at] = rank[at - 1]!
      latest[at] = latest[at - 1]!
    }
    chosen[at] = row
    rank[at] = place
    latest[at] = deadline
  }
}
