import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import type { Reward, RewardSlot } from '../schemas/reward.ts'
import { type DueEntry, dueKinds, type ListState, listStateSchema, type OutcomeState } from '../schemas/reward-state.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { EventTimers } from './event-timers.ts'

const listFamily: StateFamily<ListState> = { name: 'list', codec: listStateSchema }
const closeKind = dueKinds.indexOf('close')
const sweepKind = dueKinds.indexOf('sweep')
const forgetKind = dueKinds.indexOf('forget')
const outcomeTypes: ReadonlySet<string> = new Set(['view', 'click', 'like', 'add_to_cart', 'purchase', 'dismiss'])

export interface JoinOptions {
  /** How long outcomes of a showing count, ms of event time. */
  readonly waitMs: number
  /** How far records of one input may come out of order, ms of event time. */
  readonly latenessMs: number
}

/** A record of either input: a showing, or something somebody did. */
export type Joinable = Sourced<Decision | UserEvent>

/**
 * Joins each showing with what followed, exactly once: a row leaves when event time has passed the showing's time plus the
 * wait. An outcome belongs to the latest showing of its list at or before it. Rows leave in the order (closing time, decision
 * id) and carry a running number. Both inputs are judged late by their own time only, so content, order and number of the rows
 * do not depend on how the inputs interleave or how batches are cut.
 *
 *     decisions  d-----------|     d shown at 0, wait 60
 *     events     --c------x--|     c: a click at 5; x: anything at 61 (moves time)
 *     result     ---------r--|     r: d with its click
 *
 * - Order: rows by (closing time, decision id); batches keep theirs.
 * - Bound: showings of one wait, remembered for one more.
 * - Time: event time only; a tick fires what is due.
 * - Complete: after the running batch; what still waits stays in the state.
 * - Error: passes on; late and unmatched outcomes go to the late output.
 */
export function joinOutcomes(options: JoinOptions): OperatorFunction<Batch<Joinable>, Batch<Keyed<Reward>>> {
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
    await Promise.all([this.#batch.transaction.load(listFamily, keys), this.#timers.load(dueTimesMs, this.#batch.watermarkMs)])
  }

  /** Puts the batch's showings and outcomes into the state and sets their timers; repeats of an id are dropped. */
  add(): void {
    const { waitMs } = this.#options
    for (const { value } of this.#decisions) {
      const listKey = listKeyOf(value.userId, value.listId)
      const state = this.#stateOf(listKey)
      const { decisionId, timeMs } = value
      if (
        state.open.some((other) => other.decisionId === decisionId) ||
        state.closed.some((other) => other.decisionId === decisionId)
      )
        continue
      insert(state.open, value, byTime('decisionId'))
      this.#batch.transaction.put(listFamily, listKey, state)
      this.#timers.set({ dueMs: timeMs + waitMs, kind: closeKind, listKey, id: decisionId })
      this.#timers.set({ dueMs: timeMs + 2 * waitMs, kind: forgetKind, listKey, id: decisionId })
    }
    for (const { value, offset } of this.#outcomes) {
      const listKey = listKeyOf(value.userId, value.listId!)
      const state = this.#stateOf(listKey)
      const { eventId, timeMs } = value
      if (state.outcomes.some((other) => other.eventId === eventId)) continue
      insert(
        state.outcomes,
        { eventId, itemId: value.itemId!, timeMs, strength: eventStrength(value), offset },
        byTime('eventId'),
      )
      this.#batch.transaction.put(listFamily, listKey, state)
      this.#timers.set({ dueMs: timeMs + waitMs, kind: sweepKind, listKey, id: eventId })
    }
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
      else state.closed = state.closed.filter((closed) => closed.decisionId !== entry.id)
      if (state.open.length === 0 && state.closed.length === 0 && state.outcomes.length === 0)
        transaction.delete(listFamily, entry.listKey)
      else transaction.put(listFamily, entry.listKey, state)
    }
    return rows
  }

  /** Parts the records; what is older than its own input's time allows is late. */
  #sort(): void {
    const { transaction, topicWatermarkBeforeMs, records } = this.#batch
    let watermarkMs = topicWatermarkBeforeMs
    for (const record of records) {
      const { value } = record
      if (value.timeMs < watermarkMs) {
        if ('decisionId' in value || isOutcome(value)) transaction.late(record, 'join', value.timeMs)
        continue
      }
      if ('decisionId' in value) this.#decisions.push(record as Sourced<Decision>)
      else if (isOutcome(value)) this.#outcomes.push(record as Sourced<UserEvent>)
      // As the runtime does it: a clock far ahead of the log does not move time.
      if (value.timeMs <= record.loggedMs + skewMsMax)
        watermarkMs = Math.max(watermarkMs, value.timeMs - this.#options.latenessMs)
    }
  }

  #close(state: ListState, entry: DueEntry): Keyed<Reward>[] {
    const decision = state.open.find((open) => open.decisionId === entry.id)
    if (!decision) return []
    const outcomes = state.outcomes.filter(
      (outcome) => showingOf(state, outcome.timeMs) === decision.decisionId && outcome.timeMs <= entry.dueMs,
    )
    state.open = state.open.filter((open) => open !== decision)
    insert(state.closed, { decisionId: decision.decisionId, timeMs: decision.timeMs }, byTime('decisionId'))
    const progress = this.#timers.progress()
    const { partition } = this.#batch.task
    const value = rewardOf(decision, outcomes, { sourcePartition: partition, sequence: progress.sequence, closedMs: entry.dueMs })
    this.#timers.keepProgress({ ...progress, sequence: progress.sequence + 1 })
    return [{ key: decision.policy, value }]
  }

  /** An outcome's own wait is over: if no showing took it, it is told as unmatched. */
  #sweep(state: ListState, entry: DueEntry): void {
    const outcome = state.outcomes.find((other) => other.eventId === entry.id)
    if (!outcome) return
    state.outcomes = state.outcomes.filter((other) => other !== outcome)
    const shown = showingOf(state, outcome.timeMs)
    const showing = [...state.open, ...state.closed].find((other) => other.decisionId === shown)
    if (showing && outcome.timeMs <= showing.timeMs + this.#options.waitMs) return
    this.#batch.transaction.late(
      { value: outcome, key: entry.listKey, offset: outcome.offset, loggedMs: 0 },
      'unmatched',
      outcome.timeMs,
    )
  }

  #stateOf(listKey: string): ListState {
    return this.#batch.transaction.get(listFamily, listKey) ?? { open: [], closed: [], outcomes: [] }
  }
}

