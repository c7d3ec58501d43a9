import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { emptyUserState, type UserState } from '../schemas/user-state.ts'
import { userStateCodec } from '../schemas/user-state-codec.ts'
import { type SpenderMove, spenderMoves, spenderOf } from './spender-moves.ts'
import { foldUserEvent } from './user-fold.ts'

/** State of people, by user id. */
export const userFamily: StateFamily<UserState> = { name: 'user', codec: userStateCodec }

/** An event that was folded, with what it met: companions for item signals. */
export interface FoldedEvent {
  readonly event: UserEvent
  readonly offset: number
  readonly loggedMs: number
  /** The person's state: after the whole batch, since it is changed in place. */
  readonly state: UserState
  readonly sessionId: string
  /** For an item's first touch in a session: the items touched before it there, newest first, at most 4. */
  readonly companions: readonly string[]
  /** For a purchase: items bought in the 7 days before, newest first, at most 5. */
  readonly boughtBefore: readonly string[]
  /** How many of them, the first ones, lie in the same basket: no more than 30 minutes before, or after if this event is late. */
  readonly basketCount: number
  /** For a purchase: how the person is counted among buyers from now on. */
  readonly spender: readonly SpenderMove[]
}

const companionsMax = 4
const boughtMax = 5
const boughtMsMax = 7 * 86_400_000
const basketMsMax = 30 * 60_000
const none: readonly string[] = []
const unmoved: readonly SpenderMove[] = []

/**
 * Folds events into the state of their people; repeats of an event id are dropped: ids are kept for 24 hours of the person's event
 * time, and for `latenessMs` if that is longer, since what comes later than that is never folded; 200 per person at most.
 *
 *     source  x----y--|     x = [a1, b1, a2]   y = [a2 again]
 *     result  ---x----y--|  x = [a1, b1, a2 folded]   y = []   (later by one read of the missing people)
 *
 * - Order: log order; batches keep theirs.
 * - Bound: holds the people of one batch.
 * - Time: event time only.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function foldUserEvents(options: {
  readonly latenessMs: number
}): OperatorFunction<Batch<Sourced<UserEvent>>, Batch<FoldedEvent>> {
  const { latenessMs } = options
  return concatMap(async (batch) => {
    const { transaction } = batch
    const people = new Map<string, UserState | undefined>()
    for (const record of batch.records) people.set(record.value.userId, undefined)
    await transaction.load(userFamily, people.keys())
    const records: FoldedEvent[] = []
    for (const { value: event, offset, loggedMs } of batch.records) {
      let state = people.get(event.userId)
      if (state === undefined) {
        state = transaction.get(userFamily, event.userId) ?? emptyUserState()
        transaction.put(userFamily, event.userId, state)
        people.set(event.userId, state)
      }
      const companions = companionsOf(state, event)
      const boughtBefore = event.type === 'purchase' ? boughtBeforeOf(state, event) : none
      const basketCount = boughtBefore.length === 0 ? 0 : basketCountOf(state, event)
      const spender = event.type === 'purchase' ? spenderOf(state) : null
      const { session } = state
      const isNew = foldUserEvent(state, event, latenessMs)
      if (!isNew) continue
      // The event may have opened another session, or have come too late for this one.
      const sameSession = state.session === session && event.timeMs >= session.startMs
      records.push({
        event,
        offset,
        loggedMs,
        state,
        sessionId: state.session.sessionId,
        companions: sameSession ? companions : none,
        boughtBefore,
        basketCount,
        spender: event.type === 'purchase' ? spenderMoves(spender, spenderOf(state), event.timeMs) : unmoved,
      })
    }
    return { ...batch, records }
  })
}

/** A view, its click and its purchase are one meeting with each companion, not three. */
function companionsOf(state: UserState, event: UserEvent): readonly string[] {
  const { items } = state.session
  if (items.length === 0 || event.itemId === null || event.type === 'dismiss' || items.includes(event.itemId)) return none
  const companions: string[] = []
  for (let i = items.length - 1; i >= 0 && companions.length < companionsMax; i--) companions.push(items[i]!)
  return companions
}

function boughtBeforeOf(state: UserState, event: UserEvent): readonly string[] {
  const bought: string[] = []
  for (let i = state.purchased.length - 1; i >= 0 && bought.length < boughtMax; i--) {
    if (state.purchased[i] !== event.itemId && event.timeMs - state.purchasedMs[i]! <= boughtMsMax)
      bought.push(state.purchased[i]!)
  }
  return bought
}

function basketCountOf(state: UserState, event: UserEvent): number {
  let count = 0
  for (let i = state.purchased.length - 1; i >= 0 && count < boughtMax; i--) {
    if (state.purchasedMs[i]! < event.timeMs - basketMsMax) break
    if (state.purchased[i] !== event.itemId) count++
  }
  return count
}
