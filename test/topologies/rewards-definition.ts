import type { JoinOptions } from '../../operators/join-outcomes.ts'
import type { Decision } from '../../schemas/decision.ts'
import type { UserEvent } from '../../schemas/user-event.ts'

/** What was shown and done, each in the order in which its input is read. */
export interface ShopLog {
  readonly decisions: readonly Decision[]
  readonly events: readonly UserEvent[]
}

/** What a row says, shortly. */
export interface RowOutline {
  readonly id: string
  readonly timeMs: number
  readonly revision: number
  readonly asOfMs: number
  /** Timers that fire before the one that it leaves by. */
  readonly sequence: number
  /** Reward and revenue of each slot. */
  readonly slots: readonly (readonly [reward: number, revenue: number])[]
}

interface Outcome {
  readonly event: UserEvent
  readonly offset: number
  readonly readMs: number
  readonly waitMs: number
}

const strengths: Readonly<Record<string, number>> = { view: 0.3, click: 0.3, like: 0.6, add_to_cart: 0.6, purchase: 1 }

/**
 * The join by its definition, over whole logs of one partition: quadratic, without timers or state. Rows in the order of their numbers,
 * late records by id. Knows the functions max, sum and earliest.
 */
export function joined(log: ShopLog, options: JoinOptions): { rows: RowOutline[]; late: string[] } {
  const { latenessMs, waitMs, waits = {}, update, outcome = 'max', dismissed = 0, openMax = 1e9 } = options
  const own = (ms: number | undefined) => ms || waitMs
  const waitOf: Readonly<Record<string, number>> = {
    view: own(waits.clickMs),
    click: own(waits.clickMs),
    like: own(waits.likeMs),
    add_to_cart: own(waits.cartMs),
    purchase: own(waits.purchaseMs),
    dismiss: own(waits.dismissMs),
  }
  const longestMs = Math.max(...Object.values(waitOf))
  const firstMs = update === 'provisional' ? 0 : Math.min(...Object.values(waitOf))
  const late: string[] = []

  const shown: Decision[] = []
  const repeats = (record: Decision) => (other: Decision) =>
    other.decisionId === record.decisionId && listOf(other) === listOf(record) && record.timeMs <= other.timeMs + 2 * longestMs
  const partMs = Math.ceil(longestMs / 64)
  for (const { record, offset, ownMs } of read(log.decisions, latenessMs)) {
    if (record.timeMs < ownMs) late.push(`rewards/decisions/0/${offset}/join`)
    else if (!shown.some(repeats(record))) {
      const open = shown.filter(({ timeMs }) => (Math.floor(timeMs / partMs) + 1) * partMs + longestMs > ownMs)
      if (open.length < openMax) shown.push(record)
      else late.push(`rewards/decisions/0/${offset}/join-full`)
    }
  }

  const outcomes: Outcome[] = []
  for (const { record: event, offset, ownMs } of read(log.events, latenessMs)) {
    const wait = waitOf[event.type]
    if (event.listId === null || wait === undefined) continue
    const readMs = Math.max(event.timeMs, ownMs)
    const repeated = ({ event: other }: Outcome) =>
      other.eventId === event.eventId && listOf(other) === listOf(event) && readMs <= other.timeMs + longestMs
    if (event.timeMs + wait < ownMs) late.push(`rewards/user-events/0/${offset}/join`)
    else if (!outcomes.some(repeated)) outcomes.push({ event, offset, readMs, waitMs: wait })
  }

  const newest = (records: readonly { timeMs: number }[]) => Math.max(...records.map((record) => record.timeMs))
  const watermarkMs = Math.min(newest(log.decisions), newest(log.events)) - latenessMs
  const countedBy = (decision: Decision) =>
    outcomes.filter(({ event, readMs, waitMs: wait }) => {
      const [latest] = shown
        .filter((other) => listOf(other) === listOf(event) && other.timeMs <= event.timeMs)
        .sort((a, b) => b.timeMs - a.timeMs || (a.decisionId < b.decisionId ? 1 : -1))
      return (
        latest === decision && readMs <= decision.timeMs + wait && decision.slots.some(({ itemId }) => itemId === event.itemId)
      )
    })

  const fired: (readonly [dueMs: number, kind: number, id: string, list: string])[] = []
  for (const one of shown) {
    const due = [...(firstMs < longestMs ? [[firstMs, 0] as const] : []), [longestMs, 2] as const, [2 * longestMs, 4] as const]
    for (const [afterMs, kind] of due) fired.push([one.timeMs + afterMs, kind, one.decisionId, listOf(one)])
  }
  for (const { event, readMs, waitMs: wait } of outcomes) {
    if (wait > firstMs) fired.push([readMs, 1, event.eventId, listOf(event)])
    fired.push([event.timeMs + longestMs, 3, event.eventId, listOf(event)])
  }
  fired.sort(compare)

  const rows: RowOutline[] = []
  for (const decision of shown) {
    const counted = countedBy(decision)
    const begunMs = decision.timeMs + firstMs
    const moments = [begunMs, ...new Set(counted.map(({ readMs }) => readMs).filter((ms) => ms > begunMs))].sort((a, b) => a - b)
    let said = ''
    let revision = 0
    for (const asOfMs of moments.filter((ms) => ms < watermarkMs)) {
      const slots = slotsOf(
        decision,
        counted.filter(({ readMs }) => readMs <= asOfMs),
        { outcome, dismissed },
      )
      if (JSON.stringify(slots) === said) continue
      said = JSON.stringify(slots)
      const causes = counted.filter(({ readMs }) => readMs === asOfMs).map(({ event }) => event.eventId)
      const id = revision === 0 ? decision.decisionId : causes.sort()[0]!
      const kind = revision === 0 ? (firstMs === longestMs ? 2 : 0) : 1
      const plain = slots.map(({ reward, revenue }) => [reward, revenue] as const)
      const order = [asOfMs, kind, id, listOf(decision)] as const
      const sequence = fired.findIndex((other) => compare(other, order) === 0)
      rows.push({ id: decision.decisionId, timeMs: decision.timeMs, revision: revision++, asOfMs, sequence, slots: plain })
    }
  }
  const taken = new Set(shown.flatMap(countedBy))
  for (const one of outcomes)
    if (!taken.has(one) && one.event.timeMs + longestMs < watermarkMs)
      late.push(`rewards/user-events/0/${one.offset}/join-unmatched`)
  return { rows: rows.sort((a, b) => a.sequence - b.sequence), late: late.sort() }
}

