import { CandidateSet, sourceCount } from '../algorithms/candidate-set.ts'
import { unheardItem } from '../algorithms/ranker/item-columns.ts'
import { rankerWidth, sourceColumn, writeRankerFeatures } from '../algorithms/ranker-features.ts'
import { draftLists } from '../operators/draft-lists.ts'
import type { ListDraft } from '../operators/list-draft.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import type { Sourced } from '../ports/batch.ts'
import { dryBatch, runOperator } from '../runtime/dry-run.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { ItemUpdate } from '../schemas/item-update.ts'
import { noScorer } from './table-replay.ts'

/** Makes contexts and ranker rows again with the code that serves, of one record of `feature-updates` and one item version at a time. */
export class RecomputedRows {
  readonly #table = new CatalogueTable()
  /** Where no item has data: rows of items of which only events, or nothing, had been heard. */
  readonly #bare = new CatalogueTable()
  readonly #set = new CandidateSet(1)
  readonly #draft: (update: Sourced<FeatureUpdate>, table: CatalogueTable) => Promise<ListDraft>

  constructor() {
    const drafting = { countMax: 1, userModel: '', itemModel: '' }
    const operators = new Map([this.#table, this.#bare].map((table) => [table, draftLists(table, noScorer, drafting)] as const))
    const task = { topology: 'recommendations', partition: 0, partitions: 1, epoch: 0 }
    this.#draft = async (update, table) => {
      const batch = dryBatch([update], task, 'feature-updates', update.offset)
      return (await runOperator(operators.get(table)!, batch)).records[0]!
    }
  }

  /** The user tower's input. */
  async context(update: Sourced<FeatureUpdate>): Promise<Float32Array> {
    return (await this.#draft(update, this.#table)).context
  }

  /** The ranker's row of an item as of one of its versions, with the source scores of `logged`; null = nothing was known of it. */
  async row(
    itemId: string,
    version: ItemUpdate | null,
    logged: Float32Array,
    update: Sourced<FeatureUpdate>,
  ): Promise<Float32Array> {
    const table = version?.item ? this.#table : this.#bare
    const { catalogue } = table
    const row = catalogue.rowOf(itemId)
    if (version) table.apply([{ key: itemId, value: version, offset: 0, loggedMs: 0 }])
    else {
      catalogue.setSignals(row, { popularity: 0, trend: 0, purchaseRate: 0 })
      catalogue.describe(row, unheardItem)
    }
    const { ranker } = await this.#draft(update, table)
    this.#set.clear()
    this.#set.add(0, row, 1, -1)
    for (let source = 0; source < sourceCount; source++) this.#set.scores[source] = logged[sourceColumn(source)] ?? 0 // A row of an older schema knows fewer sources.
    const out = new Float32Array(rankerWidth)
    writeRankerFeatures(out, 0, this.#set, catalogue, ranker)
    return out
  }
}
