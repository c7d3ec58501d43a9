import { movesTime } from '../core/moves-time.ts'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventFault } from '../schemas/event-fault.ts'
import { type WaitingEvent, type WaitingShowing, type WaitingState, waitingStateSchema } from '../schemas/revenue-state.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import { decisionFault } from './decision-fault.ts'
import type { EventTimers } from './event-timers.ts'

export const waitingFamily: StateFamily<WaitingState> = { name: 'waiting', codec: waitingStateSchema }

/** A record of any input: a showing, something somebody did, a profile, or null: erase the person. */
export type Attributable = Sourced<Decision | UserEvent | UserProfile | null>

/** Kinds of timers of what waits: of equal times a showing comes before an event. */
export const waitingKinds = { showings: 0, events: 1 } as const
/** What one purchase may be worth, in hundredths; beyond it, it counts as one without a price. */
const centsMax = 1e13

/** Letters of a category's name that are kept. */
const categoryLengthMax = 64

/** Where the records of one batch begin to wait until event time has passed them, with a timer each. */
export class WaitingRoom {
  readonly #batch: Batch<Attributable>
  readonly #timers: EventTimers
  readonly #showings: Keyed<WaitingShowing>[] = []
  readonly #events: Keyed<WaitingEvent>[] = []
  /** Who is to be erased. */
  readonly erased: string[] = []

  constructor(batch: Batch<Attributable>, timers: EventTimers, latenessMs: number) {
    this.#batch = batch
    this.#timers = timers
    this.#sort(latenessMs)
  }

  /** Lets the batch's records wait; repeats of what waits already are dropped. */
  async admit(): Promise<void> {
    const { transaction, watermarkMs } = this.#batch
    const added = [...this.#showings, ...this.#events]
    const people = added.map(({ key }) => key)
    const timesMs = added.map(({ value }) => value.timeMs)
    await Promise.all([transaction.load(waitingFamily, people), this.#timers.load(timesMs, watermarkMs)])
    for (const { key, value } of this.#showings) this.#wait(key, 'showings', value)
    for (const { key, value } of this.#events) this.#wait(key, 'events', value)
  }

  /** A person's showing or event whose timer fired; undefined if it was erased meanwhile. */
  take<K extends keyof WaitingState>(userId: string, list: K, id: string, timeMs: number): WaitingState[K][number] | undefined {
    const records: { readonly id: string; readonly timeMs: number }[] = this.of(userId)?.[list] ?? []
    const at = records.findIndex((record) => record.id === id && record.timeMs === timeMs)
    return at < 0 ? undefined : (records.splice(at, 1)[0] as WaitingState[K][number])
  }

  /** What of a loaded person waits. */
  of(userId: string): WaitingState | undefined {
    return this.#batch.transaction.get(waitingFamily, userId)
  }

  /** Puts what of a person still waits. */
  put(userId: string): void {
    const waiting = this.of(userId)
    if (!waiting) return
    if (waiting.showings.length + waiting.events.length > 0) this.#batch.transaction.put(waitingFamily, userId, waiting)
    else this.#batch.transaction.delete(waitingFamily, userId)
  }

  /** Parts the records; all of them move time, as they do for the task. */
  #sort(latenessMs: number): void {
    const { transaction, topicWatermarkBeforeMs, watermarkBeforeMs, records } = this.#batch
    // A mark for an idle input may have settled what is not late by its own input's time.
    let watermarkMs = Math.max(topicWatermarkBeforeMs, watermarkBeforeMs)
    for (const record of records) {
      const { value, loggedMs } = record
      if (value === null) this.erased.push(record.key)
      if (value === null || !('timeMs' in value)) continue
      const isLate = value.timeMs < watermarkMs
      if (movesTime(value.timeMs, loggedMs)) watermarkMs = Math.max(watermarkMs, value.timeMs - latenessMs)
      const fault = 'decisionId' in value ? decisionFault(value, loggedMs) : eventFault(value, loggedMs)
      if (fault !== null) continue
      if (isLate) transaction.late(record, 'attribute', value.timeMs)
      else if ('decisionId' in value) this.#showings.push({ key: value.userId, value: waitingShowing(value) })
      else this.#events.push({ key: value.userId, value: waitingEvent(value) })
    }
  }

  #wait<K extends keyof WaitingState>(userId: string, list: K, record: WaitingState[K][number]): void {
    const waiting = this.of(userId) ?? { showings: [], events: [] }
    const records: { readonly id: string; readonly timeMs: number }[] = waiting[list]
    const { id, timeMs } = record
    if (records.some((other) => other.id === id && other.timeMs === timeMs)) return
    // Sorted, so that the state does not tell in which order they came.
    const at = records.findLastIndex((other) => other.timeMs < timeMs || (other.timeMs === timeMs && other.id < id))
    records.splice(at + 1, 0, record)
    this.#batch.transaction.put(waitingFamily, userId, waiting)
    this.#timers.set({ dueMs: timeMs, kind: waitingKinds[list], listKey: userId, id })
  }
}

function waitingShowing({ decisionId: id, listId, timeMs, surface, policy, slots, assignments }: Decision): WaitingShowing {
  const shown = slots.map(({ itemId, source }) => ({ itemId, source }))
  return { id, listId, timeMs, surface, policy, slots: shown, assignments }
}

function waitingEvent({ eventId: id, timeMs, type, itemId, listId, price, quantity, category: path }: UserEvent): WaitingEvent {
  const cents = price === null ? null : Math.round(100 * price) * (quantity ?? 1)
  // Nothing else is summed up by category, and what waits should be small.
  const category = type === 'purchase' ? (path[0] ?? '').slice(0, categoryLengthMax) : ''
  return { id, timeMs, type, itemId, listId, cents: cents !== null && cents <= centsMax ? cents : null, category }
}
