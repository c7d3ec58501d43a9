import { signalKinds } from '../../schemas/item-signals.ts'
import { eventTypes } from '../../schemas/user-event.ts'

/** One row of `item-signals` with where its event lay. */
export interface SourcedSignal {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly other: string | null
  readonly kind: number
  readonly timeMs: number
  readonly weight: number
  readonly person: number
}

const hourMs = 3_600_000
const rating = eventTypes.indexOf('rating')

/** What an item's update must say after all `rows` of it: sums over the whole list, each row counted once. */
export function itemOf(rows: readonly SourcedSignal[]) {
  const nowMs = Math.max(...rows.map((row) => row.timeMs))
  const events = rows.filter((row) => row.kind < eventTypes.length)
  const strong = events.map((row) => ({ ...row, weight: row.kind === rating ? (row.weight - 1) / 4 : row.weight }))
  const counts = eventTypes.map((_, type) => events.filter((row) => row.kind === type).length)
  const countOf = (type: (typeof eventTypes)[number]) => counts[eventTypes.indexOf(type)]!
  return {
    counts,
    eventTimeMs: nowMs,
    popularity: decayedSum(strong, nowMs, 168 * hourMs),
    trend: new Set(events.map((row) => row.person)).size >= 5 ? trendOf(strong, nowMs) : 0,
    // 0.4 pseudo-purchases in 20 pseudo-views.
    purchaseRate: (countOf('purchase') + 0.4) / (countOf('view') + countOf('click') + 20),
    similar: neighboursOf(rows, signalKinds.coVisit, nowMs),
    together: neighboursOf(rows, signalKinds.coPurchase, nowMs),
    bought: decayedSum(ones(rows, eventTypes.indexOf('purchase')), nowMs, 720 * hourMs),
    followed: decayedSum(ones(rows, signalKinds.coPurchase), nowMs, 720 * hourMs),
  }
}

/** What a scope's update must say after all `rows` of it. */
export function scopeOf(rows: readonly SourcedSignal[]) {
  const nowMs = Math.max(...rows.map((row) => row.timeMs))
  const items = [...new Set(rows.map((row) => row.other!))].map((itemId) => {
    const own = rows.filter((row) => row.other === itemId)
    return { itemId, popularity: decayedSum(own, nowMs, 168 * hourMs), trend: trendOf(own, nowMs) }
  })
  const people = new Set(rows.map((row) => row.person)).size
  return { eventTimeMs: nowMs, people, items: new Map(items.map((item) => [item.itemId, item])) }
}

function neighboursOf(rows: readonly SourcedSignal[], kind: number, nowMs: number): Map<string, number> {
  const own = rows.filter((row) => row.kind === kind)
  const weights = [...new Set(own.map((row) => row.other!))].map((other) => {
    const met = own.filter((row) => row.other === other)
    return [other, decayedSum(met, nowMs, 720 * hourMs)] as const
  })
  return new Map(weights.filter(([, weight]) => weight >= 1.2))
}

function ones(rows: readonly SourcedSignal[], kind: number) {
  return rows.filter((row) => row.kind === kind).map((row) => ({ ...row, weight: 1 }))
}

/** F2.10: z = (s − e) / √(e + 1). */
function trendOf(rows: readonly { timeMs: number; weight: number }[], nowMs: number): number {
  const expected = decayedSum(rows, nowMs, 168 * hourMs) / 168
  return (decayedSum(rows, nowMs, hourMs) - expected) / Math.sqrt(expected + 1)
}

function decayedSum(rows: readonly { timeMs: number; weight: number }[], nowMs: number, halfLifeMs: number): number {
  return rows.reduce((total, row) => total + row.weight * 0.5 ** ((nowMs - row.timeMs) / halfLifeMs), 0)
}
