/** A member of a group as its leader sees it. */
export interface AssignmentMember {
  readonly id: string
  /** Partition numbers it had before; what others claim too goes to the first claimant by id. */
  readonly owned: readonly number[]
}

/**
 * Gives partition numbers 0 … count−1 to members: everybody has ⌊count/members⌋ or one more, members keep what they had up to that
 * share, and the same input in any order gives the same answer. Partition p of *every* topic of the group goes with number p.
 */
export function coPartitionAssignment(members: readonly AssignmentMember[], partitionCount: number): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const shares = new Map<string, number[]>(sorted.map(({ id }) => [id, []]))
  if (sorted.length === 0) return shares
  const share = Math.floor(partitionCount / sorted.length)
  let larger = partitionCount % sorted.length // So many members have one more than the others.
  const taken = new Set<number>()
  // Who had more keeps more: a larger share goes first to those that can fill it with what they had.
  for (const { id, owned } of sorted) {
    const claims = [...new Set(owned)]
      .filter((partition) => Number.isInteger(partition) && partition >= 0 && partition < partitionCount && !taken.has(partition))
      .sort((a, b) => a - b)
    const size = claims.length > share && larger > 0 ? share + 1 : share
    if (size > share && claims.length > share) larger--
    for (const partition of claims.slice(0, size)) {
      shares.get(id)!.push(partition)
      taken.add(partition)
    }
  }
  const free: number[] = []
  for (let partition = 0; partition < partitionCount; partition++) if (!taken.has(partition)) free.push(partition)
  for (const partition of free) {
    let least = shares.get(sorted[0]!.id)!
    for (const { id } of sorted) {
      const candidate = shares.get(id)!
      if (candidate.length < least.length) least = candidate
    }
    least.push(partition)
  }
  for (const partitions of shares.values()) partitions.sort((a, b) => a - b)
  return shares
}
