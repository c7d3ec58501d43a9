/** One partition as the target of a move of state. */
export interface MoveTarget {
  /** Whether the task is a new one; the old one keeps its number and what belongs to nobody else. */
  readonly isNew: boolean
  /**
   * Whether a record of this key goes to the target. Where a state key does not tell for sure, all keys it may stand for are
   * handed in, and it is refused unless they agree (`MILL_INVARIANT`). What the old task should not have stays with it.
   */
  isHome(...recordKeys: readonly string[]): boolean
}

/** To which record keys the state of one topology belongs: what a move to more partitions has to know. */
export interface StateHome {
  /**
   * What of one state key's value belongs to the target: the value, a part of it, or null. The parts of all targets together are
   * the value. Errors: `MILL_INVARIANT` for a key that no family of the topology has.
   */
  part(key: string, value: Uint8Array, target: MoveTarget): Uint8Array | null
  /** State keys that list others, both by the beginning of their names: made anew, by key, from the rest of the names that are there. */
  readonly index?: { readonly of: string; readonly key: string; make(names: readonly string[]): ReadonlyMap<string, Uint8Array> }
}
