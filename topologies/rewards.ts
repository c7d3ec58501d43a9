import { type Joinable, type JoinOptions, joinOutcomes } from '../operators/join-outcomes.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface RewardsPorts {
  readonly rewards: JoinOptions
}

/**
 *  decisions ───┐
 *  user-events ─┴ inputs ─ join ─▶ rewards
 */
export const rewards = defineTopology<RewardsPorts>('rewards', ({ ports, source, merge }) => {
  const { latenessMs } = ports.rewards
  const decisions = source('decisions', { timeOf: (decision) => decision.timeMs, latenessMs })
  const events = source('user-events', { timeOf: (event) => event.timeMs, latenessMs })
  merge<Joinable>('inputs', decisions, events).step('join', joinOutcomes(ports.rewards)).sink('rewards')
})
