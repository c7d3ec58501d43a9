/** Every kind of fault that the simulation injects; crashes are told apart by the rows of the table in which they fall. */
export const faultKinds = [
  'request lost',
  'reply lost',
  'partly done',
  'done twice',
  'done late',
  'delivered twice',
  'answers reordered',
  'crash after fetch',
  'crash after fold',
  'crash after outputs',
  'crash after commit, reply lost',
  'crash between batches',
  'zombie',
  'closed while working',
  'drained',
  'left and joined',
  'rebalance storm',
  'store rolled back',
  'store rolled back, unnoticed',
  'clock skewed',
  'worker failed',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Counts injected faults by kind. */
export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>()

  add(kind: FaultKind, count = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count)
  }

  addAll(other: FaultCounts): void {
    for (const kind of faultKinds) this.add(kind, other.of(kind))
  }

  of(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  /** One line: kinds with their counts. */
  toString(): string {
    return faultKinds.map((kind) => `${kind} ${this.of(kind)}`).join(' · ')
  }
}
