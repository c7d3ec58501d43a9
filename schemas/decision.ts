import { type Assignment, assignmentsField } from './assignment.ts'
import { type Exploration, explorationField } from './exploration.ts'
import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** One shown slot with what a later estimate needs. */
export interface DecisionSlot {
  readonly itemId: string
  /** 0-based. */
  readonly position: number
  /** Probability that this policy shows this item in this slot, (0, 1]; in an explored slate given the items above. */
  readonly propensity: number
  /** The candidate source that brought it; where a bandit chose among sources, its arm. */
  readonly source: string
  readonly score: number
  /** True for slots that the bandit filled. */
  readonly explored: boolean
  /** The ranker's input features as little-endian float32; empty when no ranker ran. */
  readonly features: Uint8Array
}

/** What was shown to somebody, by which policy. */
export interface Decision {
  readonly decisionId: string
  readonly listId: string
  readonly userId: string
  readonly timeMs: number
  readonly surface: string
  /** Policy that decided, e.g. `learned` or `trend`; the key of its reward. */
  readonly policy: string
  readonly policyVersion: string
  /** The experiment that decided the policy, and its variant; `assignments` has all. */
  readonly experiment: string | null
  readonly variant: string | null
  /** Seed of every random choice in the list. */
  readonly seed: string
  readonly rung: string
  readonly modelVersion: string
  /** The user tower's input as little-endian float32; empty when no list snapshot exists. */
  readonly context: Uint8Array
  readonly exploration: Exploration | null
  readonly slots: readonly DecisionSlot[]
  readonly assignments: readonly Assignment[]
}

export const decisionSlotSchema = recordSchema<DecisionSlot>('DecisionSlot', 'One shown slot.', [
  { name: 'itemId', type: 'string', doc: 'The item shown.' },
  { name: 'position', type: 'int', doc: '0-based position.' },
  { name: 'propensity', type: 'double', doc: 'Probability that the policy shows this item here, in (0, 1].' },
  { name: 'source', type: 'string', doc: 'Candidate source; where a bandit chose among sources, its arm.' },
  { name: 'score', type: 'float', doc: 'Score that ranked it.' },
  { name: 'explored', type: 'boolean', doc: 'Whether the bandit filled this slot.', default: false },
  { name: 'features', type: 'bytes', doc: 'Ranker input, little-endian float32; empty without a ranker.', default: '' },
])

export const decisionSchema = recordSchema<Decision>('Decision', 'What was shown to somebody, by which policy.', [
  { name: 'decisionId', type: 'string', doc: 'Unique id; a resend counts once.' },
  { name: 'listId', type: 'string', doc: 'The list that was shown; events name it.' },
  { name: 'userId', type: 'string', doc: 'The person; also the record key.' },
  { name: 'timeMs', type: timestampMs, doc: 'When it was shown.' },
  { name: 'surface', type: 'string', doc: 'Where, e.g. home.' },
  { name: 'policy', type: 'string', doc: 'Policy that decided.' },
  { name: 'policyVersion', type: 'string', doc: 'Its version.' },
  optional('experiment', 'string', 'Experiment that decided the policy.'),
  optional('variant', 'string', 'Variant of that experiment.'),
  { name: 'seed', type: 'string', doc: 'Seed of every random choice.' },
  { name: 'rung', type: 'string', doc: 'Which rung of degradation made the list.' },
  { name: 'modelVersion', type: 'string', doc: 'Version of the ranker, or empty.' },
  { name: 'context', type: 'bytes', doc: 'User tower input, little-endian float32; may be empty.', default: '' },
  explorationField,
  { name: 'slots', type: { type: 'array', items: decisionSlotSchema.definition }, doc: 'What was shown, in order.' },
  assignmentsField,
])
