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
export function scopeOf(all: readonly SourcedSignal[]) {
  const nowMs = Math.max(...all.map((row) => row.timeMs))
  const rows = all.filter((row) => row.kind === signalKinds.scope)
  const hours = hoursOf(rows)
  const spenders = [0, 1, 2, 3].map((step) => {
    const moved = all.filter((row) => row.kind === signalKinds.spend && Number(row.other) === step)
    return Math.max(0, decayedSum(moved, nowMs, 90 * 24 * hourMs))
  })
  const busy = hours.length === 0 ? 1 : hours[mondayHour(nowMs)]!
  const items = [...new Set(rows.map((row) => row.other!))].map((itemId) => {
    const own = rows.filter((row) => row.other === itemId)
    return { itemId, popularity: decayedSum(own, nowMs, 168 * hourMs), trend: trendOf(own, nowMs, busy) }
  })
  const people = new Set(rows.map((row) => row.person)).size
  return { eventTimeMs: nowMs, people, hours, spenders, items: new Map(items.map((item) => [item.itemId, item])) }
}

/** F16.9 of a category: every finished hour one by one, half-life 4 weeks; an hour like the mean one counts for 5. */
function hoursOf(rows: readonly SourcedSignal[]): number[] {
  const first = Math.floor(Math.min(...rows.map((row) => row.timeMs)) / hourMs)
  const running = Math.floor(Math.max(...rows.map((row) => row.timeMs)) / hourMs)
  if (running - first < 168) return []
  const sums = Array.from({ length: 168 }, () => ({ strength: 0, hours: 0 }))
  for (let hour = first; hour < running; hour++) {
    const sum = sums[mondayHour(hour * hourMs)]!
    const worth = 0.5 ** ((running - hour) / 672)
    sum.hours += worth
    for (const { timeMs, weight } of rows) if (Math.floor(timeMs / hourMs) === hour) sum.strength += worth * weight
  }
  const total = (of: 'strength' | 'hours') => sums.reduce((sum, one) => sum + one[of], 0)
  const mean = total('strength') / total('hours')
  return sums.map(({ strength, hours }) => (strength + 5) / (hours * mean + 5))
}

/** Hours since Monday 0:00 UTC. */
function mondayHour(timeMs: number): number {
  const date = new Date(timeMs)
  return ((date.getUTCDay() + 6) % 7) * 24 + date.getUTCHours()
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
function trendOf(rows: readonly { timeMs: number; weight: number }[], nowMs: number, busy = 1): number {
  const expected = (busy * decayedSum(rows, nowMs, 168 * hourMs)) / 168
  return (decayedSum(rows, nowMs, hourMs) - expected) / Math.sqrt(expected + 1)
}

function decayedSum(rows: readonly { timeMs: number; weight: number }[], nowMs: number, halfLifeMs: number): number {
  return rows.reduce((total, row) => total + row.weight * 0.5 ** ((nowMs - row.timeMs) / halfLifeMs), 0)
}
