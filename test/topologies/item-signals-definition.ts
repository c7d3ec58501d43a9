import { signalKinds } from '../../schemas/item-signals.ts'
import { eventTypes, type UserEvent } from '../../schemas/user-event.ts'
import { sessionOf, spendOf, strengthOf } from './user-features-definition.ts'

/** One row: key, other, kind, event time, weight. */
export type SignalRow = readonly [key: string, other: string | null, kind: number, timeMs: number, weight: number]

const dayMs = 86_400_000

/** What a good event says about items and scopes, by its definition: looks at all good events of the person up to it. */
export function signalRowsOf(events: readonly UserEvent[]): SignalRow[] {
  const event = events.at(-1)!
  const { itemId, timeMs } = event
  if (itemId === null) return []
  const strength = strengthOf(event)
  const weight = event.type === 'rating' ? event.rating! : Math.fround(strength)
  const rows: SignalRow[] = [[itemId, null, eventTypes.indexOf(event.type), timeMs, weight]]
  const names = ['all', ...new Set([event.category[0], event.category.at(-1)].map((name) => name && `category:${name}`))]
  if (event.region !== null) names.push(`region:${event.region}`)
  names.push(
    `daypart:${daypartOf(event)}`,
    `season:${['dec-feb', 'mar-may', 'jun-aug', 'sep-nov'][Math.floor((new Date(timeMs).getUTCMonth() + 1) / 3) % 4]}`,
  )
  if (strength > 0)
    for (const name of names)
      if (name !== undefined) rows.push([`scope:${name}`, itemId, signalKinds.scope, timeMs, Math.fround(strength)])
  for (const companion of companionsOf(events, event))
    rows.push([itemId, companion, signalKinds.coVisit, timeMs, 1], [companion, itemId, signalKinds.coVisit, timeMs, 1])
  if (event.type !== 'purchase') return rows
  const [before, after] = [spenderOf(events.slice(0, -1)), spenderOf(events)]
  for (const [spender, by] of [[before, -1] as const, [after, 1] as const])
    if (spender !== null)
      rows.push([
        'scope:all',
        spender.step,
        signalKinds.spend,
        timeMs,
        Math.fround(by * 0.5 ** ((timeMs - spender.boughtMs) / (90 * dayMs))),
      ])
  for (const [bought, boughtMs] of boughtBefore(events, event)) {
    rows.push([bought, itemId, signalKinds.coPurchase, timeMs, 1])
    if (boughtMs >= timeMs - 1_800_000) rows.push([itemId, bought, signalKinds.coPurchase, timeMs, 1])
  }
  return rows
}

/** A buyer by the definition of F16.10: what was spent in the 90 days, whole ones, up to the last purchase, in thirds of doublings. */
function spenderOf(events: readonly UserEvent[]): { step: string; boughtMs: number } | null {
  const bought = events.filter((event) => event.type === 'purchase')
  const boughtMs = Math.max(...bought.map((event) => event.timeMs))
  const spend = spendOf(bought.filter((event) => Math.floor(event.timeMs / dayMs) > Math.floor(boughtMs / dayMs) - 90))
  return spend > 0 ? { step: String(Math.floor(3 * Math.log2(1 + spend))), boughtMs } : null
}

function daypartOf({ timeMs, timeZone }: UserEvent): string {
  const hour = Number(new Date(timeMs).toLocaleTimeString('en-GB', { timeZone: timeZone ?? 'UTC', hour: '2-digit' }).slice(0, 2))
  return hour < 6 ? 'night' : hour < 12 ? 'morning' : hour < 18 ? 'afternoon' : 'evening'
}

/** The four items touched last in the session, if the event touches its item there for the first time. */
function companionsOf(events: readonly UserEvent[], event: UserEvent): string[] {
  if (events.length < 2 || event.type === 'dismiss') return []
  const before = sessionOf(events.slice(0, -1))
  const after = sessionOf(events)
  const isSame = before.sessionId === after.sessionId && before.startMs === after.startMs && after.events > before.events
  return isSame && !before.items.includes(event.itemId!) ? before.items.reverse().slice(0, 4) : []
}

/** The five items bought last, no more than 7 days before, each with its newest purchase. */
function boughtBefore(events: readonly UserEvent[], event: UserEvent): [string, number][] {
  const bought = new Map<string, number>()
  const byTime = events.slice(0, -1).filter((other) => other.type === 'purchase')
  for (const other of byTime.sort((a, b) => a.timeMs - b.timeMs)) {
    bought.delete(other.itemId!)
    bought.set(other.itemId!, other.timeMs)
  }
  return [...bought]
    .reverse()
    .filter(([itemId, boughtMs]) => itemId !== event.itemId && event.timeMs - boughtMs <= 7 * dayMs)
    .slice(0, 5)
}
