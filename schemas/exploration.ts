import { optional, recordSchema } from './record-schema.ts'

/** How the slot that a policy fills was chosen: what an estimate of another policy, and a replay of this one, need beside the outcome. */
export interface Exploration {
  /** 0-based place of the slot. */
  readonly slot: number
  /** The bandit policy that drew, and its settings as text (algorithms/bandits/policy-version.ts); '' in old records. */
  readonly policy: string
  readonly version: string
  /** Whose sums it drew with: '' = everybody's, else a region, a device, a category or a model version. */
  readonly segment: string
  /** Arms it drew from, and the chance of each, the floor included; they sum to 1. */
  readonly arms: readonly string[]
  readonly chances: readonly number[]
  /** Draws the chances were counted from; 0 = exact. */
  readonly draws: number
  /** Share spread evenly over the arms. */
  readonly epsilon: number
  /** Rows of rewards it had learned from then, corrections too: with them its sums are known again (`BanditUpdate.version`). */
  readonly learned: number
  /** Time its sums had faded to; 0 where they do not fade. */
  readonly fadedToMs: number
  /** What it saw of the person and the moment (operators/exploration-context.ts); empty where it does not look. */
  readonly context: readonly number[]
}

/** What records from before a field was told say of it. */
export const explorationDefaults = { version: '', segment: '', epsilon: 0, learned: 0, fadedToMs: 0, context: [] as number[] }

const explorationSchema = recordSchema<Exploration>('Exploration', 'How the slot that a policy fills was chosen.', [
  { name: 'slot', type: 'int', doc: '0-based place of the slot.' },
  { name: 'policy', type: 'string', doc: 'The bandit policy that drew.' },
  { name: 'arms', type: { type: 'array', items: 'string' }, doc: 'Arms it drew from.' },
  { name: 'chances', type: { type: 'array', items: 'double' }, doc: 'Chance of each arm, the floor included.' },
  { name: 'draws', type: 'int', doc: 'Draws the chances were counted from; 0 = exact.' },
  { name: 'version', type: 'string', doc: 'Settings of the policy as text.', default: '' },
  { name: 'segment', type: 'string', doc: 'Whose sums it drew with; empty = those of everybody.', default: '' },
  { name: 'epsilon', type: 'double', doc: 'Share spread evenly over the arms.', default: 0 },
  { name: 'learned', type: 'long', doc: 'Rows of rewards it had learned from then.', default: 0 },
  { name: 'fadedToMs', type: 'long', doc: 'Time its sums had faded to; 0 = they do not fade.', default: 0 },
  { name: 'context', type: { type: 'array', items: 'double' }, doc: 'What it saw of the person and the moment.', default: [] },
])

/** The field as records carry it. */
export const explorationField = optional(
  'exploration',
  explorationSchema.definition,
  'How the explored slot was chosen; null without one.',
)
