import { concatMap, type OperatorFunction } from 'rxjs'
import { CandidateSet } from '../algorithms/candidate-set.ts'
import type { CandidateUser } from '../algorithms/candidates/candidate-source.ts'
import { embeddingWidth } from '../algorithms/catalogue.ts'
import { hourInZone } from '../algorithms/hour-in-zone.ts'
import { towerWidth, writeTowerUser } from '../algorithms/tower-features.ts'
import { reactionOf } from '../core/errors.ts'
import { fnv1a32 } from '../core/hash.ts'
import type { Batch, Sourced } from '../ports/batch.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { NextItems, SequenceModel } from '../ports/sequence-model.ts'
import type { TextModel } from '../ports/text-model.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { scopeNames } from '../schemas/scope-names.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import type { ListDraft } from './list-draft.ts'
import { rankerUser } from './ranker-user.ts'
import type { CatalogueTable } from './tables/catalogue-table.ts'

export interface DraftOptions {
  /** Candidates per list at most. */
  readonly countMax: number
  readonly userModel: string
  readonly itemModel: string
  /** Continues histories; absent = nobody does. */
  readonly sequences?: SequenceModel
  /** Reads the texts of items; absent = nobody does. */
  readonly texts?: TextModel
}

/**
 * Opens a list for each moved person: their features in catalogue numbers and, where the models answer, their vector (two towers; new
 * items get theirs on the way, as the texts of some are read) and what they are expected to touch next.
 *
 *     source  x----y--|     x = [u1, u2]   y = [u3]
 *     result  ---x----y--|  (later by one request to each model for the whole batch)
 *
 * - Order: drafts keep the order of records; batches keep theirs.
 * - Bound: one candidate set per record of the largest batch, reused by the next batch.
 * - Time: reads no clock; waits only for the scorer.
 * - Complete: after the running batch.
 * - Error: a model that cannot answer costs what it would have said, not the batch; anything else passes on.
 */
export function draftLists(
  table: CatalogueTable,
  scorer: Scorer,
  options: DraftOptions,
): OperatorFunction<Batch<Sourced<FeatureUpdate>>, Batch<ListDraft>> {
  const sets: CandidateSet[] = []
  return concatMap(async (batch) => {
    const records = batch.records
    const contexts = new Float32Array(records.length * towerWidth)
    records.forEach((record, index) => {
      writeContext(contexts, index, record.value.features, record.value.eventTimeMs)
    })
    const asked = records.length > 0
    const [vectors, next] = await Promise.all([
      asked ? embedUsers(table, scorer, contexts, records.length, options) : null,
      asked && options.sequences ? options.sequences.next(records.map((record) => historyOf(record.value.features))) : null,
      asked && options.texts ? table.texts.read(options.texts) : null,
    ])
    const drafts = records.map((record, index): ListDraft => {
      sets[index] ??= new CandidateSet(options.countMax)
      const set = sets[index]
      set.clear()
      const { value } = record
      const vector = vectors?.subarray(index * embeddingWidth, (index + 1) * embeddingWidth) ?? null
      return {
        update: value,
        listId: `${batch.task.partition}-${record.offset}`,
        user: { ...candidateUser(table, value), vector, next: next ? newRows(table, next[index]!, value.features) : null },
        ranker: rankerUser(table, value, vector),
        made: null,
        context: contexts.subarray(index * towerWidth, (index + 1) * towerWidth),
        set,
        removed: new Map(),
        features: new Float32Array(0),
        scores: new Float64Array(0),
        rung: 'linear',
        modelVersion: '',
        personalShare: 1,
        order: new Int32Array(0),
        exploration: null,
      }
    })
    return { ...batch, records: drafts }
  })
}

async function embedUsers(
  table: CatalogueTable,
  scorer: Scorer,
  contexts: Float32Array,
  rows: number,
  options: DraftOptions,
): Promise<Float32Array | null> {
  if (!scorer.ready(options.itemModel) || !scorer.ready(options.userModel)) return null
  try {
    await table.embed(scorer, options.itemModel)
    const { outputs, version } = await scorer.score(options.userModel, contexts, rows, ['embedding'])
    // Vectors of two versions say nothing of each other.
    return table.fits(version) ? (outputs[0] ?? null) : null
  } catch (error) {
    if (reactionOf(error) !== 'degrade') throw error
    return null
  }
}

function writeContext(out: Float32Array, at: number, features: UserFeatures, nowMs: number): void {
  writeTowerUser(out, at, {
    categories: features.categories,
    brands: features.brands,
    declared: features.profile?.preferredCategories ?? [],
    priceLevel: features.priceLevel,
    ageGroup: features.profile?.ageGroup ?? 'unknown',
    mobile: features.device === 'mobile',
    events: total(features.counts),
    sessionCategory: features.session.mainCategory,
    hour: hourInZone(nowMs, null),
  })
}

/** What a person touched and did not dismiss, oldest first. */
function historyOf({ recent }: UserFeatures): readonly string[] {
  return recent
    .filter(({ strength }) => strength > 0)
    .map(({ itemId }) => itemId)
    .reverse()
}

/** The items of the catalogue among those expected that were not touched lately. */
function newRows(table: CatalogueTable, { itemIds, scores }: NextItems, { recent }: UserFeatures): CandidateUser['next'] {
  const touched = new Set(recent.map(({ itemId }) => itemId))
  const rows: number[] = []
  const kept: number[] = []
  itemIds.forEach((itemId, at) => {
    const row = touched.has(itemId) ? -1 : table.catalogue.items.find(itemId)
    if (row < 0) return
    rows.push(row)
    kept.push(scores[at]!)
  })
  return { rows: Int32Array.from(rows), scores: Float32Array.from(kept) }
}

function candidateUser(table: CatalogueTable, update: FeatureUpdate): Omit<CandidateUser, 'vector' | 'next'> {
  const { features } = update
  const rows = (itemIds: readonly string[]) => Int32Array.from(itemIds, (itemId) => table.catalogue.rowOf(itemId))
  return {
    nowMs: update.eventTimeMs,
    personKey: fnv1a32(update.userId) | 0,
    recentRows: rows(features.recent.map((recent) => recent.itemId)),
    recentStrengths: Float32Array.from(features.recent, (recent) => recent.strength),
    sessionRows: rows(features.session.items),
    basketRows: rows([...features.session.cart, ...features.purchased.slice(-8).reverse()]),
    categories: categoriesOf(features),
    region: features.profile?.region ?? features.region,
    groups: scopeNames.groups(features.profile),
    moments: [scopeNames.daypart(hourInZone(update.eventTimeMs, null)), scopeNames.season(update.eventTimeMs)],
  }
}

/** What the session is about, then the long-term taste, then what was declared. */
function categoriesOf(features: UserFeatures): readonly string[] {
  const names = new Set<string>()
  if (features.session.mainCategory !== null) names.add(features.session.mainCategory)
  for (const { name } of features.categories) names.add(name)
  for (const name of features.profile?.preferredCategories ?? []) names.add(name)
  return [...names]
}

function total(counts: readonly number[]): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
