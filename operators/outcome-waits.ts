import { invariant } from '../core/invariant.ts'
import type { EventType } from '../schemas/user-event.ts'

/** When a showing's first row leaves: once the shortest wait is over, or as soon as event time has passed the showing. */
export const rewardUpdates = ['hold', 'provisional'] as const
export type RewardUpdate = (typeof rewardUpdates)[number]

/** How long outcomes count, ms of event time after the showing. */
export interface WaitOptions {
  /** Those without a wait of their own. */
  readonly waitMs: number
  /** By type; 0 or absent = `waitMs`. A view from a list is a click. */
  readonly waits?: {
    readonly clickMs?: number
    readonly likeMs?: number
    readonly cartMs?: number
    readonly purchaseMs?: number
    readonly dismissMs?: number
  }
  /** `hold` if absent. */
  readonly update?: RewardUpdate
}

/** The waits of a join. */
export interface OutcomeWaits {
  /** Of each type that is an outcome. */
  readonly of: ReadonlyMap<EventType, number>
  /** From the showing to its first row. */
  readonly firstMs: number
  /** From the showing until nothing can change its rows any more. */
  readonly longestMs: number
}

/** Fills in what the options leave out. Errors: `MILL_INVARIANT` for a wait that is none. */
export function outcomeWaits({ waitMs, waits = {}, update = 'hold' }: WaitOptions): OutcomeWaits {
  invariant(waitMs > 0, `rewards: waitMs must be above 0, not ${waitMs}`)
  for (const [name, ms] of Object.entries(waits)) invariant(ms >= 0, `rewards: waits.${name} must not be below 0, but is ${ms}`)
  const own = (ms = 0) => (ms === 0 ? waitMs : ms)
  const of = new Map<EventType, number>([
    ['view', own(waits.clickMs)],
    ['click', own(waits.clickMs)],
    ['like', own(waits.likeMs)],
    ['add_to_cart', own(waits.cartMs)],
    ['purchase', own(waits.purchaseMs)],
    ['dismiss', own(waits.dismissMs)],
  ])
  return {
    of,
    firstMs: update === 'provisional' ? 0 : Math.min(...of.values()),
    longestMs: Math.max(...of.values()),
  }
}
