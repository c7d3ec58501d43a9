import { concatMap, type OperatorFunction } from 'rxjs'
import type { OutcomeFunction } from '../algorithms/combine-outcomes.ts'
import { invariant } from '../core/invariant.ts'
import { movesTime } from '../core/moves-time.ts'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventFault } from '../schemas/event-fault.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import type { Reward } from '../schemas/reward.ts'
import {
  type DueEntry,
  dueKinds,
  type JoinProgress,
  joinProgressSchema,
  type ListState,
  listStateSchema,
} from '../schemas/reward-state.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { decisionFault } from './decision-fault.ts'
import { EventTimers } from './event-timers.ts'
import { rewardOf } from './reward-of.ts'

export const listFamily: StateFamily<ListState> = { name: 'list', codec: listStateSchema }
export const progressFamily: StateFamily<JoinProgress> = { name: 'progress', codec: joinProgressSchema }
const closeKind = dueKinds.indexOf('close')
const sweepKind = dueKinds.indexOf('sweep')
const forgetKind = dueKinds.indexOf('forget')
const outcomeTypes: ReadonlySet<string> = new Set(['view', 'click', 'like', 'add_to_cart', 'purchase', 'dismiss'])

export interface JoinOptions {
  /** How long outcomes of a showing count, ms of event time. */
  readonly waitMs: number
  /** How far records of one input may come out of order, ms of event time. */
  readonly latenessMs: number
  /** How several outcomes of an item become its reward (max). */
  readonly outcome?: OutcomeFunction
  /** What a dismissal counts, −1 to 0 (0). */
  readonly dismissed?: number
}

/** A record of either input: a showing, or something somebody did. */
export type Joinable = Sourced<Decision | UserEvent>

/**
 * Joins each showing with what followed, exactly once: a row leaves when event time has passed the showing's time plus the
 * wait. An outcome belongs to the latest showing of its list at or before it, and to the first slot with its item; several become one
 * by a named function, in order of time. Rows leave in the order (closing time, decision id) and carry a running number. Both inputs are judged
 * late by their own time only, so content, order and number of the rows do not depend on how the inputs interleave or how
 * batches are cut. Only a mark for an idle input can close a showing before all its outcomes were read: those are told as late.
 *
 *     decisions  d-----------|     d shown at 0, wait 60
 *     events     --c------x--|     c: a click at 5; x: anything at 61 (moves time)
 *     result     ---------r--|     r: d with its click
 *
 * - Order: rows by (closing time, decision id); batches keep theirs.
 * - Bound: showings of one wait, remembered for one more.
 * - Time: event time only; a tick fires what is due.
 * - Complete: after the running batch; what still waits stays in the state.
 * - Error: passes on; invalid showings are set aside, late records and outcomes that no row counts go to the late output.
 */
export function joinOutcomes(options: JoinOptions): OperatorFunction<Batch<Joinable>, Batch<Keyed<Reward>>> {
  invariant(options.waitMs > 0, `rewards: waitMs must be above 0, not ${options.waitMs}`)
  invariant(options.latenessMs >= 0, `rewards: latenessMs must not be below 0, but is ${options.latenessMs}`)
  return concatMap(async (batch) => {
    const join = new Join(batch, options)
    await join.load()
    join.add()
    return { ...batch, records: await join.fire() }
  })
}

/** The join of one batch. */
class Join {
  readonly #batch: Batch<Joinable>
  readonly #options: JoinOptions
  readonly #timers: EventTimers
  readonly #decisions: Sourced<Decision>[] = []
  readonly #outcomes: Sourced<UserEvent>[] = []

  constructor(batch: Batch<Joinable>, options: JoinOptions) {
    this.#batch = batch
    this.#options = options
    this.#timers = new EventTimers(batch.transaction)
    this.#sort()
  }

