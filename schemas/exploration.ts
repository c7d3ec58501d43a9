import { optional, recordSchema } from './record-schema.ts'

/** How the slot that a policy fills was chosen: what an estimate of another policy needs beside the outcome. */
export interface Exploration {
  /** 0-based place of the slot. */
  readonly slot: number
  /** The bandit policy that drew. */
  readonly policy: string
  /** Arms it drew from, and the chance of each, the floor included; they sum to 1. */
  readonly arms: readonly string[]
  readonly chances: readonly number[]
  /** Draws the chances were counted from; 0 = exact. */
  readonly draws: number
}

const explorationSchema = recordSchema<Exploration>('Exploration', 'How the slot that a policy fills was chosen.', [
  { name: 'slot', type: 'int', doc: '0-based place of the slot.' },
  { name: 'policy', type: 'string', doc: 'The bandit policy that drew.' },
  { name: 'arms', type: { type: 'array', items: 'string' }, doc: 'Arms it drew from.' },
  { name: 'chances', type: { type: 'array', items: 'double' }, doc: 'Chance of each arm, the floor included.' },
  { name: 'draws', type: 'int', doc: 'Draws the chances were counted from; 0 = exact.' },
])

/** The field as records carry it. */
export const explorationField = optional(
  'exploration',
  explorationSchema.definition,
  'How the explored slot was chosen; null without one.',
)
