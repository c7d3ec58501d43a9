import { recordSchema } from './record-schema.ts'

/** Sufficient statistics of one arm of one policy; `{bandit.p}:arm:<policy>/<arm>`. They merge by addition. */
export interface ArmState {
  decisions: number
  /** Rewards in thousandths: whole numbers add up the same in any order. */
  rewardMilli: number
  /** Rewards applied to the policy when the arm last moved. */
  version: number
  eventTimeMs: number
}

/** Rewards applied to a policy; `{bandit.p}:policy:<policy>`. */
export interface PolicyState {
  rewards: number
}

export const armStateSchema = recordSchema<ArmState>('ArmState', 'Sufficient statistics of one arm.', [
  { name: 'decisions', type: 'long', doc: 'Times shown.' },
  { name: 'rewardMilli', type: 'long', doc: 'Sum of rewards in thousandths.' },
  { name: 'version', type: 'long', doc: 'Rewards applied to the policy when it last moved.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest reward.' },
])

export const policyStateSchema = recordSchema<PolicyState>('PolicyState', 'Rewards applied to a policy.', [
  { name: 'rewards', type: 'long', doc: 'Rows applied.' },
])
