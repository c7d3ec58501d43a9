import type { ServedList, ServedNeighbours, ServedReserve, ServedSnapshot, ServedTrend } from '../schemas/served-list.ts'

type Served = ServedList | ServedReserve | ServedSnapshot | ServedNeighbours | ServedTrend

/** A served value to be swapped in; the runtime adds the version (epoch, position) and encodes it. */
export interface ListWrite {
  readonly key: string
  readonly value: Served
  /** Same hash tag, swapped together with it. */
  readonly companions: readonly { readonly key: string; readonly value: Served }[]
  /** Seconds; 0 = never. */
  readonly ttlS: number
}
