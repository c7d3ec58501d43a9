import type { Decision } from '../schemas/decision.ts'
import type { SlotOutcome } from '../schemas/reward.ts'
import type { ListState, OpenShowing, OutcomeState } from '../schemas/reward-state.ts'
import { isSameOutcome, type RewardRule, slotOutcomes } from './reward-of.ts'

/** What a row says of a showing's slots, and what the row before it said: null in the first one. */
export interface Telling {
  readonly revision: number
  readonly now: readonly SlotOutcome[]
  readonly before: readonly SlotOutcome[] | null
}

/** What names one showing: a repeat of an id long after is another one. */
interface Showing {
  readonly decisionId: string
  readonly timeMs: number
}

/**
 * The showings of one list to one person and what followed. An outcome belongs to the latest showing at or before it, if it shows the
 * item and the outcome was read within its own wait; once a row counts it, it stays there.
 *
 * Of an erased person it is a stub until the last of it goes: ids and times, also of what is read later. Repeats are known as before
 * and the same timers fire, but it tells nothing.
 */
export class ShowingList {
  readonly state: ListState

  constructor(state: ListState) {
    this.state = state
  }

  get isEmpty(): boolean {
    const { open, closed, outcomes } = this.state
    return open.length === 0 && closed.length === 0 && outcomes.length === 0
  }

  /** Whether a showing repeats one of the last `memoryMs`, by event time: how far other inputs have come must not decide that. */
  repeats({ decisionId, timeMs }: Showing, memoryMs: number): boolean {
    return this.#showings().some((other) => other.decisionId === decisionId && timeMs <= other.timeMs + memoryMs)
  }

  open(decision: Decision): void {
    if (this.state.erased) this.#remember(decision)
    else insert(this.state.open, { decision, rows: 0 }, (a, b) => byTime(a.decision, b.decision))
  }

  /** The showing of an id and a time, if it still waits. */
  waiting(decisionId: string, timeMs: number): OpenShowing | undefined {
    return this.state.open.find(({ decision }) => isSame(decision, { decisionId, timeMs }))
  }

  /** From now on rows of the showing stand. */
  close({ decision }: OpenShowing): void {
    this.state.open = this.state.open.filter((open) => open.decision !== decision)
    this.#remember(decision)
  }

  /** From now on it is a stub. */
  erase(): void {
    this.state.erased = true
    for (const showing of this.state.open) this.close(showing)
    this.state.outcomes = this.state.outcomes.map(bareOutcome)
  }

  forget(decisionId: string, timeMs: number): void {
    this.state.closed = this.state.closed.filter((closed) => !isSame(closed, { decisionId, timeMs }))
  }

  /** Takes an outcome in; false if it repeats one of the last `memoryMs`. */
  addOutcome(outcome: OutcomeState, memoryMs: number): boolean {
    const isKnown = (other: OutcomeState) => other.eventId === outcome.eventId && outcome.readMs <= other.timeMs + memoryMs
    if (this.state.outcomes.some(isKnown)) return false
    insert(
      this.state.outcomes,
      this.state.erased ? bareOutcome(outcome) : outcome,
      (a, b) => a.timeMs - b.timeMs || (a.eventId < b.eventId ? -1 : 1),
    )
    return true
  }

  /** Takes out an outcome of an id and a time. */
  removeOutcome(eventId: string, timeMs: number): OutcomeState | undefined {
    const at = this.state.outcomes.findIndex((outcome) => outcome.eventId === eventId && outcome.timeMs === timeMs)
    return at < 0 ? undefined : this.state.outcomes.splice(at, 1)[0]
  }

  /** The showing that an outcome read at `readMs` moves, if its first row has left and others may follow. */
  corrected(eventId: string, readMs: number): OpenShowing | undefined {
    const outcome = this.state.outcomes.find((other) => other.eventId === eventId && other.readMs === readMs)
    if (outcome?.joinedTo !== '') return undefined
    return this.state.open.find((showing) => showing.rows > 0 && this.#counts(showing, outcome))
  }

  /** What a row says now, all that `isRead` being known; null if it would only repeat the last one. */
  tell(showing: OpenShowing, rule: RewardRule, isRead: (outcome: OutcomeState) => boolean): Telling | null {
    const { decision } = showing
    const before = this.#told(decision, rule)
    for (const outcome of this.state.outcomes)
      if (outcome.joinedTo === '' && isRead(outcome) && this.#counts(showing, outcome)) outcome.joinedTo = decision.decisionId
    const now = this.#told(decision, rule)
    if (showing.rows > 0 && isSameOutcome(before, now)) return null
    const revision = showing.rows++
    return { revision, now, before: revision === 0 ? null : before }
  }

  #remember({ decisionId, timeMs }: Showing): void {
    insert(this.state.closed, { decisionId, timeMs }, byTime)
  }

  #told(decision: Decision, rule: RewardRule): SlotOutcome[] {
    const counted = this.state.outcomes.filter(({ joinedTo }) => joinedTo === decision.decisionId)
    return slotOutcomes(decision, counted, rule)
  }

  #counts({ decision }: OpenShowing, outcome: OutcomeState): boolean {
    if (outcome.readMs > decision.timeMs + outcome.waitMs || outcome.timeMs < decision.timeMs) return false
    if (!decision.slots.some(({ itemId }) => itemId === outcome.itemId)) return false
    const earlier = this.#showings().filter(({ timeMs }) => timeMs <= outcome.timeMs)
    const latest = earlier.reduce((newest, other) => (byTime(newest, other) < 0 ? other : newest))
    return isSame(latest, decision)
  }

  #showings(): Showing[] {
    return [...this.state.open.map(({ decision }) => decision), ...this.state.closed]
  }
}

/** What a stub keeps of an outcome: enough to know it again. */
function bareOutcome({ eventId, timeMs }: OutcomeState): OutcomeState {
  return { eventId, timeMs, itemId: '', readMs: 0, waitMs: 0, strength: 0, revenue: 0, offset: 0, joinedTo: '' }
}

function isSame(a: Showing, b: Showing): boolean {
  return a.decisionId === b.decisionId && a.timeMs === b.timeMs
}

/** Ties go to the larger id. */
function byTime(a: Showing, b: Showing): number {
  return a.timeMs - b.timeMs || (a.decisionId < b.decisionId ? -1 : 1)
}

function insert<T>(list: T[], value: T, compare: (a: T, b: T) => number): void {
  let at = list.length
  while (at > 0 && compare(list[at - 1]!, value) > 0) at--
  list.splice(at, 0, value)
}
