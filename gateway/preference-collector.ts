import { partitionFor } from '../core/partition-for.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import type { WireFormat } from '../schemas/wire-format.ts'
import { LogBuffer } from './log-buffer.ts'

export interface PreferenceCollectorOptions {
  readonly log: Pick<EventLog, 'send'>
  readonly wire: WireFormat
  /** Partition count of a topic. */
  readonly partitions: (topic: 'users') => number
  /** What is known of a person in real time; null = nobody of that id was seen. */
  readonly features: (userId: string) => Promise<UserFeatures | null>
  readonly clock: Clock
  /** Most profiles held while the log is slow; 10,000 by default. */
  readonly profilesMax?: number
  /** How long a request waits for the log, ms; 10,000 by default. */
  readonly waitMsMax?: number
}

/** What a person chose; what is left out stays as it was. */
export type Preferences = Partial<Pick<UserProfile, 'preferredCategories' | 'ageGroup' | 'gender' | 'region' | 'consent'>>

/**
 * Takes onboarding choices into the topic `users` (features.md F6.1): the profile as `user-features` knows it, with the choice in its
 * place. Of two choices sent at the same moment the later one may not know of the earlier, and wins whole.
 */
export class PreferenceCollector {
  readonly #options: PreferenceCollectorOptions
  readonly #buffer: LogBuffer

  constructor(options: PreferenceCollectorOptions) {
    this.#options = options
    this.#buffer = new LogBuffer({
      log: options.log,
      clock: options.clock,
      name: 'preferences',
      recordsMax: options.profilesMax ?? 10_000,
    })
  }

  /** Resolves with the whole profile once the log holds it. Errors: `MILL_BUFFER_FULL`, `MILL_LOG_UNAVAILABLE`, `MILL_STORE_UNAVAILABLE`. */
  async collect(userId: string, preferences: Preferences): Promise<UserProfile> {
    const { wire, clock, features, partitions, waitMsMax = 10_000 } = this.#options
    const known = (await features(userId))?.profile ?? null
    const profile: UserProfile = {
      ageGroup: 'unknown',
      gender: null,
      region: null,
      preferredCategories: [],
      consent: true,
      ...known,
      ...preferences,
      userId,
      updatedMs: clock.nowMs(),
    }
    const partition = partitionFor(userId, partitions('users'))
    await this.#buffer.appendWithin(waitMsMax, [{ topic: 'users', partition, key: userId, value: wire.encode('users', profile) }])
    return profile
  }

  /** Sends the rest. */
  async close(): Promise<void> {
    await this.#buffer.close()
  }
}
