/** A limit on how often one group may appear among the first `first` places. */
export interface GroupCap {
  /** Group of a candidate; negative = no group, never capped. */
  readonly groupOf: (candidate: number) => number
  readonly max: number
}

/**
 * Keeps an order as far as the caps allow: within the first `first` places a candidate whose group is full steps back behind
 * them, keeping its order among the others that stepped back. When too few candidates remain the caps yield: a list is never
 * shortened.
 */
export function capGroups(order: Int32Array, first: number, caps: readonly GroupCap[]): Int32Array {
  const counts = caps.map(() => new Map<number, number>())
  const kept: number[] = []
  const back: number[] = []
  for (const candidate of order) {
    if (kept.length >= first) {
      back.push(candidate)
      continue
    }
    const groups = caps.map((cap) => cap.groupOf(candidate))
    if (groups.some((group, index) => group >= 0 && (counts[index]!.get(group) ?? 0) >= caps[index]!.max)) {
      back.push(candidate)
      continue
    }
    kept.push(candidate)
    groups.forEach((group, index) => {
      counts[index]!.set(group, (counts[index]!.get(group) ?? 0) + 1)
    })
  }
  // Candidates after the first places keep their rank among those that stepped back.
  const rank = new Map<number, number>()
  order.forEach((candidate, index) => {
    rank.set(candidate, index)
  })
  back.sort((a, b) => rank.get(a)! - rank.get(b)!)
  return Int32Array.from([...kept, ...back])
}
