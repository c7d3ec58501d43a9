import { CandidateSet, candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import { itemColumns, unheardItem } from '../algorithms/ranker/item-columns.ts'
import { offerColumns } from '../algorithms/ranker/offer-columns.ts'
import {
  type FeatureName,
  rankerColumns,
  rankerFeatureNames,
  rankerWidth,
  schemaWidths,
  sourceColumn,
  writeRankerFeatures,
} from '../algorithms/ranker-features.ts'
import { towerWidth } from '../algorithms/tower-features.ts'
import { draftLists } from '../operators/draft-lists.ts'
import type { ListDraft } from '../operators/list-draft.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import type { Sourced } from '../ports/batch.ts'
import { dryBatch, runOperator } from '../runtime/dry-run.ts'
import type { Decision, DecisionSlot } from '../schemas/decision.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { ItemUpdate } from '../schemas/item-update.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { floatsOf } from './explain-list.ts'
import { type ItemHistory, readItemHistories } from './item-histories.ts'
import { type LoggedDecision, newestDecisions, updateOf } from './logged-decisions.ts'
import { noScorer, type ReplayedList, type ReplayedRows, replayTables } from './table-replay.ts'

export interface AuditOptions {
  /** Newest decisions with a logged vector that are looked at. */
  readonly decisionsMax: number
  /** How far the tables of a process may lie behind the log, ms. */
  readonly lagMsMax: number
  /** Newest decisions whose lists are drafted again from the tables, and records of these tables at most: all are held in memory. */
  readonly draftsMax: number
  readonly tableRecordsMax: number
}

/** A logged vector that the log does not give again. */
export interface FeatureMismatch {
  readonly decisionId: string
  readonly listId: string
  readonly userId: string
  /** Null for the context, the user tower's input. */
  readonly itemId: string | null
  /** The first column that differs: a name of the ranker's, or `context n`. */
  readonly column: string
  readonly logged: number | null
  readonly recomputed: number | null
}

/** What an audit found. */
export interface FeatureAudit {
  /** Decisions read from the log, and those among the audited ones whose feature update is still in it. */
  readonly decisions: number
  readonly audited: number
  /** Decisions that cannot be recomputed: the log dropped the feature update they were made from. */
  readonly gone: number
  /** Contexts and item rows compared. */
  readonly contexts: number
  readonly rows: number
  /** Of these, rows whose item version of that time was compacted away: all but the columns that events move was compared. */
  readonly partly: number
  /** And rows of which only the person's own columns were compared: the item's data has changed since, too. */
  readonly personOnly: number
  /** Contexts and rows that differ. */
  readonly mismatches: number
  /** The first 100 of them. */
  readonly examples: readonly FeatureMismatch[]
  /** Rows by their number of columns. */
  readonly widths: Readonly<Record<number, number>>
  /** What drafting lists again said of the columns that follow from all items; null where the tables are too large for it. */
  readonly tables: TableAudit | null
  /** Rows whose newest matching item version had been replaced in the log before the list was asked for, and by how much at most. */
  readonly behind: number
  readonly behindMsMax: number
}

/** Columns that follow from other items than the row's own: found by filling the tables again up to the moment of the list. */
export interface TableAudit {
  /** Whether the log holds all that the tables ever held; if not, no column that follows from them is called wrong. */
  readonly whole: boolean
  /** Rows compared, and those that are the same in every such column. */
  readonly rows: number
  readonly same: number
  /** Rows that lie between what the tables said before and after: they moved meanwhile, and either may be meant. */
  readonly moved: number
  /** Rows that differ in a column whose tables depend on the order in which a process read several topics, by column. */
  readonly unordered: number
  readonly unorderedColumns: Readonly<Record<string, number>>
}

const examplesMax = 100

/** Sources whose scores come from a model. */
const modelSources = ['source_two_tower']

/** Columns that are taken as logged: they come from a model, which may have changed since. They are held to lie in their range. */
export const givenColumns: readonly string[] = [...modelSources, 'vector_cosine', 'vector_known']

/** Columns that follow from the data of other items, and can be told exactly while those stay as they are. */
const otherItemsColumns = columnsOf(
  'category_1h',
  'category_24h',
  'category_7d',
  'category_age',
  'category_touched',
  'brand_24h',
  'brand_7d',
  'price_percentile',
  'price_sensitivity',
  'price_mismatch',
  'cart_value',
  'spend_rank',
  'high_value',
  'category_hour',
  'category_hour_known',
  'trend_seasonal',
)

/** Columns that depend also on the order in which several topics were read: scores are sums and ties of what came by. */
const unorderedColumns = new Set([
  ...candidateSources.map((_, source) => sourceColumn(source)).filter((at) => !givenColumns.includes(rankerFeatureNames[at]!)),
  ...columnsOf('session_text', 'page_rank'),
])

/** Columns that no single item version tells. */
const beyondItem = new Set([
  ...otherItemsColumns,
  ...unorderedColumns,
  ...givenColumns.map((name) => rankerFeatureNames.indexOf(name as FeatureName)),
])

/** Columns that every event on an item may move, and those that follow from its catalogue data as well. */
const movedColumns = new Set([
  ...beyondItem,
  ...columnsOf('popularity_log', 'trend_z', 'purchase_rate', 'stock_low', ...itemColumns.map(({ name }) => name)),
])
const itemDataColumns = new Set([
  ...movedColumns,
  ...columnsOf('affinity_leaf', 'affinity_top', 'affinity_brand', 'price_distance', 'price_log', 'age_log', 'category_declared'),
  ...columnsOf('margin_share', 'session_category', 'price_to_session', 'price_to_order', 'query_match'),
  ...columnsOf('release_age', 'release_known', ...offerColumns.map(({ name }) => name)),
])

/**
 * Computes logged feature vectors again with the code that serves, and compares them bit by bit. A decision names the list it shows, and
 * a list the record of `feature-updates` it was made from: the context and every column that follows from the person are made from that
 * record. Columns that follow from the item are made from the versions of the item in `item-updates` that a process may have held then:
 * one version must give the whole row, of whichever feature schema it is. Columns that follow from other items as well are found by filling
 * the tables again in the order of the log's clock and drafting the list at the earliest, the likeliest and the latest moment it can have
 * been made; what these agree on must be what was logged. Scores of models are taken as logged and only held to lie in their range.
 */
export async function auditFeatures(ports: OpenPorts, config: Config, options: AuditOptions): Promise<FeatureAudit> {
  const { decisions, newest } = await newestDecisions(ports, options.decisionsMax)
  const shown = new Set(newest.flatMap(({ value }) => value.slots.map(({ itemId }) => itemId)))
  const histories = await readItemHistories(ports, shown)
  const audit = new Audit(options, histories)
  const found: { readonly decision: LoggedDecision; readonly update: Sourced<FeatureUpdate> }[] = []
  const starts = (await ports.log.partitions('feature-updates')) > 0 ? await ports.log.offsets('feature-updates') : []
  for (const decision of newest) {
    const update = await updateOf(ports, decision.value.listId, starts)
    // An offset of another log, or a person of another list: then the record is not the one.
    if (update?.value.userId === decision.value.userId) found.push({ decision, update })
    else audit.gone++
  }
  for (const { decision, update } of found) await audit.compare(decision, update)
  const drafted = found.slice(-options.draftsMax)
  const replayed = await replayTables(
    ports,
    config,
    drafted.map(({ decision, update }) => replayedList(decision, update, options.lagMsMax)),
    options.tableRecordsMax,
  )
  if (replayed)
    for (const [at, { decision }] of drafted.entries()) audit.compareTables(decision, replayed.rows[at]!, replayed.whole)
  return audit.result(decisions, newest.length)
}

function replayedList({ value, loggedMs }: LoggedDecision, update: Sourced<FeatureUpdate>, lagMsMax: number): ReplayedList {
  const itemIds = value.slots.filter(({ features }) => features.length > 0).map(({ itemId }) => itemId)
  return { update, itemIds, momentsMs: itemIds.length === 0 ? [] : [update.loggedMs - lagMsMax, update.loggedMs, loggedMs] }
}

class Audit {
  gone = 0
  readonly #options: AuditOptions
  readonly #histories: ReadonlyMap<string, ItemHistory>
  readonly #table = new CatalogueTable()
  /** Where no item has data: rows of items of which only events, or nothing, had been heard. */
  readonly #bare = new CatalogueTable()
  readonly #set = new CandidateSet(1)
  readonly #draft: (update: Sourced<FeatureUpdate>, table: CatalogueTable) => Promise<ListDraft>
  readonly #widths: Record<number, number> = {}
  #tables: ({ -readonly [K in keyof TableAudit]: TableAudit[K] } & { unorderedColumns: Record<string, number> }) | null = null
  readonly #examples: FeatureMismatch[] = []
  readonly #counts = { contexts: 0, rows: 0, partly: 0, personOnly: 0, mismatches: 0, behind: 0, behindMsMax: 0 }

  constructor(options: AuditOptions, histories: ReadonlyMap<string, ItemHistory>) {
    this.#options = options
    this.#histories = histories
    const drafting = { countMax: 1, userModel: '', itemModel: '' }
    const operators = new Map([this.#table, this.#bare].map((table) => [table, draftLists(table, noScorer, drafting)] as const))
    const task = { topology: 'recommendations', partition: 0, partitions: 1, epoch: 0 }
    this.#draft = async (update, table) => {
      const batch = dryBatch([update], task, 'feature-updates', update.offset)
      return (await runOperator(operators.get(table)!, batch)).records[0]!
    }
  }

  async compare({ value: decision, loggedMs }: LoggedDecision, update: Sourced<FeatureUpdate>): Promise<void> {
    if (decision.context.length > 0) {
      this.#counts.contexts++
      const logged = floatsOf(decision.context)
      const { context } = await this.#draft(update, this.#table)
      const at = firstDifference(logged, context, towerWidth)
      if (at >= 0) this.#mismatch(decision, null, `context ${at}`, logged[at], context[at])
    }
    for (const slot of decision.slots)
      if (slot.features.length > 0) await this.#compareRow(decision, slot, update, { fromMs: update.loggedMs, toMs: loggedMs })
  }

  result(decisions: number, audited: number): FeatureAudit {
    const counts = { ...this.#counts, widths: this.#widths, tables: this.#tables }
    return { decisions, audited: audited - this.gone, gone: this.gone, ...counts, examples: this.#examples }
  }

  /** The list was made between two moments of the log's clock. */
  async #compareRow(
    decision: Decision,
    slot: DecisionSlot,
    update: Sourced<FeatureUpdate>,
    made: { readonly fromMs: number; readonly toMs: number },
  ): Promise<void> {
    this.#counts.rows++
    const logged = floatsOf(slot.features)
    const width = logged.length
    this.#widths[width] = (this.#widths[width] ?? 0) + 1
    if (width < schemaWidths[0]! || width > rankerWidth) return this.#mismatch(decision, slot.itemId, 'width', width, rankerWidth)
    const strange = rankerColumns.slice(0, width).findIndex(({ range: [least, most] }, at) => {
      return beyondItem.has(at) && !(logged[at]! >= Math.fround(least) && logged[at]! <= Math.fround(most))
    })
    if (strange >= 0) return this.#mismatch(decision, slot.itemId, rankerFeatureNames[strange]!, logged[strange], undefined)
    const history = this.#histories.get(slot.itemId)
    const { versions, complete } = history?.between(made.fromMs - this.#options.lagMsMax, made.toMs) ?? {
      versions: [null],
      complete: true,
    }
    let nearest: { readonly at: number; readonly row: Float32Array } | null = null
    // Newest first: what matches soonest says how far the table was behind.
    for (const version of versions.toReversed()) {
      const row = await this.#rowOf(slot.itemId, version?.update ?? null, logged, update)
      const at = firstDifference(logged, row, width, beyondItem)
      if (at < 0) return this.#matched(version?.replacedMs ?? Number.POSITIVE_INFINITY, made.fromMs)
      if (!nearest || at > nearest.at) nearest = { at, row }
    }
    if (complete) this.#differs(decision, slot.itemId, logged, nearest!)
    else await this.#compareInPart(decision, slot.itemId, logged, update, history!)
  }

  /** What can still be said once the item's version of that time is gone: a later one tells all that events do not move. */
  async #compareInPart(
    decision: Decision,
    itemId: string,
    logged: Float32Array,
    update: Sourced<FeatureUpdate>,
    history: ItemHistory,
  ): Promise<void> {
    const row = await this.#rowOf(itemId, history.first?.update ?? null, logged, update)
    const at = firstDifference(logged, row, logged.length, movedColumns)
    if (at < 0) this.#counts.partly++
    else if (firstDifference(logged, row, logged.length, itemDataColumns) < 0) this.#counts.personOnly++
    else this.#differs(decision, itemId, logged, { at, row })
  }

  /** Holds the columns that follow from other items against lists drafted at the moments between which this one was made. */
  compareTables({ value: decision }: LoggedDecision, rows: ReplayedRows, whole: boolean): void {
    this.#tables ??= { whole, rows: 0, same: 0, moved: 0, unordered: 0, unorderedColumns: {} }
    const tables = this.#tables
    for (const { itemId, features } of decision.slots) {
      const drafts = rows.get(itemId)
      const logged = floatsOf(features)
      if (!drafts || logged.length === 0 || logged.length > rankerWidth) continue
      tables.rows++
      const told = (at: number) => drafts.some((row) => Object.is(row[at], logged[at]))
      const stood = (at: number) => drafts.every((row) => Object.is(row[at], drafts[0]![at]))
      const untold = (columns: ReadonlySet<number>) => [...columns].filter((at) => at < logged.length && !told(at))
      const [other, unordered] = [untold(otherItemsColumns), untold(unorderedColumns)]
      const wrong = other.find(stood)
      if (wrong !== undefined && whole) {
        this.#mismatch(decision, itemId, rankerFeatureNames[wrong]!, logged[wrong], drafts[0]![wrong])
        continue
      }
      const strays = unordered.filter(stood)
      for (const at of strays)
        tables.unorderedColumns[rankerFeatureNames[at]!] = (tables.unorderedColumns[rankerFeatureNames[at]!] ?? 0) + 1
      if (strays.length > 0) tables.unordered++
      else if (other.length + unordered.length > 0) tables.moved++
      else tables.same++
    }
  }

  #differs(
    decision: Decision,
    itemId: string,
    logged: Float32Array,
    { at, row }: { readonly at: number; readonly row: Float32Array },
  ): void {
    this.#mismatch(decision, itemId, rankerFeatureNames[at] ?? 'width', logged[at], row[at])
  }

  #matched(replacedMs: number, madeMs: number): void {
    const behindMs = madeMs - replacedMs
    if (behindMs <= 0) return
    this.#counts.behind++
    this.#counts.behindMsMax = Math.max(this.#counts.behindMsMax, behindMs)
  }

  /** The ranker's row of an item as of one of its versions; null = nothing was known of it. */
  async #rowOf(
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
    for (let source = 0; source < sourceCount; source++) this.#set.scores[source] = given(logged, source)
    const out = new Float32Array(rankerWidth)
    writeRankerFeatures(out, 0, this.#set, catalogue, ranker)
    return out
  }

  #mismatch(
    { decisionId, listId, userId }: Decision,
    itemId: string | null,
    column: string,
    logged: number | undefined,
    recomputed: number | undefined,
  ): void {
    this.#counts.mismatches++
    if (this.#examples.length >= examplesMax) return
    this.#examples.push({ decisionId, listId, userId, itemId, column, logged: logged ?? null, recomputed: recomputed ?? null })
  }
}

/** What a source said of a logged row's item. */
function given(logged: Float32Array, source: number): number {
  return logged[sourceColumn(source)] ?? 0 // A row of an older schema knows fewer sources.
}

function columnsOf(...names: readonly (typeof rankerFeatureNames)[number][]): Set<number> {
  return new Set(names.map((name) => rankerFeatureNames.indexOf(name)))
}

/** The first of `width` places at which two vectors differ, `but` left out; -1 if they are equal there and one is as long. */
function firstDifference(logged: Float32Array, again: Float32Array, width: number, but?: ReadonlySet<number>): number {
  for (let at = 0; at < width; at++) if (!but?.has(at) && !Object.is(logged[at], again[at])) return at
  return logged.length === width ? -1 : width
}
