import { type EventType, eventTypes, type UserEvent } from '../../schemas/user-event.ts'
import type { LoggedEvent } from './shop-events.ts'

const dayMs = 86_400_000
const halfLifeMs = 30 * dayMs
/** Any day: means do not depend on when they are looked at. */
const openDay = 1_700_000_000_000
const strengths: Partial<Record<EventType, number>> = { view: 0.3, click: 0.3, like: 0.6, add_to_cart: 0.6, purchase: 1 }

/** What becomes of a log by the definition of features.md: a slow fold over the whole list, without batches or state. */
export function splitLog(log: readonly LoggedEvent[], latenessMs: number) {
  const good: { event: UserEvent; offset: number }[] = []
  const invalid: number[] = []
  const late: number[] = []
  log.forEach(({ value: event, loggedMs }, offset) => {
    const before = log.slice(0, offset).filter((other) => other.value.timeMs <= other.loggedMs + 300_000)
    const watermarkMs = Math.max(...before.map((other) => other.value.timeMs)) - latenessMs
    const isBad = event.type === 'unknown' || event.rating === 9 || event.timeMs > loggedMs + 300_000
    if (isBad) invalid.push(offset)
    else if (event.timeMs < watermarkMs) late.push(offset)
    else if (!isRepeat(event, good)) good.push({ event, offset })
  })
  return { good, invalid, late }
}

/** Whether the person did something with the same id in the 24 hours before their newest event, or in the hour that these begin in. */
function isRepeat({ userId, eventId }: UserEvent, good: readonly { event: UserEvent }[]): boolean {
  const own = good.filter(({ event }) => event.userId === userId).map(({ event }) => event)
  const newestHour = Math.floor(Math.max(...own.map((event) => event.timeMs)) / 3_600_000)
  return own.some((event) => event.eventId === eventId && Math.floor(event.timeMs / 3_600_000) >= newestHour - 24)
}

/** Features of one person from all their good events. */
export function featuresOf(good: readonly { event: UserEvent; offset: number }[]) {
  const events = good.map(({ event }) => event)
  const lastMs = Math.max(...events.map((event) => event.timeMs))
  const byTime = [...good].sort((a, b) => a.event.timeMs - b.event.timeMs || a.offset - b.offset)
  const forward = events.filter((event, at) => events.slice(0, at).every((other) => other.timeMs <= event.timeMs))
  const newestFirst = [...byTime].reverse()
  const decayed = (event: UserEvent) => strengthOf(event) * 2 ** ((event.timeMs - lastMs) / halfLifeMs)
  const within = (hours: number) => {
    const inside = events.filter((event) => Math.floor(event.timeMs / 3_600_000) > Math.floor(lastMs / 3_600_000) - hours)
    const countOf = (type: EventType) => inside.filter((event) => event.type === type).length
    const bought = inside.filter((event) => event.type === 'purchase')
    return {
      views: countOf('view'),
      clicks: countOf('click'),
      carts: countOf('add_to_cart'),
      purchases: bought.length,
      spend: spendOf(bought),
    }
  }
  const boughtIn = (days: number) =>
    events.filter((event) => event.type === 'purchase' && Math.floor(event.timeMs / dayMs) > Math.floor(lastMs / dayMs) - days)
  const priced = events.filter((event) => event.price !== null && strengthOf(event) > 0)
  const hours = Array.from({ length: 24 }, (_, hour) =>
    sum(
      events.filter((event) => new Date(event.timeMs).getUTCHours() === hour),
      (event) => 2 ** ((event.timeMs - lastMs) / halfLifeMs),
    ),
  )
  const total = sum(hours, (hour) => hour) + 20
  return {
    firstSeenMs: Math.min(...events.map((event) => event.timeMs)),
    lastActiveMs: lastMs,
    recent: distinct(
      newestFirst.filter(({ event }) => event.itemId !== null).map(({ event }) => event),
      (event) => event.itemId!,
    )
      .slice(0, 50)
      .map((event) => ({
        itemId: event.itemId,
        timeMs: event.timeMs,
        type: event.type,
        strength: Math.fround(strengthOf(event)),
      })),
    counts: eventTypes.map((type) => events.filter((event) => event.type === type).length),
    week: within(168),
    day: within(24),
    hour: within(1),
    orders: {
      lastMs: newestFirst.find(({ event }) => event.type === 'purchase')?.event.timeMs ?? null,
      purchases30d: boughtIn(30).length,
      spend30d: spendOf(boughtIn(30)),
      purchases90d: boughtIn(90).length,
      spend90d: spendOf(boughtIn(90)),
      days90d: new Set(boughtIn(90).map((event) => Math.floor(event.timeMs / dayMs))).size,
    },
    searches: newestFirst
      .filter(({ event }) => event.type === 'search' && event.query !== null && wordsOf(event.query).length > 0)
      .slice(0, 5)
      .map(({ event }) => wordsOf(event.query!).map(wordNumber)),
    categories: sharesOf(events, decayed, (event) => event.category),
    brands: sharesOf(events, decayed, (event) => (event.brand === null ? [] : [event.brand])),
    hours: hours.map((hour) => (hour + 20 / 24) / total),
    priceLevel:
      priced.length === 0 ? null : sum(priced, (event) => decayed(event) * Math.log(1 + event.price!)) / sum(priced, decayed),
    purchased: distinct(
      newestFirst.map(({ event }) => event).filter((event) => event.type === 'purchase'),
      (event) => event.itemId!,
    )
      .map((event) => event.itemId)
      .reverse(),
    device: forward.findLast((event) => event.device !== 'unknown')?.device ?? 'unknown',
    region: forward.findLast((event) => event.region !== null)?.region ?? null,
  }
}

