import { type Assignment, assignmentsField } from './assignment.ts'
import { type DecisionSlot, decisionSlotSchema } from './decision.ts'
import { type Exploration, explorationField } from './exploration.ts'
import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** What followed of one shown slot, as far as a row knows it. */
export interface SlotOutcome {
  /** Graded reward: the largest outcome (click .3, like or add-to-cart .6, purchase 1), or as `rewards.outcome` says. */
  readonly reward: number
  readonly clicked: boolean
  readonly liked: boolean
  readonly purchased: boolean
  /** Price × quantity of its purchases, in the shop's currency; those without a price count 0. */
  readonly revenue: number
}

/** What became of one shown slot. */
export interface RewardSlot extends SlotOutcome {
  readonly slot: DecisionSlot
  /** What the row before this one said of the slot: a reader of sums takes that back. Null in a decision's first row. */
  readonly before: SlotOutcome | null
}

/** A decision joined with its outcome: also the training row. A correction is a whole row again, with what it replaces. */
export interface Reward {
  /** The decision's id. */
  readonly decisionId: string
  /** 0 in the first row of a decision; each correction has the next. The largest one is what is known. */
  readonly revision: number
  /** The `rewards` task that joined it, and its running number there, with gaps: additive readers skip what is not above. */
  readonly sourcePartition: number
  readonly sequence: number
  readonly listId: string
  readonly userId: string
  readonly timeMs: number
  /** Event time as of which the row speaks: outcomes read up to then are in it. */
  readonly closedMs: number
  readonly surface: string
  readonly policy: string
  readonly policyVersion: string
  readonly experiment: string | null
  readonly variant: string | null
  readonly rung: string
  readonly modelVersion: string
  readonly context: Uint8Array
  readonly exploration: Exploration | null
  readonly slots: readonly RewardSlot[]
  readonly assignments: readonly Assignment[]
}

const outcomeFields = [
  { name: 'reward', type: 'double', doc: 'Graded reward, 0-1 unless rewards.outcome or rewards.dismissed say otherwise.' },
  { name: 'clicked', type: 'boolean', doc: 'A click or stronger.' },
  { name: 'liked', type: 'boolean', doc: 'A like or add-to-cart or stronger.' },
  { name: 'purchased', type: 'boolean', doc: 'A purchase.' },
  { name: 'revenue', type: 'double', doc: 'Price times quantity of its purchases.', default: 0 },
]
const slotOutcomeSchema = recordSchema<SlotOutcome>('SlotOutcome', 'What a row said of a slot.', outcomeFields)

const rewardSlotSchema = recordSchema<RewardSlot>('RewardSlot', 'What became of one shown slot.', [
  { name: 'slot', type: decisionSlotSchema.definition, doc: 'The slot as shown.' },
  ...outcomeFields,
  optional('before', slotOutcomeSchema.definition, 'What the row before this one said; null in the first row.'),
])

export const rewardSchema = recordSchema<Reward>('Reward', 'A decision joined with its outcome.', [
  { name: 'decisionId', type: 'string', doc: 'The decision.' },
  { name: 'revision', type: 'int', doc: '0 in the first row; a correction has the next.', default: 0 },
  { name: 'sourcePartition', type: 'int', doc: 'Task that joined it.' },
  { name: 'sequence', type: 'long', doc: 'Running number in that task, with gaps.' },
  { name: 'listId', type: 'string', doc: 'The list shown.' },
  { name: 'userId', type: 'string', doc: 'The person.' },
  { name: 'timeMs', type: timestampMs, doc: 'When it was shown.' },
  { name: 'closedMs', type: timestampMs, doc: 'As of when the row speaks.' },
  { name: 'surface', type: 'string', doc: 'Where it was shown.' },
  { name: 'policy', type: 'string', doc: 'Policy; also the record key.' },
  { name: 'policyVersion', type: 'string', doc: 'Its version.' },
  optional('experiment', 'string', 'Experiment.'),
  optional('variant', 'string', 'Variant.'),
  { name: 'rung', type: 'string', doc: 'Rung of degradation.' },
  { name: 'modelVersion', type: 'string', doc: 'Version of the ranker.' },
  { name: 'context', type: 'bytes', doc: 'User tower input, float32.', default: '' },
  explorationField,
  { name: 'slots', type: { type: 'array', items: rewardSlotSchema.definition }, doc: 'Shown slots with rewards.' },
  assignmentsField,
])
