import { concatMap, type OperatorFunction } from 'rxjs'
import type { Batch, Sourced, Transaction } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Erasure } from '../schemas/erasure.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import { EventTimers } from './event-timers.ts'
import { listFamily } from './join-outcomes.ts'
import { personFamily } from './measure-experiments.ts'
import { ShowingList } from './showing-list.ts'

/**
 * Forgets people who are erased (a null profile): what experiments count of them, and what waits for their rows, which then do not
 * leave. Sums that they are in stay as they are: they name nobody. Of their lists ids and times stay, so that repeats are known and
 * nobody else's row gets another number; the receipt tells how many lists that are. They go within two waits.
 *
 *     source  x----y--|     x = [null for a]   y = [profile of b]
 *     result  ---r----e--|  r = [receipt]      e = []
 *
 * - Order: log order; batches keep theirs.
 * - Bound: reads the timers of two waits, those of an hour at a time, and only where somebody is erased.
 * - Time: none; a receipt has the time at which the log took the erasure.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function forgetPeople(): OperatorFunction<Batch<Sourced<UserProfile | null>>, Batch<Keyed<Erasure>>> {
  return concatMap(async (batch) => {
    const { transaction, task } = batch
    const erased = new Map(batch.records.flatMap(({ key, value, loggedMs }) => (value === null ? [[key, loggedMs]] : [])))
    if (erased.size === 0) return { ...batch, records: [] }
    const listKeys = await waitingLists(transaction, [...erased.keys()])
    await Promise.all([transaction.load(personFamily, erased.keys()), transaction.load(listFamily, listKeys)])
    const records = Array.from(erased, ([userId, timeMs]) => {
      const isCounted = transaction.get(personFamily, userId) !== undefined
      if (isCounted) transaction.delete(personFamily, userId)
      let keysLeft = 0
      for (const listKey of listKeys) {
        const state = transaction.get(listFamily, listKey)
        if (state?.userId !== userId) continue
        new ShowingList(state).erase()
        transaction.put(listFamily, listKey, state)
        keysLeft++
      }
      return { key: userId, value: { userId, topology: task.topology, keysDeleted: Number(isCounted), keysLeft, timeMs } }
    })
    return { ...batch, records }
  })
}

/** Lists that timers name and that may be those of some people. */
async function waitingLists(transaction: Transaction, people: readonly string[]): Promise<ReadonlySet<string>> {
  const lists = new Set<string>()
  for await (const { listKey } of new EventTimers(transaction).all())
    if (people.some((userId) => listKey.startsWith(`${userId}/`))) lists.add(listKey)
  return lists
}
