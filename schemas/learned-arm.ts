import { recordSchema } from './record-schema.ts'

/** What a bandit policy has learned of one arm: a value of its state, and of what it tells. */
export interface LearnedArm {
  readonly arm: string
  /** Times shown; under an arm that all share, those of all. */
  decisions: number
  /** Rewards in thousandths, clipped to 0–1. */
  rewardMilli: number
  /** Time of the newest decision that told of it, ms: of too many arms those go that were heard of longest ago. */
  lastMs: number
  /** The policy's sums (algorithms/bandits/policy.ts); empty where they are kept under an arm that all share. */
  readonly sums: number[]
  /** Outcomes weighted by w = 1 / propensity: Σw, Σwr, Σw², Σw²r, Σw²r²; empty under an arm that all share. */
  readonly weighted: number[]
}

export const learnedArmSchema = recordSchema<LearnedArm>('LearnedArm', 'What a bandit policy has learned of one arm.', [
  { name: 'arm', type: 'string', doc: 'The arm.' },
  { name: 'decisions', type: 'long', doc: 'Times shown.' },
  { name: 'rewardMilli', type: 'long', doc: 'Sum of rewards in thousandths.' },
  { name: 'lastMs', type: 'long', doc: 'Time of its newest decision.', default: 0 },
  { name: 'sums', type: { type: 'array', items: 'double' }, doc: 'Sums that the policy draws with.' },
  { name: 'weighted', type: { type: 'array', items: 'double' }, doc: 'Sums of w, wr, w², w²r, w²r² with w = 1 / propensity.' },
])
