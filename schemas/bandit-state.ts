import { type LearnedArm, learnedArmSchema } from './learned-arm.ts'
import { recordSchema } from './record-schema.ts'

/** Sufficient statistics of one arm of one policy; `{bandit.p}:arm:<policy>/<arm>`. They merge by addition. */
export interface ArmState {
  decisions: number
  /** Rewards in thousandths: whole numbers add up the same in any order. */
  rewardMilli: number
  /** Rows applied to the policy when the arm last moved. */
  version: number
  eventTimeMs: number
}

/** What one bandit policy, with its settings, has learned in one segment; `{bandit.p}:learned:<learnedName>`. Merges by addition. */
export interface LearnedState {
  /** Rewards in it. */
  rewards: number
  /** Rows that moved it, corrections too: names a moment of it. */
  rows: number
  eventTimeMs: number
  /** Time as of which all sums are kept; they fade from there. */
  referenceMs: number
  /** Time of the newest decision of an arm that was forgotten; 0 = none was. */
  forgottenMs: number
  /** In order of name. */
  arms: LearnedArm[]
}

/** Sums over the showings of a policy; `{bandit.p}:policy:<policy>`. They merge by addition. */
export interface PolicyState {
  /** Showings applied. */
  rewards: number
  /** Rows applied, corrections too. */
  rows: number
  /** Slots shown, slots clicked, and per showing: the squares of both and their product. */
  slots: number
  clicks: number
  slotsSquared: number
  clicksSquared: number
  product: number
  eventTimeMs: number
}

export const armStateSchema = recordSchema<ArmState>('ArmState', 'Sufficient statistics of one arm.', [
  { name: 'decisions', type: 'long', doc: 'Times shown.' },
  { name: 'rewardMilli', type: 'long', doc: 'Sum of rewards in thousandths.' },
  { name: 'version', type: 'long', doc: 'Rows applied to the policy when it last moved.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest reward.' },
])

export const learnedStateSchema = recordSchema<LearnedState>('LearnedState', 'What a bandit policy has learned in a segment.', [
  { name: 'rewards', type: 'long', doc: 'Rewards in it.' },
  { name: 'rows', type: 'long', doc: 'Rows that moved it, corrections too.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest reward.' },
  { name: 'referenceMs', type: 'long', doc: 'Time as of which the sums are kept.' },
  { name: 'forgottenMs', type: 'long', doc: 'Newest decision of an arm that was forgotten; 0 = none.' },
  { name: 'arms', type: { type: 'array', items: learnedArmSchema.definition }, doc: 'In order of name.' },
])

export const policyStateSchema = recordSchema<PolicyState>('PolicyState', 'Sums over the showings of a policy.', [
  { name: 'rewards', type: 'long', doc: 'Showings applied.' },
  { name: 'rows', type: 'long', doc: 'Rows applied, corrections too.' },
  { name: 'slots', type: 'long', doc: 'Slots shown.' },
  { name: 'clicks', type: 'long', doc: 'Slots clicked.' },
  { name: 'slotsSquared', type: 'long', doc: 'Sum of squares of slots per showing.' },
  { name: 'clicksSquared', type: 'long', doc: 'Sum of squares of clicks per showing.' },
  { name: 'product', type: 'long', doc: 'Sum of slots times clicks per showing.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest reward.' },
])
