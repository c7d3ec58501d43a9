import { invariant } from '../core/invariant.ts'
import type { Batch, StateFamily, Transaction } from '../ports/batch.ts'
import type { CreditPlace } from '../schemas/revenue-state.ts'
import {
  type CategoryRevenue,
  categoryName,
  emptyCategory,
  emptyRow,
  emptyTotal,
  type RevenueRow,
  type RevenueTile,
  revenueTileSchema,
} from '../schemas/revenue-tile.ts'
import { emptySpending, type VariantRevenue, type VariantSpending, variantRevenueSchema } from '../schemas/variant-revenue.ts'

export const tileFamily: StateFamily<RevenueTile> = { name: 'tile', codec: revenueTileSchema }
export const variantFamily: StateFamily<VariantRevenue> = { name: 'variant', codec: variantRevenueSchema }

/** Rows of one tile; what comes beyond is counted in a row of its own, named by `beyond`. */
const rowsMax = 500
const beyond: CreditPlace = { surface: 'others', source: 'others', policy: 'others' }

/** A tile with its parts by name. */
interface OpenTile {
  readonly tile: RevenueTile
  readonly rows: Map<string, RevenueRow>
  readonly categories: Map<string, CategoryRevenue>
}

/**
 * The sums that one batch adds to: tiles of event time, and spending by variant. They are whole numbers, so they are the same in any
 * order of people; only those below 2^53 are exact, squares of money being the first to go beyond it.
 */
export class RevenueSums {
  readonly #transaction: Transaction
  readonly #partition: number
  readonly #tileMs: number
  readonly #tiles = new Map<number, OpenTile>()
  readonly #variants = new Map<string, VariantRevenue>()

  constructor({ transaction, task }: Batch<unknown>, tileMs: number) {
    this.#transaction = transaction
    this.#partition = task.partition
    this.#tileMs = tileMs
  }

  /** Brings into memory what things of these event times, and these experiments, are added to. */
  async load(timesMs: Iterable<number>, experiments: Iterable<string>): Promise<void> {
    const tiles = new Set<string>()
    for (const timeMs of timesMs) tiles.add(String(this.startOf(timeMs)))
    await Promise.all([this.#transaction.load(tileFamily, tiles), this.#transaction.load(variantFamily, experiments)])
  }

  /** Start of the tile of an event time. */
  startOf(timeMs: number): number {
    return Math.floor(timeMs / this.#tileMs) * this.#tileMs
  }

  /** The sums of the whole shop at an event time. */
  total(timeMs: number): RevenueTile['total'] {
    return this.#at(timeMs).tile.total
  }

  /** The sums of one place at an event time. */
  row(timeMs: number, place: CreditPlace): RevenueRow {
    const { tile, rows } = this.#at(timeMs)
    const known = rows.get(nameOf(place))
    if (known) return known
    const { surface, source, policy } = rows.size < rowsMax ? place : beyond
    const name = nameOf({ surface, source, policy })
    let row = rows.get(name)
    if (!row) {
      row = emptyRow({ surface, source, policy })
      tile.rows.push(row)
      rows.set(name, row)
    }
    return row
  }

  /** The sums of what was bought of one category at an event time. */
  category(timeMs: number, category: string): CategoryRevenue {
    const { tile, categories } = this.#at(timeMs)
    const name = categoryName(category, categories)
    let sums = categories.get(name)
    if (!sums) {
      sums = emptyCategory(name)
      tile.categories.push(sums)
      categories.set(name, sums)
    }
    return sums
  }

  /** The sums of one variant. */
  variant(experiment: string, variant: string): VariantSpending {
    let own = this.#variants.get(experiment)
    if (!own) {
      own = this.#transaction.get(variantFamily, experiment) ?? {
        experiment,
        partition: this.#partition,
        version: 0,
        variants: [],
      }
      this.#variants.set(experiment, own)
    }
    own.version++
    let spending = own.variants.find((other) => other.variant === variant)
    if (!spending) {
      spending = emptySpending(variant)
      own.variants.push(spending)
    }
    return spending
  }

  /** Puts what was added to into the state; answers with it, as copies: the next batch goes on with those of the state. */
  finish(): { readonly tiles: readonly RevenueTile[]; readonly variants: readonly VariantRevenue[] } {
    for (const [startMs, { tile }] of this.#tiles) this.#transaction.put(tileFamily, String(startMs), tile)
    for (const [experiment, own] of this.#variants) this.#transaction.put(variantFamily, experiment, own)
    return {
      tiles: Array.from(this.#tiles.values(), ({ tile }) => structuredClone(tile)),
      variants: Array.from(this.#variants.values(), (own) => structuredClone(own)),
    }
  }

  #at(timeMs: number): OpenTile {
    const startMs = this.startOf(timeMs)
    let known = this.#tiles.get(startMs)
    if (!known) {
      const tile = this.#transaction.get(tileFamily, String(startMs)) ?? this.#emptyTile(startMs)
      invariant(tile.tileMs === this.#tileMs, `attribution.tileMs was ${tile.tileMs}, and cannot be changed while tiles are open`)
      const categories = new Map(tile.categories.map((one) => [one.category, one]))
      known = { tile, rows: new Map(tile.rows.map((row) => [nameOf(row), row])), categories }
      this.#tiles.set(startMs, known)
    }
    known.tile.version++
    return known
  }

  #emptyTile(startMs: number): RevenueTile {
    return {
      partition: this.#partition,
      startMs,
      tileMs: this.#tileMs,
      version: 0,
      total: emptyTotal(),
      rows: [],
      categories: [],
    }
  }
}

function nameOf({ surface, source, policy }: CreditPlace): string {
  return `${surface}\n${source}\n${policy}`
}