const skewMsMax = 5 * 60_000

function isOutcome(event: UserEvent): boolean {
  return event.listId !== null && event.itemId !== null && outcomeTypes.has(event.type)
}

function listKeyOf(userId: string, listId: string): string {
  return `${userId}/${listId}`
}

/** The latest showing, open or closed, at or before a time; ties go to the larger id. */
function showingOf(state: ListState, timeMs: number): string | null {
  let best: { decisionId: string; timeMs: number } | null = null
  for (const showings of [state.open, state.closed]) {
    for (const showing of showings) {
      if (showing.timeMs > timeMs) continue
      if (!best || showing.timeMs > best.timeMs || (showing.timeMs === best.timeMs && showing.decisionId > best.decisionId))
        best = showing
    }
  }
  return best?.decisionId ?? null
}

function rewardOf(
  decision: Decision,
  outcomes: readonly OutcomeState[],
  join: { sourcePartition: number; sequence: number; closedMs: number },
): Reward {
  const taken = new Set<string>()
  const slots = decision.slots.map((slot): RewardSlot => {
    // An item shown twice in one list is rewarded in its first slot.
    const own = taken.has(slot.itemId) ? [] : outcomes.filter((outcome) => outcome.itemId === slot.itemId)
    taken.add(slot.itemId)
    const reward = own.reduce((largest, outcome) => Math.max(largest, outcome.strength), 0)
    return { slot, reward, clicked: reward >= 0.3, liked: reward >= 0.6, purchased: reward >= 1 }
  })
  const { decisionId, listId, userId, timeMs, surface, policy, policyVersion, experiment, variant, rung, modelVersion, context } =
    decision
  return {
    decisionId,
    ...join,
    listId,
    userId,
    timeMs,
    surface,
    policy,
    policyVersion,
    experiment,
    variant,
    rung,
    modelVersion,
    context,
    slots,
  }
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