  async load(): Promise<void> {
    const { waitMs } = this.#options
    const keys = new Set<string>()
    const dueTimesMs: number[] = []
    for (const { value } of this.#decisions) {
      keys.add(listKeyOf(value.userId, value.listId))
      dueTimesMs.push(value.timeMs + waitMs, value.timeMs + 2 * waitMs)
    }
    for (const { value } of this.#outcomes) {
      keys.add(listKeyOf(value.userId, value.listId!))
      dueTimesMs.push(value.timeMs + waitMs)
    }
    const { transaction, watermarkMs } = this.#batch
    await Promise.all([
      transaction.load(listFamily, keys),
      transaction.load(progressFamily, ['']),
      this.#timers.load(dueTimesMs, watermarkMs),
    ])
  }

  /** Puts the batch's showings and outcomes into the state and sets their timers; repeats of an id are dropped. */
  add(): void {
    for (const { value } of this.#decisions) this.#addDecision(value)
    for (const { value, offset } of this.#outcomes) this.#addOutcome(value, offset)
  }

  /** Fires what is due and returns the rows that leave. */
  async fire(): Promise<Keyed<Reward>[]> {
    const { transaction } = this.#batch
    const due = this.#timers.takeDue(this.#batch.watermarkMs)
    if (due.length === 0) return []
    await transaction.load(
      listFamily,
      due.map((entry) => entry.listKey),
    )
    const rows: Keyed<Reward>[] = []
    for (const entry of due) {
      const state = this.#stateOf(entry.listKey)
      if (entry.kind === closeKind) rows.push(...this.#close(state, entry))
      else if (entry.kind === sweepKind) this.#sweep(state, entry)
      else this.#forget(state, entry)
      if (state.open.length === 0 && state.closed.length === 0 && state.outcomes.length === 0)
        transaction.delete(listFamily, entry.listKey)
      else transaction.put(listFamily, entry.listKey, state)
    }
    return rows
  }

  /**
   * Parts the records. What is older than its own input's time allows is late; an invalid showing is set aside; an invalid
   * event is passed over, as `user-features` sets it aside. All of them move time, as they do for the task.
   */
  #sort(): void {
    const { transaction, topicWatermarkBeforeMs, records } = this.#batch
    let watermarkMs = topicWatermarkBeforeMs
    for (const record of records) {
      const { value, loggedMs } = record
      const isLate = value.timeMs < watermarkMs
      if (movesTime(value.timeMs, loggedMs)) watermarkMs = Math.max(watermarkMs, value.timeMs - this.#options.latenessMs)
      if ('decisionId' in value) {
        const fault = decisionFault(value, loggedMs)
        if (fault !== null) transaction.deadLetter(record, 'join', 'MILL_RECORD_INVALID', fault)
        else if (isLate) transaction.late(record, 'join', value.timeMs)
        else this.#decisions.push(record as Sourced<Decision>)
      } else if (isOutcome(value) && eventFault(value, loggedMs) === null) {
        if (isLate) transaction.late(record, 'join', value.timeMs)
        else this.#outcomes.push(record as Sourced<UserEvent>)
      }
    }
  }

  #addDecision(decision: Decision): void {
    const { waitMs } = this.#options
    const { decisionId, timeMs } = decision
    const listKey = listKeyOf(decision.userId, decision.listId)
    const state = this.#stateOf(listKey)
    // By event time, not by what is still remembered: how far the other input has come must not decide what is a repeat.
    const repeats = (other: { decisionId: string; timeMs: number }) =>
      other.decisionId === decisionId && timeMs <= other.timeMs + 2 * waitMs
    if (state.open.some(repeats) || state.closed.some(repeats)) return
    insert(state.open, decision, byTime('decisionId'))
    this.#batch.transaction.put(listFamily, listKey, state)
    this.#timers.set({ dueMs: timeMs + waitMs, kind: closeKind, listKey, id: decisionId })
    this.#timers.set({ dueMs: timeMs + 2 * waitMs, kind: forgetKind, listKey, id: decisionId })
  }

  #addOutcome(event: UserEvent, offset: number): void {
    const { waitMs } = this.#options
    const { eventId, timeMs } = event
    const listKey = listKeyOf(event.userId, event.listId!)
    const state = this.#stateOf(listKey)
    if (state.outcomes.some((other) => other.eventId === eventId && timeMs <= other.timeMs + waitMs)) return
    const outcome = { eventId, itemId: event.itemId!, timeMs, strength: this.#strengthOf(event), offset, joined: false }
    insert(state.outcomes, outcome, byTime('eventId'))
    this.#batch.transaction.put(listFamily, listKey, state)
    this.#timers.set({ dueMs: timeMs + waitMs, kind: sweepKind, listKey, id: eventId })
  }

  #strengthOf(event: UserEvent): number {
    return event.type === 'dismiss' ? (this.#options.dismissed ?? 0) : eventStrength(event)
  }

  #close(state: ListState, entry: DueEntry): Keyed<Reward>[] {
    const shownMs = entry.dueMs - this.#options.waitMs
    const decision = state.open.find((open) => open.decisionId === entry.id && open.timeMs === shownMs)
    if (!decision) return []
    const items = new Set(decision.slots.map((slot) => slot.itemId))
    const outcomes = state.outcomes.filter(
      (outcome) =>
        outcome.timeMs <= entry.dueMs && items.has(outcome.itemId) && isSame(showingOf(state, outcome.timeMs), decision),
    )
    for (const outcome of outcomes) outcome.joined = true
    state.open = state.open.filter((open) => open !== decision)
    insert(state.closed, { decisionId: decision.decisionId, timeMs: shownMs }, byTime('decisionId'))
    const { transaction, task } = this.#batch
    const { sequence } = transaction.get(progressFamily, '') ?? { sequence: 0 }
    transaction.put(progressFamily, '', { sequence: sequence + 1 })
    const { outcome: by = 'max' } = this.#options
    const value = rewardOf(decision, outcomes, by, { sourcePartition: task.partition, sequence, closedMs: entry.dueMs })
    return [{ key: decision.policy, value }]
  }

  /** An outcome's own wait is over: if no row counts it, it is told. */
  #sweep(state: ListState, entry: DueEntry): void {
    const { waitMs } = this.#options
    const at = state.outcomes.findIndex((other) => other.eventId === entry.id && other.timeMs + waitMs === entry.dueMs)
    const [outcome] = at < 0 ? [] : state.outcomes.splice(at, 1)
    if (!outcome || outcome.joined) return
    const { joined: _joined, ...value } = outcome
    this.#batch.transaction.late(
      { value, key: entry.listKey, offset: outcome.offset, loggedMs: 0 },
      'join-unmatched',
      outcome.timeMs,
      'user-events',
    )
  }

  #forget(state: ListState, entry: DueEntry): void {
    const shownMs = entry.dueMs - 2 * this.#options.waitMs
    state.closed = state.closed.filter((closed) => closed.decisionId !== entry.id || closed.timeMs !== shownMs)
  }

  #stateOf(listKey: string): ListState {
    return this.#batch.transaction.get(listFamily, listKey) ?? { open: [], closed: [], outcomes: [] }
  }
}