/** The running session by its definition: it looks at events as they came. */
export function sessionOf(events: readonly UserEvent[]) {
  let members: UserEvent[] = []
  let sessionId = ''
  for (const event of events) {
    const startMs = members[0]?.timeMs ?? Number.NEGATIVE_INFINITY
    if (event.timeMs < startMs) continue
    const lastMs = Math.max(...members.map((member) => member.timeMs))
    const isOther = event.sessionId !== null && event.sessionId !== sessionId
    if (members.length === 0 || event.timeMs > lastMs + 1_800_000 || isOther) {
      members = []
      sessionId = event.sessionId ?? `${event.userId}@${event.timeMs}`
    }
    members.push(event)
  }
  const touched = members.filter((event) => event.itemId !== null && event.type !== 'dismiss').map((event) => event.itemId!)
  const prices = members.flatMap((event) => (event.price === null ? [] : [event.price]))
  const inCart = members.filter(
    (event, at) =>
      event.type === 'add_to_cart' &&
      !members.some(
        (other, otherAt) =>
          otherAt > at && other.itemId === event.itemId && ['purchase', 'dismiss', 'add_to_cart'].includes(other.type),
      ),
  )
  return {
    sessionId,
    startMs: members[0]!.timeMs,
    lastMs: Math.max(...members.map((member) => member.timeMs)),
    events: members.length,
    items: touched.filter((item, at) => touched.lastIndexOf(item) === at),
    cart: inCart.map((event) => event.itemId),
    searches: members.filter((event) => event.type === 'search').length,
    meanPrice: prices.length === 0 ? null : sum(prices, (price) => price) / prices.length,
  }
}

/** F2.14: the mean length of the sessions that ended, each weighed by its age when the newest event came; null without one. */
export function meanSessionOf(events: readonly UserEvent[]): number | null {
  const sessions = events.map((_event, at) => sessionOf(events.slice(0, at + 1)))
  const ended = sessions.filter(({ sessionId, startMs }, at) => {
    const next = sessions[at + 1]
    return next !== undefined && (next.sessionId !== sessionId || next.startMs !== startMs)
  })
  const worth = ({ lastMs }: { lastMs: number }) => 2 ** ((lastMs - openDay) / halfLifeMs)
  if (ended.length === 0) return null
  return sum(ended, (session) => worth(session) * (session.lastMs - session.startMs)) / 60_000 / sum(ended, worth)
}

/** F1.3. */
export function strengthOf(event: UserEvent): number {
  return event.type === 'rating' ? (event.rating! - 1) / 4 : (strengths[event.type] ?? 0)
}

/** Money of purchases. */
export function spendOf(bought: readonly UserEvent[]): number {
  return sum(bought, (event) => (event.price ?? 0) * (event.quantity ?? 1))
}

function wordsOf(query: string): string[] {
  const words = query.toLowerCase().split(' ')
  return [...new Set(words.filter((word) => word.length > 1))].slice(0, 6)
}

/** The upper 24 bits of FNV-1a over the bytes of a word. */
function wordNumber(word: string): number {
  let hash = 2_166_136_261n
  for (const byte of Buffer.from(word)) hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n
  return Number(hash / 256n)
}

function sharesOf(
  events: readonly UserEvent[],
  weightOf: (event: UserEvent) => number,
  namesOf: (event: UserEvent) => readonly string[],
) {
  const weights: Record<string, number> = {}
  for (const event of events)
    for (const name of namesOf(event)) if (strengthOf(event) > 0) weights[name] = (weights[name] ?? 0) + weightOf(event)
  const total = sum(Object.values(weights), (weight) => weight)
  return Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, weight / total]))
}

function distinct<T>(list: readonly T[], keyOf: (entry: T) => string): T[] {
  return [...new Map([...list].reverse().map((entry) => [keyOf(entry), entry])).values()].sort(
    (a, b) => list.indexOf(a) - list.indexOf(b),
  )
}

function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0)
}
