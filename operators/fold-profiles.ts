import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import { emptyUserState } from '../schemas/user-state.ts'
import { userFamily } from './fold-user-events.ts'
import { userView } from './user-view.ts'

/**
 * Keeps each person's declared profile; a null record erases the person's whole state. A person who has done something, or who chose
 * categories, gets a feature update at once.
 *
 *     source  x----y--|     x = [profile of a]   y = [null for a]
 *     result  ---x----y--|  x = [features of a]  y = []
 *
 * - Order: log order; batches keep theirs.
 * - Bound: holds the people of one batch.
 * - Time: none.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function foldProfiles(): OperatorFunction<Batch<Sourced<UserProfile | null>>, Batch<Keyed<FeatureUpdate>>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    await transaction.load(
      userFamily,
      batch.records.map((record) => record.key),
    )
    const updates = new Map<string, Keyed<FeatureUpdate>>()
    for (const { key, value, loggedMs } of batch.records) {
      if (value === null) {
        transaction.delete(userFamily, key)
        updates.delete(key)
        continue
      }
      const state = transaction.get(userFamily, key) ?? emptyUserState()
      state.profile = value
      transaction.put(userFamily, key, state)
      if (state.lastMs === 0 && value.preferredCategories.length === 0) continue
      const features = userView(key, state)
      updates.set(key, {
        key,
        value: {
          userId: key,
          eventTimeMs: state.lastMs === 0 ? value.updatedMs : state.lastMs,
          loggedMs,
          sourceOffset: -1,
          urgency: 'normal',
          moved: ['profile'],
          features,
        },
      })
    }
    return { ...batch, records: [...updates.values()] }
  })
}