function isOutcome(event: UserEvent): boolean {
  return event.listId !== null && event.itemId !== null && outcomeTypes.has(event.type)
}

function listKeyOf(userId: string, listId: string): string {
  return `${userId}/${listId}`
}

/** What names one showing: a repeat of an id long after is another one. */
interface Showing {
  readonly decisionId: string
  readonly timeMs: number
}

function isSame(a: Showing | undefined, b: Showing): boolean {
  return a?.decisionId === b.decisionId && a.timeMs === b.timeMs
}

/** The latest showing, open or closed, at or before a time; ties go to the larger id. Both lists ascend. */
function showingOf(state: ListState, timeMs: number): Showing | undefined {
  const open = state.open.findLast((showing) => showing.timeMs <= timeMs)
  const closed = state.closed.findLast((showing) => showing.timeMs <= timeMs)
  if (!open || !closed) return open ?? closed
  return byTime('decisionId')(open, closed) > 0 ? open : closed
}

function byTime<K extends 'decisionId' | 'eventId'>(id: K) {
  return (a: { timeMs: number } & Record<K, string>, b: { timeMs: number } & Record<K, string>): number =>
    a.timeMs - b.timeMs || (a[id] < b[id] ? -1 : 1)
}

function insert<T>(list: T[], value: T, compare: (a: T, b: T) => number): void {
  let at = list.length
  while (at > 0 && compare(list[at - 1]!, value) > 0) at--
  list.splice(at, 0, value)
}
