import { CandidateSet, candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import { rankerFeatureNames, rankerWidth, sourceColumn, writeRankerFeatures } from '../algorithms/ranker-features.ts'
import { towerWidth } from '../algorithms/tower-features.ts'
import { MillraceError } from '../core/errors.ts'
import { draftLists } from '../operators/draft-lists.ts'
import type { ListDraft } from '../operators/list-draft.ts'
import { CatalogueTable } from '../operators/tables/catalogue-table.ts'
import type { Sourced } from '../ports/batch.ts'
import type { Scorer } from '../ports/scorer.ts'
import { dryBatch, runOperator } from '../runtime/dry-run.ts'
import type { Decision, DecisionSlot } from '../schemas/decision.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { ItemUpdate } from '../schemas/item-update.ts'
import type { OpenPorts } from './compose.ts'
import { floatsOf } from './explain-list.ts'
import { type ItemHistory, readItemHistories } from './item-histories.ts'
import { type LoggedDecision, newestDecisions, updateOf } from './logged-decisions.ts'

export interface AuditOptions {
  /** Newest decisions with a logged vector that are looked at. */
  readonly decisionsMax: number
  /** How far the tables of a process may lie behind the log, ms. */
  readonly lagMsMax: number
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
  /** Rows whose newest matching item version had been replaced in the log before the list was asked for, and by how much at most. */
  readonly behind: number
  readonly behindMsMax: number
}

const examplesMax = 100

/** The columns that are taken as logged: what each source said depends on the tables of all items at that moment. */
export const givenColumns: readonly string[] = candidateSources.map((name) => `source_${name}`)

/** Columns that every event on an item may move, and those that follow from its catalogue data as well. */
const movedColumns = columnsOf('popularity_log', 'trend_z', 'purchase_rate', 'stock_low')
const itemColumns = new Set([
  ...movedColumns,
  ...columnsOf('affinity_leaf', 'affinity_top', 'affinity_brand', 'price_distance', 'price_log', 'age_log', 'category_declared'),
  ...columnsOf('margin_share'),
])

/** No vectors are made: they are no part of what is compared. */
const noScorer: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'an audit asks no model')),
}

/**
 * Computes logged feature vectors again with the code that serves, and compares them bit by bit. A decision names the list it shows, and
 * a list the record of `feature-updates` it was made from: the context and every column that follows from the person are made from that
 * record. Columns that follow from the item are made from the versions of the item in `item-updates` that a process may have held then:
 * one version must give the whole row. The source columns are taken as logged and only held to be in [0, 1].
 */
export async function auditFeatures(ports: OpenPorts, options: AuditOptions): Promise<FeatureAudit> {
  const { decisions, newest } = await newestDecisions(ports, options.decisionsMax)
  const shown = new Set(newest.flatMap(({ value }) => value.slots.map(({ itemId }) => itemId)))
  const histories = await readItemHistories(ports, shown)
  const audit = new Audit(options, histories)
  const starts = (await ports.log.partitions('feature-updates')) > 0 ? await ports.log.offsets('feature-updates') : []
  for (const decision of newest) {
    const update = await updateOf(ports, decision.value.listId, starts)
    // An offset of another log, or a person of another list: then the record is not the one.
    if (update?.value.userId === decision.value.userId) await audit.compare(decision, update)
    else audit.gone++
  }
  return audit.result(decisions, newest.length)
}

class Audit {
  gone = 0
  readonly #options: AuditOptions
  readonly #histories: ReadonlyMap<string, ItemHistory>
  readonly #table = new CatalogueTable()
  readonly #set = new CandidateSet(1)
  readonly #draft: (update: Sourced<FeatureUpdate>) => Promise<ListDraft>
  readonly #examples: FeatureMismatch[] = []
  readonly #counts = { contexts: 0, rows: 0, partly: 0, personOnly: 0, mismatches: 0, behind: 0, behindMsMax: 0 }

  constructor(options: AuditOptions, histories: ReadonlyMap<string, ItemHistory>) {
    this.#options = options
    this.#histories = histories
    const operator = draftLists(this.#table, noScorer, { countMax: 1, userModel: '', itemModel: '' })
    const task = { topology: 'recommendations', partition: 0, partitions: 1, epoch: 0 }
    this.#draft = async (update) => {
      return (await runOperator(operator, dryBatch([update], task, 'feature-updates', update.offset))).records[0]!
    }
  }

  async compare({ value: decision, loggedMs }: LoggedDecision, update: Sourced<FeatureUpdate>): Promise<void> {
    if (decision.context.length > 0) {
      this.#counts.contexts++
      const logged = floatsOf(decision.context)
      const { context } = await this.#draft(update)
      const at = firstDifference(logged, context, towerWidth)
      if (at >= 0) this.#mismatch(decision, null, `context ${at}`, logged[at], context[at])
    }
    for (const slot of decision.slots)
      if (slot.features.length > 0) await this.#compareRow(decision, slot, update, { fromMs: update.loggedMs, toMs: loggedMs })
  }

  result(decisions: number, audited: number): FeatureAudit {
    return { decisions, audited: audited - this.gone, gone: this.gone, ...this.#counts, examples: this.#examples }
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
    const strange =
      logged.length === rankerWidth
        ? givenColumns.findIndex((_, source) => !(given(logged, source) >= 0 && given(logged, source) <= 1))
        : -1
    if (strange >= 0) return this.#mismatch(decision, slot.itemId, givenColumns[strange]!, given(logged, strange), undefined)
    const history = this.#histories.get(slot.itemId)
    const { versions, complete } = history?.between(made.fromMs - this.#options.lagMsMax, made.toMs) ?? {
      versions: [null],
      complete: true,
    }
    let nearest: { readonly at: number; readonly row: Float32Array } | null = null
    // Newest first: what matches soonest says how far the table was behind.
    for (const version of versions.toReversed()) {
      const row = await this.#rowOf(slot.itemId, version?.update ?? null, logged, update)
      const at = firstDifference(logged, row, rankerWidth)
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
    const at = firstDifference(logged, row, rankerWidth, movedColumns)
    if (at < 0) this.#counts.partly++
    else if (firstDifference(logged, row, rankerWidth, itemColumns) < 0) this.#counts.personOnly++
    else this.#differs(decision, itemId, logged, { at, row })
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
    const { catalogue } = this.#table
    const row = catalogue.rowOf(itemId)
    catalogue.set(row, nothingKnown)
    catalogue.known[row] = 0
    if (version) this.#table.apply([{ key: itemId, value: version, offset: 0, loggedMs: 0 }])
    const { ranker } = await this.#draft(update)
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
  return logged[sourceColumn(source)]!
}

function columnsOf(...names: readonly (typeof rankerFeatureNames)[number][]): Set<number> {
  return new Set(names.map((name) => rankerFeatureNames.indexOf(name)))
}

/** A row of the catalogue before anything but its name was heard. */
const nothingKnown = {
  withdrawn: false,
  stock: -1,
  price: 0,
  margin: 0,
  createdMs: 0,
  popularity: 0,
  trend: 0,
  purchaseRate: 0,
  category: [],
  brand: null,
}

/** The first place at which two vectors differ, `but` left out; -1 if they are equal and `width` long. */
function firstDifference(logged: Float32Array, again: Float32Array, width: number, but?: ReadonlySet<number>): number {
  for (let at = 0; at < width; at++) if (!but?.has(at) && !Object.is(logged[at], again[at])) return at
  return logged.length === width ? -1 : width
}
