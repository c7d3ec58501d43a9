/** A value for a topic with its key; the runtime encodes it and finds the partition of the key unless one is given. */
export interface Keyed<T> {
  readonly key: string
  readonly value: T
  /** Overrides the partition of the key: for packed records that are addressed to a partition. */
  readonly partition?: number
}
