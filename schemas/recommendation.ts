import { type Assignment, assignmentSchema } from './assignment.ts'
import { type Exploration, explorationField } from './exploration.ts'
import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** Why an item is on a list; the front end words it. */
export const reasonCodes = [
  'similar_session',
  'seen_together',
  'bought_together',
  'popular_in_category',
  'trending',
  'popular',
  'like_what_you_read',
  'matches_your_taste',
  'exploring',
  'promoted',
  'people_like_you',
  'popular_in_group',
  'imported',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

/** The source that won most points, and what it followed from. */
export interface Reason {
  readonly code: ReasonCode
  /** The item it follows from, if one. */
  readonly itemId: string | null
  /** The category or region it follows from, if one. */
  readonly scope: string | null
}

export interface RecommendedItem {
  readonly itemId: string
  readonly score: number
  /** All sources that brought it, strongest first. */
  readonly sources: readonly string[]
  readonly reason: Reason
  readonly propensity: number
  readonly explored: boolean
}

/** What a rule did to an item of a list. */
export interface RuleEffect {
  /** The rule; `withdrawn` and `stock` where the item went after the list was made. */
  readonly ruleId: string
  /** `excluded`, `boosted`, `buried`, `pinned`, `lifted`, `held-back`; `broken`: the rule could not be kept. */
  readonly kind: string
  /** The item it moved; null where a rule was broken by the list as a whole. */
  readonly itemId: string | null
}

/** The rungs of degradation, best first (architecture.md section 3). */
export const rungs = ['ranker', 'linear', 'session', 'trend'] as const
export type Rung = (typeof rungs)[number]

/** One person's list as written to the cache: newest wins. */
export interface Recommendation {
  readonly listId: string
  readonly userId: string
  readonly surface: string
  readonly generatedMs: number
  /** Event time of the newest event whose effect it contains. */
  readonly watermarkMs: number
  /** When the log took that event. */
  readonly loggedMs: number
  readonly policy: string
  readonly policyVersion: string
  readonly seed: string
  readonly rung: Rung
  readonly modelVersion: string
  /** What the person's own events say in the order, 0–1; the rest follows their choices, their group and the trend (F6.6). */
  readonly personalShare: number
  readonly exploration: Exploration | null
  /** The variant whose settings it was made with; null where no experiment has a say in lists. */
  readonly made: Assignment | null
  /** What rules did to it, at most 100 effects. */
  readonly rules: readonly RuleEffect[]
  readonly items: readonly RecommendedItem[]
}

const reasonSchema = recordSchema<Reason>('Reason', 'Why an item is on a list.', [
  { name: 'code', type: { type: 'enum', name: 'ReasonCode', symbols: reasonCodes, default: 'popular' }, doc: 'Kind of reason.' },
  optional('itemId', 'string', 'Item it follows from.'),
  optional('scope', 'string', 'Category or region it follows from.'),
])

const recommendedItemSchema = recordSchema<RecommendedItem>('RecommendedItem', 'One item of a list.', [
  { name: 'itemId', type: 'string', doc: 'The item.' },
  { name: 'score', type: 'float', doc: 'Score after ranking.' },
  { name: 'sources', type: { type: 'array', items: 'string' }, doc: 'Sources that brought it, strongest first.' },
  { name: 'reason', type: reasonSchema.definition, doc: 'Why it is here.' },
  { name: 'propensity', type: 'double', doc: 'Probability of being in this slot.' },
  { name: 'explored', type: 'boolean', doc: 'Filled by the bandit.' },
])

const ruleEffectSchema = recordSchema<RuleEffect>('RuleEffect', 'What a rule did to an item of a list.', [
  { name: 'ruleId', type: 'string', doc: 'The rule.' },
  { name: 'kind', type: 'string', doc: 'What it did; broken: it could not be kept.' },
  optional('itemId', 'string', 'The item it moved.'),
])

export const recommendationSchema = recordSchema<Recommendation>('Recommendation', 'One list as written to the cache.', [
  { name: 'listId', type: 'string', doc: 'Unique id of the list.' },
  { name: 'userId', type: 'string', doc: 'The person; also the record key.' },
  { name: 'surface', type: 'string', doc: 'Where it is shown.' },
  { name: 'generatedMs', type: timestampMs, doc: 'When it was made.' },
  { name: 'watermarkMs', type: timestampMs, doc: 'Newest event whose effect it contains.' },
  { name: 'loggedMs', type: timestampMs, doc: 'When the log took that event.' },
  { name: 'policy', type: 'string', doc: 'Policy that made it.' },
  { name: 'policyVersion', type: 'string', doc: 'Its version.' },
  { name: 'seed', type: 'string', doc: 'Seed of every random choice.' },
  { name: 'rung', type: { type: 'enum', name: 'Rung', symbols: rungs, default: 'trend' }, doc: 'Rung of degradation.' },
  { name: 'modelVersion', type: 'string', doc: 'Version of the ranker, or empty.' },
  explorationField,
  optional('made', assignmentSchema.definition, 'Variant whose settings made it.'),
  { name: 'rules', type: { type: 'array', items: ruleEffectSchema.definition }, doc: 'What rules did to it.', default: [] },
  { name: 'items', type: { type: 'array', items: recommendedItemSchema.definition }, doc: 'Best first.' },
  { name: 'personalShare', type: 'float', doc: 'Say of own events in the order, 0-1.', default: 1 },
])
