/** A limit on how often one group may appear among the first `first` places. */
export interface GroupCap {
  /** Group by candidate; negative = no group, never capped. */
  readonly groups: Int32Array
  readonly max: number
}

/**
 * Keeps an order as far as the caps allow: within the first `first` places a candidate whose group is full steps back behind
 * them, keeping its order among the others. When too few candidates remain the caps yield: a list is never shortened. A new order.
 */
export function capGroups(order: Int32Array, first: number, caps: readonly GroupCap[]): Int32Array {
  const result = new Int32Array(order.length)
  const isKept = new Uint8Array(order.length)
  let kept = 0
  for (let i = 0; i < order.length && kept < first; i++) {
    if (caps.some((cap) => isFull(cap, order[i]!, result, kept))) continue
    isKept[i] = 1
    result[kept++] = order[i]!
  }
  for (let i = 0; i < order.length; i++) if (isKept[i] === 0) result[kept++] = order[i]!
  return result
}

/** Whether the candidate's group has its most places among the first `kept`. These are few: counting beats remembering. */
function isFull({ groups, max }: GroupCap, candidate: number, result: Int32Array, kept: number): boolean {
  const group = groups[candidate]!
  if (group < 0) return false
  let count = 0
  for (let i = 0; i < kept; i++) if (groups[result[i]!] === group) count++
  return count >= max
}
