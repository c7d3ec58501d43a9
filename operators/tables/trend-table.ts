import type { TrendList, TrendLists } from '../../algorithms/candidates/trend-lists.ts'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import type { Sourced } from '../../ports/batch.ts'
import { scopeNames } from '../../schemas/scope-names.ts'
import type { TrendUpdate } from '../../schemas/trend-update.ts'

/** `trend-updates` as a table: popular and trending rows per scope. */
export class TrendTable implements TrendLists {
  readonly #catalogue: Catalogue
  readonly #lists = new Map<string, TrendList>()

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue
  }

  get(scope: string): TrendList | undefined {
    return this.#lists.get(scope)
  }

  apply(records: readonly Sourced<TrendUpdate | null>[]): void {
    for (const { key, value } of records) {
      if (value === null) this.#lists.delete(key)
      else this.#lists.set(key, this.#listOf(value))
      if (key === scopeNames.all) this.#catalogue.spenders = value?.spenders ?? []
      const category = scopeNames.categoryOf(key)
      if (category !== null) this.#catalogue.setHours(category, value?.hours ?? [])
    }
  }

  #listOf(update: TrendUpdate): TrendList {
    const popular = update.items.filter((entry) => entry.popularity > 0)
    const trending = update.items.filter((entry) => entry.trend > 0).sort((a, b) => b.trend - a.trend)
    return {
      people: update.people,
      popularRows: Int32Array.from(popular, (entry) => this.#catalogue.rowOf(entry.itemId)),
      popularScores: Float64Array.from(popular, (entry) => entry.popularity),
      trendRows: Int32Array.from(trending, (entry) => this.#catalogue.rowOf(entry.itemId)),
      trendScores: Float64Array.from(trending, (entry) => entry.trend),
    }
  }
}
