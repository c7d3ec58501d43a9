import type { Sourced } from '../../ports/batch.ts'
import {
  type CategoryRevenue,
  categoryName,
  emptyCategory,
  emptyRow,
  emptyTotal,
  type RevenueRow,
  type RevenueTile,
  type RevenueTotal,
} from '../../schemas/revenue-tile.ts'

/** Tiles of one task that are remembered: older ones do not change any more. */
const openMax = 8

/** `revenue-tiles` as a table: what all tasks counted so far, added up. Only the newest 8 tiles of each task are held. */
export class RevenueTable {
  readonly total: RevenueTotal = emptyTotal()
  readonly #rows = new Map<string, RevenueRow>()
  readonly #categories = new Map<string, CategoryRevenue>()
  readonly #open = new Map<number, Map<number, RevenueTile>>()

  apply(records: readonly Sourced<RevenueTile | null>[]): void {
    for (const { value } of records) if (value !== null) this.#replace(value)
  }

  /** By surface, source and policy, in order of first sight. */
  get rows(): readonly RevenueRow[] {
    return [...this.#rows.values()]
  }

  /** By category of what was bought, in order of first sight; those beyond `categoriesMax` as one. */
  get categories(): readonly CategoryRevenue[] {
    return [...this.#categories.values()]
  }

  /** Rows by surface alone; source and policy are empty. */
  get surfaces(): readonly RevenueRow[] {
    return mergeRows(this.rows, ({ surface }) => ({ surface, source: '', policy: '' }))
  }

  #replace(tile: RevenueTile): void {
    let open = this.#open.get(tile.partition)
    if (!open) {
      open = new Map()
      this.#open.set(tile.partition, open)
    }
    const oldestMs = Math.min(...open.keys())
    if (open.size >= openMax && tile.startMs < oldestMs) return // It was let go of, and is in the sums.
    const before = open.get(tile.startMs)
    if (before) this.#add(before, -1)
    this.#add(tile, 1)
    open.set(tile.startMs, tile)
    if (open.size > openMax) open.delete(oldestMs)
  }

  #add({ total, rows, categories }: RevenueTile, sign: 1 | -1): void {
    addCounts(this.total, total, sign)
    for (const row of rows) {
      const name = `${row.surface}\n${row.source}\n${row.policy}`
      let sum = this.#rows.get(name)
      if (!sum) {
        sum = emptyRow(row)
        this.#rows.set(name, sum)
      }
      addCounts(sum, row, sign)
    }
    for (const one of categories) {
      // A name that had no room once never gets any: what is taken back is taken from where it was added.
      const name = categoryName(one.category, this.#categories)
      let sum = this.#categories.get(name)
      if (!sum) {
        sum = emptyCategory(name)
        this.#categories.set(name, sum)
      }
      addCounts(sum, one, sign)
    }
  }
}

/** Rows added up by a coarser place. */
export function mergeRows(
  rows: readonly RevenueRow[],
  placeOf: (row: RevenueRow) => Pick<RevenueRow, 'surface' | 'source' | 'policy'>,
): RevenueRow[] {
  const merged = new Map<string, RevenueRow>()
  for (const row of rows) {
    const place = placeOf(row)
    const name = `${place.surface}\n${place.source}\n${place.policy}`
    const sum = merged.get(name) ?? emptyRow(place)
    addCounts(sum, row, 1)
    merged.set(name, sum)
  }
  return [...merged.values()]
}

/** Adds every number of one record to that of another, in place. */
export function addCounts<T extends object>(sum: T, more: T, sign: 1 | -1): void {
  const counts = sum as Record<string, unknown>
  for (const [name, count] of Object.entries(more))
    if (typeof count === 'number') counts[name] = (counts[name] as number) + sign * count
}
