import { detConstSort } from './det-const-sort.ts'
import { detGreedy } from './det-greedy.ts'
import { fairMinimums } from './fair-minimums.ts'
import { fairTopK } from './fair-top-k.ts'

/** How groups of items get their share of the first places: see det-const-sort.ts, det-greedy.ts and fair-top-k.ts. */
export const fairMethods = ['det-const-sort', 'det-greedy', 'fa-ir'] as const
export type FairMethod = (typeof fairMethods)[number]

/**
 * Puts the rows of an order so that groups have their shares at every place; the same rows, none lost. Groups by row count from 0,
 * negative = none; shares are by group and sum to 1 at most. `fa-ir` guards group 0 alone.
 */
export type FairOrder = (order: Int32Array, groups: Int32Array, shares: Float64Array) => Int32Array

/** Tables of minimums remembered: a configured share needs one for each length of list. */
const tablesMax = 256

/** The method of that name. `alpha` in (0, 1): how surely a list must be unfair before `fa-ir` mends it. */
export function createFairOrder(options: { readonly method: FairMethod; readonly alpha: number }): FairOrder {
  switch (options.method) {
    case 'det-const-sort':
      return (order, groups, shares) => detConstSort(order, groups, shares, order.length)
    case 'det-greedy':
      return (order, groups, shares) => detGreedy(order, groups, shares, { count: order.length })
    case 'fa-ir': {
      const tables = new Map<string, Int32Array>()
      return (order, groups, shares) => {
        const share = shares[0] ?? 0
        if (order.length === 0 || !(share > 0 && share < 1)) return order
        const key = `${order.length} ${share}`
        let minimums = tables.get(key)
        if (!minimums) {
          if (tables.size >= tablesMax) tables.clear()
          minimums = fairMinimums({ places: order.length, share, alpha: options.alpha }).minimums
          tables.set(key, minimums)
        }
        const isProtected = groups.map((group) => (group === 0 ? 1 : 0))
        return fairTopK(order, isProtected, minimums, order.length)
      }
    }
  }
}
