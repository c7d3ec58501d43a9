import { rankerColumns, rankerFeatureNames, rankerWidth, schemaWidths } from '../algorithms/ranker-features.ts'
import { towerWidth } from '../algorithms/tower-features.ts'
import type { Sourced } from '../ports/batch.ts'
import type { Decision, DecisionSlot } from '../schemas/decision.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { auditColumns } from './audit-columns.ts'
import { AuditMismatches, type FeatureMismatch } from './audit-mismatches.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { floatsOf } from './explain-list.ts'
import { type ItemHistory, readItemHistories } from './item-histories.ts'
import { type LoggedDecision, newestDecisions, updateOf } from './logged-decisions.ts'
import { RecomputedRows } from './recomputed-rows.ts'
import { type TableAudit, TableComparison } from './table-comparison.ts'
import { type ReplayedList, replayTables } from './table-replay.ts'

export interface AuditOptions {
  /** Newest decisions with a logged vector that are looked at. */
  readonly decisionsMax: number
  /** How far the tables of a process may lie behind the log, ms. */
  readonly lagMsMax: number
  /** Newest decisions whose lists are drafted again from the tables, and records of these tables at most: all are held in memory. */
  readonly draftsMax: number
  readonly tableRecordsMax: number
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
  const tables = replayed && new TableComparison(replayed.whole, audit.mismatches)
  if (tables) for (const [at, { decision }] of drafted.entries()) tables.compare(decision, replayed.rows[at]!)
  return audit.result(decisions, newest.length, tables?.result ?? null)
}

function replayedList({ value, loggedMs }: LoggedDecision, update: Sourced<FeatureUpdate>, lagMsMax: number): ReplayedList {
  const itemIds = value.slots.filter(({ features }) => features.length > 0).map(({ itemId }) => itemId)
  return { update, itemIds, momentsMs: itemIds.length === 0 ? [] : [update.loggedMs - lagMsMax, update.loggedMs, loggedMs] }
}

class Audit {
  gone = 0
  readonly mismatches = new AuditMismatches()
  readonly #options: AuditOptions
  readonly #histories: ReadonlyMap<string, ItemHistory>
  readonly #again = new RecomputedRows()
  readonly #widths: Record<number, number> = {}
  readonly #counts = { contexts: 0, rows: 0, partly: 0, personOnly: 0, behind: 0, behindMsMax: 0 }

  constructor(options: AuditOptions, histories: ReadonlyMap<string, ItemHistory>) {
    this.#options = options
    this.#histories = histories
  }

  async compare({ value: decision, loggedMs }: LoggedDecision, update: Sourced<FeatureUpdate>): Promise<void> {
    if (decision.context.length > 0) {
      this.#counts.contexts++
      const logged = floatsOf(decision.context)
      const context = await this.#again.context(update)
      const at = firstDifference(logged, context, towerWidth)
      if (at >= 0) this.mismatches.add(decision, null, `context ${at}`, logged[at], context[at])
    }
    for (const slot of decision.slots)
      if (slot.features.length > 0) await this.#compareRow(decision, slot, update, { fromMs: update.loggedMs, toMs: loggedMs })
  }

  result(decisions: number, newest: number, tables: TableAudit | null): FeatureAudit {
    const { count: mismatches, examples } = this.mismatches
    const counts = { ...this.#counts, mismatches, widths: this.#widths, tables }
    return { decisions, audited: newest - this.gone, gone: this.gone, ...counts, examples }
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
    if (width < schemaWidths[0]! || width > rankerWidth)
      return this.mismatches.add(decision, slot.itemId, 'width', width, rankerWidth)
    const strange = rankerColumns.slice(0, width).findIndex(({ range: [least, most] }, at) => {
      return auditColumns.beyondItem.has(at) && !(logged[at]! >= Math.fround(least) && logged[at]! <= Math.fround(most))
    })
    if (strange >= 0) return this.mismatches.add(decision, slot.itemId, rankerFeatureNames[strange]!, logged[strange], undefined)
    const history = this.#histories.get(slot.itemId)
    const { versions, complete } = history?.between(made.fromMs - this.#options.lagMsMax, made.toMs) ?? {
      versions: [null],
      complete: true,
    }
    let nearest: { readonly at: number; readonly row: Float32Array } | null = null
    // Newest first: what matches soonest says how far the table was behind.
    for (const version of versions.toReversed()) {
      const row = await this.#again.row(slot.itemId, version?.update ?? null, logged, update)
      const at = firstDifference(logged, row, width, auditColumns.beyondItem)
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
    const row = await this.#again.row(itemId, history.first?.update ?? null, logged, update)
    const at = firstDifference(logged, row, logged.length, auditColumns.moved)
    if (at < 0) this.#counts.partly++
    else if (firstDifference(logged, row, logged.length, auditColumns.itemData) < 0) this.#counts.personOnly++
    else this.#differs(decision, itemId, logged, { at, row })
  }

  #differs(
    decision: Decision,
    itemId: string,
    logged: Float32Array,
    { at, row }: { readonly at: number; readonly row: Float32Array },
  ): void {
    this.mismatches.add(decision, itemId, rankerFeatureNames[at] ?? 'width', logged[at], row[at])
  }

  #matched(replacedMs: number, madeMs: number): void {
    const behindMs = madeMs - replacedMs
    if (behindMs <= 0) return
    this.#counts.behind++
    this.#counts.behindMsMax = Math.max(this.#counts.behindMsMax, behindMs)
  }
}

/** The first of `width` places at which two vectors differ, `but` left out; -1 if they are equal there and one is as long. */
function firstDifference(logged: Float32Array, again: Float32Array, width: number, but?: ReadonlySet<number>): number {
  for (let at = 0; at < width; at++) if (!but?.has(at) && !Object.is(logged[at], again[at])) return at
  return logged.length === width ? -1 : width
}
