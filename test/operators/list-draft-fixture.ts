import { CandidateSet, type CandidateSourceName, candidateSources, sourceCount } from '../../algorithms/candidate-set.ts'
import { Catalogue, type CatalogueRow } from '../../algorithms/catalogue.ts'
import { rankerWidth } from '../../algorithms/ranker-features.ts'
import type { DraftExploration, ListDraft } from '../../operators/list-draft.ts'
import { explorationDefaults } from '../../schemas/exploration.ts'
import { rankerUserOf } from '../algorithms/ranker-user.ts'

const available: CatalogueRow = {
  withdrawn: false,
  stock: -1,
  price: 10,
  margin: 1,
  createdMs: 0,
  popularity: 1,
  trend: 0,
  purchaseRate: 0.1,
  category: [],
  brand: null,
}

/** Items by name, with what is special about each. */
export function catalogueOf(items: Readonly<Record<string, Partial<CatalogueRow>>>): Catalogue {
  const catalogue = new Catalogue(1_000)
  for (const [itemId, fields] of Object.entries(items)) catalogue.set(catalogue.rowOf(itemId), { ...available, ...fields })
  return catalogue
}

/** What a draft is about: source scores by item, in order of place; the rest as the steps before have left it. */
export interface DraftParts {
  readonly candidates: Readonly<Record<string, Partial<Record<CandidateSourceName, number>>>>
  /** By item and source: the item, or the category number, that a score follows from. */
  readonly because?: Readonly<Record<string, Partial<Record<CandidateSourceName, number>>>>
  readonly scores?: readonly number[]
  readonly listId?: string
  readonly purchased?: readonly string[]
  readonly dismissed?: readonly string[]
  readonly cart?: readonly string[]
  readonly session?: readonly string[]
  readonly loggedMs?: number
}

/** A list in the making for one person. */
export function draftOf(catalogue: Catalogue, parts: DraftParts): ListDraft {
  const set = new CandidateSet(100)
  for (const [itemId, scores] of Object.entries(parts.candidates)) {
    const row = catalogue.rowOf(itemId)
    for (const [source, score] of Object.entries(scores)) {
      const because = parts.because?.[itemId]?.[source as CandidateSourceName] ?? -1
      set.add(candidateSources.indexOf(source as CandidateSourceName), row, score, because)
    }
  }
  const rows = (items: readonly string[] = []) => items.map((itemId) => catalogue.rowOf(itemId))
  const { purchased = [], dismissed = [] } = parts
  const update = { userId: 'u', eventTimeMs: 5, loggedMs: parts.loggedMs ?? 7, features: { purchased, dismissed } }
  return {
    update,
    listId: parts.listId ?? 'list',
    user: { sessionRows: Int32Array.from(rows(parts.session)) },
    ranker: rankerUserOf(0, { cart: new Set(rows(parts.cart)) }),
    context: new Float32Array(0),
    set,
    removed: new Map(),
    features: new Float32Array(set.count * rankerWidth),
    scores: Float64Array.from(parts.scores ?? []),
    rung: 'linear',
    modelVersion: '',
    personalShare: 1,
    order: Int32Array.from({ length: set.count }, (_, place) => place),
    exploration: null,
    made: null,
  } as unknown as ListDraft
}

/** Slots that a bandit filled, each with a chance of .4. */
export function exploredAt(...slots: readonly number[]): DraftExploration {
  const drawn = slots.map((slot) => ({ slot, arm: 'popular', propensity: 0.4 }))
  const told = { policy: 'beta-thompson', arms: ['popular'], chances: [1], draws: 0 }
  return { ...explorationDefaults, ...told, over: 'source', slot: slots[0]!, drawn }
}

/** Names of a draft's candidates, in order of place. */
export function candidatesOf(draft: ListDraft, catalogue: Catalogue): string[] {
  return Array.from(draft.set.rows.subarray(0, draft.set.count), (row) => catalogue.items.text(row))
}

/** Names of a draft's list, in order. */
export function orderOf(draft: ListDraft, catalogue: Catalogue): string[] {
  return Array.from(draft.order, (place) => catalogue.items.text(draft.set.rows[place]!))
}

/** The score a source gave to a candidate. */
export function sourceScore(draft: ListDraft, place: number, source: CandidateSourceName): number {
  return draft.set.scores[place * sourceCount + candidateSources.indexOf(source)]!
}
