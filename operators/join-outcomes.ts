import { concatMap, type OperatorFunction } from 'rxjs'
import type { OutcomeFunction } from '../algorithms/combine-outcomes.ts'
import { invariant } from '../core/invariant.ts'
import type { Batch, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventStrength } from '../schemas/event-strength.ts'
import type { Reward } from '../schemas/reward.ts'
import {
  type DueEntry,
  type DueKind,
  dueKinds,
  type JoinProgress,
  joinProgressSchema,
  type ListState,
  listStateSchema,
  type OpenShowing,
  type OutcomeState,
} from '../schemas/reward-state.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { EventTimers } from './event-timers.ts'
import { type OutcomeWaits, outcomeWaits, type WaitOptions } from './outcome-waits.ts'
import { type RewardRule, rewardOf } from './reward-of.ts'
import { ShowingBound } from './showing-bound.ts'
import { ShowingList } from './showing-list.ts'
import { type Joinable, type Taken, takeJoinable } from './take-joinable.ts'

export const listFamily: StateFamily<ListState> = { name: 'list', codec: listStateSchema }
export const progressFamily: StateFamily<JoinProgress> = { name: 'progress', codec: joinProgressSchema }

export interface JoinOptions extends WaitOptions {
  /** How far records of one input may come out of order, ms of event time. */
  readonly latenessMs: number
  /** How several outcomes of an item become its reward (max). */
  readonly outcome?: OutcomeFunction
  /** What a dismissal counts, −1 to 0 (0). */
  readonly dismissed?: number
  /** Reward of a slot that nothing followed, −1 to 1 (0). */
  readonly default?: number
  /** Showings that one task takes in within the longest wait (no bound): one more is not joined but told as late, whole. */
  readonly openMax?: number
}

/**
 * Joins each showing with what followed. Its first row leaves when event time has passed the showing's time plus the shortest wait, or
 * the showing's time alone (`provisional`); what is read later, within the wait of its type, gives a correction: the row again, with
 * what it said before. An outcome belongs to the latest showing of its list at or before it, and to the first slot with its item; several
 * become one by a named function, in order of time. Rows leave in the order (event time as of which they speak, id) and carry a running
 * number: that of the timer that fired, as each takes one, whether it tells anything or not. Both inputs are judged late by their own
 * time only, so content, order and number of the rows do not depend on how the inputs interleave or how batches are cut; an erasure
 * takes rows away and moves no number. What an input reads behind a mark for its idleness is served as it comes, record by record.
 *
 *     decisions  d-----------|     d shown at 0, waits 60 for a click and 90 for a purchase
 *     events     --c---p--x--|     c: a click at 5; p: a purchase at 80; x: anything at 91 (moves time)
 *     result     ------r--s--|     r: d with its click; s: d with click and purchase instead of the click
 *
 * - Order: rows by (time, kind, id); batches keep theirs.
 * - Bound: `openMax` showings with what followed, remembered for one more wait.
 * - Time: event time only; a tick fires what is due.
 * - Complete: after the running batch; what still waits stays in the state.
 * - Error: passes on; invalid showings are set aside, late records and outcomes that no row counts go to the late output.
 */
export function joinOutcomes(options: JoinOptions): OperatorFunction<Batch<Joinable>, Batch<Keyed<Reward>>> {
  invariant(options.latenessMs >= 0, `rewards: latenessMs must not be below 0, but is ${options.latenessMs}`)
  const waits = outcomeWaits(options)
  return concatMap(async (batch) => {
    const join = new Join(batch, options, waits)
    return { ...batch, records: await join.run() }
  })
}

/** The join of one batch. */
class Join {
  readonly #batch: Batch<Joinable>
  readonly #options: JoinOptions
  readonly #waits: OutcomeWaits
  readonly #rule: RewardRule
  readonly #timers: EventTimers
  readonly #bound: ShowingBound
  readonly #rows: Keyed<Reward>[] = []
  /** What was read before this time is known to every row that comes after it. */
  #knownMs = Number.NEGATIVE_INFINITY

  constructor(batch: Batch<Joinable>, options: JoinOptions, waits: OutcomeWaits) {
    this.#batch = batch
    this.#options = options
    this.#waits = waits
    this.#rule = { by: options.outcome ?? 'max', none: options.default ?? 0 }
    this.#timers = new EventTimers(batch.transaction)
    this.#bound = new ShowingBound(batch.transaction, waits.longestMs, options.openMax ?? Number.POSITIVE_INFINITY)
  }

  async run(): Promise<Keyed<Reward>[]> {
    const taken = takeJoinable(this.#batch, this.#options.latenessMs, this.#waits)
    await this.#load(taken)
    for (const one of taken) {
      // Behind a mark nothing waits for others: served at once, it is the same however batches are cut.
      const isBehind = one.readMs < one.watermarkMs
      if (isBehind) {
        await this.#fire(one.watermarkMs)
        this.#knownMs = one.watermarkMs
      }
      if ('decisionId' in one.value) this.#addDecision(one.value, one)
      else this.#addOutcome(one.value, one)
      if (isBehind) await this.#fire(one.watermarkMs)
      this.#knownMs = Number.NEGATIVE_INFINITY
    }
    await this.#fire(this.#batch.watermarkMs)
    return this.#rows
  }

  async #load(taken: readonly Taken[]): Promise<void> {
    const { firstMs, longestMs } = this.#waits
    const { transaction, watermarkMs } = this.#batch
    const dueTimesMs = taken.flatMap((one) => {
      const { timeMs } = one.value
      if ('decisionId' in one.value) return [timeMs + firstMs, timeMs + longestMs, timeMs + 2 * longestMs]
      return [one.readMs, timeMs + longestMs]
    })
    await Promise.all([
      transaction.load(listFamily, new Set(taken.map(({ value }) => listKeyOf(value)))),
      transaction.load(progressFamily, ['']),
      this.#bound.load(),
      this.#timers.load(dueTimesMs, watermarkMs),
    ])
  }