/** Records with how far their input had come before each. */
function read<T extends { readonly timeMs: number }>(records: readonly T[], latenessMs: number) {
  let newestMs = Number.NEGATIVE_INFINITY
  return records.map((record, offset) => {
    const ownMs = newestMs - latenessMs
    newestMs = Math.max(newestMs, record.timeMs)
    return { record, offset, ownMs }
  })
}

/** What followed of each slot, whatever moment it is; an item that stands twice has it in its first slot. */
function slotsOf(decision: Decision, outcomes: readonly Outcome[], by: { readonly outcome: string; readonly dismissed: number }) {
  const inTime = [...outcomes].sort(({ event: a }, { event: b }) => a.timeMs - b.timeMs || (a.eventId < b.eventId ? -1 : 1))
  return decision.slots.map(({ itemId }, at) => {
    const first = decision.slots.findIndex((slot) => slot.itemId === itemId) === at
    const own = first ? inTime.filter(({ event }) => event.itemId === itemId) : []
    const values = own.map(({ event }) => (event.type === 'dismiss' ? by.dismissed : strengths[event.type]!))
    const bought = own.filter(({ event }) => event.type === 'purchase')
    const cents = bought.reduce((sum, { event }) => sum + Math.round(100 * (event.price ?? 0) * (event.quantity ?? 1)), 0)
    // Deeds are told too: what moves them only is a correction.
    const deeds = [0.3, 0.6, 1].map((least) => values.some((value) => value >= least))
    return { reward: rewardBy(by.outcome, values), revenue: cents / 100, deeds }
  })
}

function rewardBy(outcome: string, values: readonly number[]): number {
  if (values.length === 0) return 0
  if (outcome === 'earliest') return values[0]!
  if (outcome === 'sum') return Math.round(1_000 * values.reduce((sum, value) => sum + value, 0)) / 1_000
  return Math.max(...values)
}

function listOf({ userId, listId }: { readonly userId: string; readonly listId: string | null }): string {
  return `${userId}/${listId}`
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1
}
