import type { DraftPool } from './draft-pool.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'

export interface FairGroupOptions {
  /** What makes items one group: their brand (or seller), first category level, or a tag. */
  readonly field: 'brand' | 'category' | 'tag'
  /** Wanted share of exposure by name, summing to 1 at most; all others share the rest. Empty: each group's share of the candidates. */
  readonly shares: Readonly<Record<string, number>>
}

/** Groups of items by row of a pool, and the share each is to have. */
export interface FairGroups {
  /** −1 = none. */
  readonly groups: Int32Array
  readonly shares: Float64Array
}

/** Finds the groups of a pool's items; an item of several named tags is of the one that is named first. */
export function createFairGroups(
  items: Pick<CatalogueTable, 'catalogue' | 'get'>,
  { field, shares }: FairGroupOptions,
): (pool: DraftPool) => FairGroups {
  const { catalogue } = items
  const named = Object.keys(shares)
  const rest = 1 - named.reduce((sum, name) => sum + shares[name]!, 0)
  // Whatever is not named is one group of its own, if anything is left for it.
  const wanted = Float64Array.of(...named.map((name) => shares[name]!), ...(rest > 0 ? [rest] : []))
  const others = rest > 0 ? named.length : -1
  const namesOf = (row: number): readonly string[] => {
    if (field === 'tag') return items.get(catalogue.items.text(row))?.tags ?? []
    const number = field === 'brand' ? catalogue.brand[row]! : catalogue.topCategory[row]!
    return number < 0 ? [] : [field === 'brand' ? catalogue.brands.text(number) : catalogue.categories.text(number)]
  }
  const ofNames = (row: number): number => {
    const names = namesOf(row)
    const group = named.findIndex((name) => names.includes(name))
    return group < 0 ? others : group
  }
  if (named.length > 0) return (pool) => ({ groups: pool.rows.map(ofNames), shares: wanted })
  return (pool) => ofCandidates(pool, (row) => namesOf(row)[0])
}

/** Every name is a group, and is to have its share of all candidates of the list. */
function ofCandidates({ draft, rows }: DraftPool, nameOf: (row: number) => string | undefined): FairGroups {
  const numbers = new Map<string, number>()
  const counts: number[] = []
  const numberOf = (row: number): number => {
    const name = nameOf(row)
    if (name === undefined) return -1
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, counts.length)
    return counts.push(0) - 1
  }
  for (const row of draft.set.rows.subarray(0, draft.set.count)) {
    const number = numberOf(row)
    if (number >= 0) counts[number]!++
  }
  return { groups: rows.map(numberOf), shares: Float64Array.from(counts, (count) => count / draft.set.count) }
}
