import { forgetPeople } from '../operators/forget-people.ts'
import { type JoinOptions, joinOutcomes } from '../operators/join-outcomes.ts'
import { measureExperiments } from '../operators/measure-experiments.ts'
import type { Joinable } from '../operators/take-joinable.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface RewardsPorts {
  readonly rewards: JoinOptions
}

/**
 *  decisions ───┐
 *  user-events ─┴ inputs ─ join ─┬─▶ rewards
 *                                └ measure ─▶ experiment-deltas
 *  users ─ forget ─▶ erasures
 */
export const rewards = defineTopology<RewardsPorts>('rewards', ({ ports, source, merge }) => {
  const { latenessMs } = ports.rewards
  const decisions = source('decisions', { timeOf: (decision) => decision.timeMs, latenessMs })
  const events = source('user-events', { timeOf: (event) => event.timeMs, latenessMs })
  const joined = merge<Joinable>('inputs', decisions, events).step('join', joinOutcomes(ports.rewards))
  joined.sink('rewards')
  joined.step('measure', measureExperiments()).sink('experiment-deltas')
  source('users', { tombstones: true }).step('forget', forgetPeople()).sink('erasures')
})
