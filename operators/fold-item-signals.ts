import { concatMap, type OperatorFunction } from 'rxjs'
import { countSpend } from '../algorithms/spend-ranks.ts'
import { addToWeekHours, emptyWeekHours } from '../algorithms/week-hours.ts'
import type { Batch, Sourced, StateFamily, Transaction } from '../ports/batch.ts'
import { type ItemSignals, signalKinds } from '../schemas/item-signals.ts'
import { emptyItemState, emptyScopeState, type ItemState, type ScopeState, scopeStateSchema } from '../schemas/item-state.ts'
import { scopeNames } from '../schemas/scope-names.ts'
import { itemFamily, type MovedItem } from './fold-items.ts'
import { foldItemSignal, foldScopeSignal, type Signal } from './item-fold.ts'

/** State of scopes, by scope name. */
export const scopeFamily: StateFamily<ScopeState> = { name: 'scope', codec: scopeStateSchema }

/** A scope whose list is to be sent. */
export interface MovedScope {
  readonly scope: string
  readonly state: ScopeState
}

/** What a batch of signals moved. */
export type Moved = MovedItem | MovedScope

/**
 * Folds packed signals into items and scopes. Rows below the stored position of their source partition were applied before
 * and are skipped, so a signal counts once however often it is sent. A hot key costs its time, not its clicks: it goes on only
 * when `everyMs` of its own event time has passed since it last did. That moment is state, set row by row, so it does not
 * depend on how batches are cut.
 *
 *     source  x----y--|     x = [rows of i, scope:all]   y = [the same again]
 *     result  ---x----y--|  x = [i, scope:all]           y = []
 *
 * - Order: each key once, in order of first touch; batches keep theirs.
 * - Bound: holds the keys of one batch.
 * - Time: event time only.
 * - Complete: after the running batch.
 * - Error: passes on.
 */
export function foldItemSignals(options: {
  readonly everyMs: number
}): OperatorFunction<Batch<Sourced<ItemSignals>>, Batch<Moved>> {
  return concatMap(async (batch) => {
    const { transaction } = batch
    const items = new Set<string>()
    const scopes = new Set<string>()
    for (const { value } of batch.records) {
      for (let row = 0; row < value.keys.length; row++)
        (isOfScope(value.kinds[row]!) ? scopes : items).add(value.strings[value.keys[row]!]!)
    }
    await Promise.all([transaction.load(itemFamily, items), transaction.load(scopeFamily, scopes)])
    const moved = new Map<string, Moved>()
    for (const { value } of batch.records) foldRows(value, transaction, moved, options.everyMs)
    return { ...batch, records: [...moved.values()] }
  })
}

function foldRows(signals: ItemSignals, transaction: Transaction, moved: Map<string, Moved>, everyMs: number): void {
  const { strings, keys, others, kinds, offsets, timesMs, weights, people, rowCounts, sourcePartition } = signals
  const position = transaction.upstream('user-events', sourcePartition)
  // A key comes in many rows of a record: its state is looked up once.
  const items: ItemState[] = new Array(strings.length)
  const scopes: ScopeState[] = new Array(strings.length)
  let [offset, timeMs, row] = [0, 0, 0]
  for (let event = 0; event < offsets.length; event++) {
    offset += offsets[event]!
    timeMs += timesMs[event]!
    const end = row + rowCounts[event]!
    if (offset < position) row = end
    for (; row < end; row++) {
      const name = keys[row]!
      const key = strings[name]!
      const other = others[row]! < 0 ? null : strings[others[row]!]!
      const kind = kinds[row]!
      if (isOfScope(kind)) {
        scopes[name] ??= toChange(transaction, scopeFamily, key, () => emptyScope(key))
        const state = scopes[name]
        foldScope(state, { kind, other, timeMs, weight: weights[row]!, person: people[event]! })
        if (isDue(state, everyMs)) moved.set(key, { scope: key, state })
      } else {
        items[name] ??= toChange(transaction, itemFamily, key, emptyItemState)
        const state = items[name]
        foldItemSignal(state, { kind, other, timeMs, weight: weights[row]!, person: people[event]! })
        if (isDue(state, everyMs)) moved.set(`item:${key}`, { itemId: key, state })
      }
    }
  }
  if (offsets.length > 0 && offset >= position) transaction.setUpstream('user-events', sourcePartition, offset + 1)
}

function isOfScope(kind: number): boolean {
  return kind === signalKinds.scope || kind === signalKinds.spend
}

function foldScope(state: ScopeState, signal: Signal): void {
  if (signal.kind === signalKinds.spend) {
    state.spend ??= { weights: [], referenceMs: 0 }
    countSpend(state.spend, Number(signal.other), signal.weight, signal.timeMs)
    if (signal.timeMs > state.eventTimeMs) state.eventTimeMs = signal.timeMs
    return
  }
  if (state.week !== null) addToWeekHours(state.week, signal.weight, signal.timeMs)
  foldScopeSignal(state, signal)
}

/** The hours of the week are kept of categories: what they all say is in every one of them. */
function emptyScope(scope: string): ScopeState {
  return { ...emptyScopeState(), week: scopeNames.categoryOf(scope) === null ? null : emptyWeekHours() }
}

/** The state of a key, to be changed in place. */
function toChange<T>(transaction: Transaction, family: StateFamily<T>, key: string, empty: () => T): T {
  const state = transaction.get(family, key) ?? empty()
  transaction.put(family, key, state)
  return state
}

/** Whether a key's update is due after this row; notes that it went. */
function isDue(state: { eventTimeMs: number; sentMs: number }, everyMs: number): boolean {
  if (state.sentMs !== 0 && state.eventTimeMs - state.sentMs < everyMs) return false
  state.sentMs = state.eventTimeMs
  return true
}