  #addDecision(decision: Decision, { record, ownMs }: Taken): void {
    const { firstMs, longestMs } = this.#waits
    const { decisionId, timeMs } = decision
    const listKey = listKeyOf(decision)
    const list = this.#listOf(decision)
    if (list.repeats(decision, 2 * longestMs)) return
    if (!this.#bound.admit(timeMs, ownMs)) {
      this.#batch.transaction.late(record, 'join-full', timeMs)
      return
    }
    list.open(decision)
    this.#batch.transaction.put(listFamily, listKey, list.state)
    const set = (kind: DueKind, afterMs: number) => this.#set(kind, timeMs + afterMs, listKey, decisionId)
    if (firstMs < longestMs) set('row', firstMs)
    set('close', longestMs)
    set('forget', 2 * longestMs)
  }

  #addOutcome(event: UserEvent, one: Taken): void {
    const { eventId, timeMs } = event
    const { longestMs, firstMs } = this.#waits
    const listKey = listKeyOf(event)
    const list = this.#listOf(event)
    const outcome: OutcomeState = {
      eventId,
      itemId: event.itemId!,
      timeMs,
      readMs: one.readMs,
      waitMs: this.#waits.of.get(event.type)!,
      strength: event.type === 'dismiss' ? (this.#options.dismissed ?? 0) : eventStrength(event),
      revenue: event.type === 'purchase' ? (event.price ?? 0) * (event.quantity ?? 1) : 0,
      offset: one.record.offset,
      joinedTo: '',
    }
    if (!list.addOutcome(outcome, longestMs)) return
    this.#batch.transaction.put(listFamily, listKey, list.state)
    // Read in time and of a wait as short as the first row's, it is in that row or in none.
    const mayCorrect = outcome.waitMs > firstMs || outcome.readMs < one.watermarkMs
    if (mayCorrect) this.#set('correct', outcome.readMs, listKey, eventId)
    this.#set('sweep', timeMs + longestMs, listKey, eventId)
  }

  #set(kind: DueKind, dueMs: number, listKey: string, id: string): void {
    this.#timers.set({ dueMs, kind: dueKinds.indexOf(kind), listKey, id })
  }

  /** Serves what is due before a time. */
  async #fire(watermarkMs: number): Promise<void> {
    const { transaction } = this.#batch
    const due = this.#timers.takeDue(watermarkMs)
    if (due.length === 0) return
    await transaction.load(
      listFamily,
      due.map((entry) => entry.listKey),
    )
    const { sequence } = transaction.get(progressFamily, '') ?? { sequence: 0 }
    transaction.put(progressFamily, '', { sequence: sequence + due.length })
    for (const [index, entry] of due.entries()) {
      const state = transaction.get(listFamily, entry.listKey)
      if (!state) continue
      const list = new ShowingList(state)
      this.#serve(list, entry, sequence + index)
      if (list.isEmpty) transaction.delete(listFamily, entry.listKey)
      else transaction.put(listFamily, entry.listKey, list.state)
    }
  }

  #serve(list: ShowingList, entry: DueEntry, sequence: number): void {
    const { id, dueMs } = entry
    const { firstMs, longestMs } = this.#waits
    const kind = dueKinds[entry.kind]!
    const tell = (showing: OpenShowing | undefined) => showing && this.#tell(list, showing, { dueMs, sequence })
    if (kind === 'row') tell(list.waiting(id, dueMs - firstMs))
    else if (kind === 'correct') tell(list.corrected(id, dueMs))
    else if (kind === 'close') {
      const showing = list.waiting(id, dueMs - longestMs)
      if (showing?.rows === 0) tell(showing)
      if (showing) list.close(showing)
    } else if (kind === 'sweep') this.#sweep(list, entry)
    else list.forget(id, dueMs - 2 * longestMs)
  }

  #tell(list: ShowingList, showing: OpenShowing, { dueMs, sequence }: { dueMs: number; sequence: number }): void {
    const telling = list.tell(showing, this.#rule, ({ readMs }) => readMs <= dueMs || readMs < this.#knownMs)
    if (telling === null) return
    const { revision, now, before } = telling
    const row = { revision, sourcePartition: this.#batch.task.partition, sequence, closedMs: dueMs }
    this.#rows.push({ key: showing.decision.policy, value: rewardOf(showing.decision, now, before, row) })
  }

  /** Nothing can count an outcome any more: if no row does, it is told. */
  #sweep(list: ShowingList, { id, dueMs, listKey }: DueEntry): void {
    const outcome = list.removeOutcome(id, dueMs - this.#waits.longestMs)
    if (outcome?.joinedTo !== '' || list.state.erased) return
    const { joinedTo: _joinedTo, ...value } = outcome
    this.#batch.transaction.late(
      { value, key: listKey, offset: outcome.offset, loggedMs: 0 },
      'join-unmatched',
      outcome.timeMs,
      'user-events',
    )
  }

  #listOf(value: Decision | UserEvent): ShowingList {
    const { userId } = value
    const state = this.#batch.transaction.get(listFamily, listKeyOf(value))
    return new ShowingList(state ?? { userId, erased: false, open: [], closed: [], outcomes: [] })
  }
}

function listKeyOf({ userId, listId }: Pick<Decision, 'userId'> & { readonly listId: string | null }): string {
  return `${userId}/${listId}`
}
