import { foldRewards } from '../operators/fold-rewards.ts'
import { defineTopology } from '../runtime/define-topology.ts'

/**
 *  rewards ─ fold ─▶ bandit-updates
 */
export const bandit = defineTopology<object>('bandit', ({ source }) => {
  source('rewards').step('fold', foldRewards()).sink('bandit-updates')
})
