import { MillraceError } from '../core/errors.ts'
import type { TopicValue } from '../schemas/topics.ts'
import { createOpenLoopStorefront, shownOf } from './open-loop-storefront.ts'
import { Shop, type ShopStep } from './shop.ts'
import type { ShopOptions } from './shop-options.ts'

/** One record of the shop's logs; a null value is a tombstone. */
export type ShopRecord = {
  [N in 'user-events' | 'users' | 'items' | 'decisions']: {
    readonly topic: N
    readonly key: string
    readonly value: TopicValue<N> | null
    /** When it happens or, if late, is sent; ms of simulated time. */
    readonly timeMs: number
  }
}['user-events' | 'users' | 'items' | 'decisions']

/**
 * The complete logs of a shop that runs its own logging policy, in time order: first the catalogue and the profiles, then as it
 * happens exactly `events` user events with the decisions and item changes between them. A pure function of the options: the same
 * options give the same records. Errors: `MILL_CONFIG_INVALID`.
 */
export function* recordShop(
  options: ShopOptions & { readonly events: number; readonly exploreShare?: number },
): Generator<ShopRecord> {
  const { events, exploreShare, ...shopOptions } = options
  if (!Number.isSafeInteger(events) || events < 0)
    throw new MillraceError('MILL_CONFIG_INVALID', `shop option "events" is ${events}; it must be a whole number, 0 or more`)
  const shop = new Shop({ ceilingEvery: 0, ...shopOptions })
  const storefront = createOpenLoopStorefront(shop, {
    seed: options.seed,
    ...(exploreShare === undefined ? {} : { exploreShare }),
  })
  const startMs = shop.options.startMs
  for (const item of shop.catalogue()) yield { topic: 'items', key: item.itemId, value: item, timeMs: startMs }
  for (const profile of shop.profiles()) yield { topic: 'users', key: profile.userId, value: profile, timeMs: startMs }
  let left = events
  while (left > 0) {
    const decisions = shop.beginStep().map((request) => storefront.decide(request))
    const step = shop.endStep(decisions.map(shownOf))
    const records: ShopRecord[] = decisions.map((decision) => ({
      topic: 'decisions',
      key: decision.userId,
      value: decision,
      timeMs: decision.timeMs,
    }))
    records.push(...recordsOf(step))
    records.sort((a, b) => a.timeMs - b.timeMs)
    for (const record of records) {
      if (left === 0) return
      if (record.topic === 'user-events') left--
      yield record
    }
  }
}

/** A step as records in time order; a late event counts from when it is sent. */
function recordsOf(step: ShopStep): ShopRecord[] {
  const records: ShopRecord[] = []
  for (const { itemId, timeMs, value } of step.items) records.push({ topic: 'items', key: itemId, value, timeMs })
  for (const profile of step.profiles)
    records.push({ topic: 'users', key: profile.userId, value: profile, timeMs: profile.updatedMs })
  for (const [index, event] of step.events.entries())
    records.push({ topic: 'user-events', key: event.userId, value: event, timeMs: step.eventTimesMs[index]! })
  return records
}
