import { foldProfiles } from '../operators/fold-profiles.ts'
import { foldUserEvents } from '../operators/fold-user-events.ts'
import { toFeatureUpdates } from '../operators/to-feature-updates.ts'
import { toItemSignals } from '../operators/to-item-signals.ts'
import { toSessionSteps } from '../operators/to-session-steps.ts'
import { validateEvents } from '../operators/validate-events.ts'
import { defineTopology } from '../runtime/define-topology.ts'

export interface UserFeaturesPorts {
  readonly features: { readonly latenessMs: number }
}

/**
 *  user-events ─ validate ─ fold ─┬─ updates ──┬─ moved ─▶ feature-updates
 *                                 │  profiles ─┘ (from users)
 *                                 ├─ signals ───────────▶ item-signals
 *                                 └─ steps ─────────────▶ session-steps
 */
export const userFeatures = defineTopology<UserFeaturesPorts>('user-features', ({ ports, source, merge }) => {
  const folded = source('user-events', { timeOf: (event) => event.timeMs, latenessMs: ports.features.latenessMs })
    .step('validate', validateEvents(ports.features))
    .step('fold', foldUserEvents(ports.features))
  const profiles = source('users', { tombstones: true }).step('profiles', foldProfiles())
  merge('moved', folded.step('updates', toFeatureUpdates()), profiles).sink('feature-updates')
  folded.step('signals', toItemSignals()).sink('item-signals')
  folded.step('steps', toSessionSteps()).sink('session-steps')
})
