import { concatMap, type OperatorFunction } from 'rxjs'
import { invariant } from '../core/invariant.ts'
import { movesTime } from '../core/moves-time.ts'
import type { Batch, Sourced, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import type { Decision } from '../schemas/decision.ts'
import { eventFault } from '../schemas/event-fault.ts'
import {
  type OpenTiles,
  openTilesSchema,
  type ShopperState,
  type ShownState,
  shopperStateSchema,
  shownStateSchema,
  type WaitingEvent,
  type WaitingShowing,
  type WaitingState,
  waitingStateSchema,
} from '../schemas/revenue-state.ts'
import type { RevenueTile } from '../schemas/revenue-tile.ts'
import type { SegmentUpdate } from '../schemas/segment-update.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { UserProfile } from '../schemas/user-profile.ts'
import type { VariantRevenue } from '../schemas/variant-revenue.ts'
import { decisionFault } from './decision-fault.ts'
import { EventTimers } from './event-timers.ts'
import { RevenueSums, tileFamily } from './revenue-sums.ts'
import { type AttributionOptions, ShopperFold } from './shopper-fold.ts'

export const waitingFamily: StateFamily<WaitingState> = { name: 'waiting', codec: waitingStateSchema }
export const shownFamily: StateFamily<ShownState> = { name: 'shown', codec: shownStateSchema }
export const shopperFamily: StateFamily<ShopperState> = { name: 'person', codec: shopperStateSchema }
export const openTilesFamily: StateFamily<OpenTiles> = { name: 'tiles', codec: openTilesSchema }

/** Kinds of timers: of equal times a showing comes before an event, and both before what time alone does. */
const showingKind = 0
const eventKind = 1
const wakeKind = 2
/** What one purchase may be worth, in hundredths; beyond it, it counts as one without a price. */
const centsMax = 1e13

/** A record of any input: a showing, something somebody did, a profile, or null: erase the person. */
export type Attributable = Sourced<Decision | UserEvent | UserProfile | null>

/** What a batch changed. */
export interface RevenueChanges {
  readonly tiles: readonly Keyed<RevenueTile>[]
  readonly variants: readonly Keyed<VariantRevenue>[]
  readonly segments: readonly Keyed<SegmentUpdate | null>[]
}

/**
 * Credits purchases to the lists that showed what was bought, by last touch, by age of all touches, and apart from both to what was only
 * seen; counts orders, carts and abandoned carts; sums up spending by variant; and tells segments of people. A record waits until event
 * time has passed it, so each person's are folded in order of event time, whatever order they came in. It is late by its own input's
 * time only; so sums do not depend on how inputs interleave or batches are cut. A null profile erases the person at once, with what
 * waits; sums, which name nobody, stay.
 *
 *     decisions  d---------|     d shows item a at 0
 *     events     --c--p--x-|     c: a click on a; p: its purchase; x: anything later (moves time)
 *     result     --------r-|     r: the tile with the purchase credited to the list
 *
 * - Order: one record per batch that changed something.
 * - Bound: of a person the newest 32 showings, 64 touches and 64 carts; tiles until their last cart is decided.
 * - Time: event time only; a tick lets time pass.
 * - Complete: after the running batch; what still waits stays in the state.
 * - Error: passes on; late records go to the late output; invalid ones are passed over: `rewards` and `user-features` set them aside.
 */
export function attributeRevenue(options: AttributionOptions): OperatorFunction<Batch<Attributable>, Batch<RevenueChanges>> {
  for (const name of ['clickWindowMs', 'viewWindowMs', 'cartWindowMs', 'halfLifeMs', 'tileMs'] as const)
    invariant(options[name] > 0, `attribution: ${name} must be above 0, not ${options[name]}`)
  invariant(options.latenessMs >= 0, `attribution: latenessMs must not be below 0, but is ${options.latenessMs}`)
  return concatMap(async (batch) => {
    const attribution = new Attribution(batch, options)
    const erased = await attribution.add()
    const changes = await attribution.settle()
    await attribution.closeTiles(changes.tiles)
    const segments = [...changes.segments, ...erased.map((key) => ({ key, value: null }))]
    const isEmpty = changes.tiles.length + changes.variants.length + segments.length === 0
    return { ...batch, records: isEmpty ? [] : [{ ...changes, segments }] }
  })
}

/** The attribution of one batch. */
class Attribution {
  readonly #batch: Batch<Attributable>
  readonly #options: AttributionOptions
  readonly #timers: EventTimers
  readonly #sums: RevenueSums
  readonly #showings: Keyed<WaitingShowing>[] = []
  readonly #events: Keyed<WaitingEvent>[] = []
  readonly #erased: string[] = []

  constructor(batch: Batch<Attributable>, options: AttributionOptions) {
    this.#batch = batch
    this.#options = options
    this.#timers = new EventTimers(batch.transaction)
    this.#sums = new RevenueSums(batch, options.tileMs)
    this.#sort()
  }

  /** Lets the batch's records wait for their time; repeats of an id are dropped. Answers who was erased. */
  async add(): Promise<readonly string[]> {
    const { transaction, watermarkMs } = this.#batch
    const added = [...this.#showings, ...this.#events]
    await Promise.all([
      transaction.load(
        waitingFamily,
        added.map(({ key }) => key),
      ),
      this.#timers.load(
        added.map(({ value }) => value.timeMs),
        watermarkMs,
      ),
      transaction.load(openTilesFamily, ['']),
    ])
    for (const { key, value } of this.#showings) this.#wait(key, 'showings', value, showingKind)
    for (const { key, value } of this.#events) this.#wait(key, 'events', value, eventKind)
    for (const key of this.#erased) {
      transaction.delete(waitingFamily, key)
      transaction.delete(shownFamily, key)
      transaction.delete(shopperFamily, key)
    }
    return this.#erased
  }

  /** Folds everything that event time has passed, in order of event time. */
  async settle(): Promise<RevenueChanges> {
    const { transaction, watermarkMs } = this.#batch
    const due = this.#timers.takeDue(watermarkMs)
    if (due.length === 0) return { tiles: [], variants: [], segments: [] }
    const people = new Set(due.map(({ listKey }) => listKey))
    await Promise.all(
      [waitingFamily, shownFamily, shopperFamily].map((family) => transaction.load(family as StateFamily<unknown>, people)),
    )
    const folds = new Map(Array.from(people, (userId) => [userId, this.#foldOf(userId)]))
    await this.#loadSums(
      due.map(({ dueMs }) => dueMs),
      folds,
    )
    for (const { kind, listKey, id, dueMs } of due) {
      const waiting = transaction.get(waitingFamily, listKey)
      const fold = folds.get(listKey)!
      if (kind === showingKind) {
        const showing = take(waiting?.showings, id, dueMs)
        if (showing) fold.addShowing(showing)
      } else if (kind === eventKind) {
        const event = take(waiting?.events, id, dueMs)
        if (event) fold.addEvent(event)
      }
    }
    const segments = [...folds].flatMap(([userId, fold]) => this.#finish(userId, fold))
    await this.#setWakes(folds)
    const { tiles, variants } = this.#sums.finish()
    const { partition } = this.#batch.task
    return {
      tiles: tiles.map((value) => ({ key: `${partition}/${value.startMs}`, value })),
      variants: variants.map((value) => ({ key: `${partition}/${value.experiment}`, value })),
      segments,
    }
  }

  /** Lets go of tiles that nothing can change any more. */
  async closeTiles(touched: readonly Keyed<RevenueTile>[]): Promise<void> {
    const { transaction, watermarkMs } = this.#batch
    const before = transaction.get(openTilesFamily, '')?.startsMs ?? []
    const starts = new Set([...before, ...touched.map(({ value }) => value.startMs)])
    const isOpen = (startMs: number) => startMs + this.#options.tileMs + this.#options.cartWindowMs > watermarkMs
    const open = [...starts].filter(isOpen).sort((a, b) => a - b)
    for (const startMs of starts) if (!isOpen(startMs)) transaction.delete(tileFamily, String(startMs))
    if (open.length === before.length && open.every((startMs, place) => startMs === before[place])) return
    if (open.length === 0) transaction.delete(openTilesFamily, '')
    else transaction.put(openTilesFamily, '', { startsMs: open })
  }

  /** Parts the records; all of them move time, as they do for the task. */
  #sort(): void {
    const { transaction, topicWatermarkBeforeMs, watermarkBeforeMs, records } = this.#batch
    // A mark for an idle input may have settled what is not late by its own input's time.
    let watermarkMs = Math.max(topicWatermarkBeforeMs, watermarkBeforeMs)
    for (const record of records) {
      const { value, loggedMs } = record
      if (value === null) this.#erased.push(record.key)
      if (value === null || !('timeMs' in value)) continue
      const isLate = value.timeMs < watermarkMs
      if (movesTime(value.timeMs, loggedMs)) watermarkMs = Math.max(watermarkMs, value.timeMs - this.#options.latenessMs)
      const fault = 'decisionId' in value ? decisionFault(value, loggedMs) : eventFault(value, loggedMs)
      if (fault !== null) continue
      if (isLate) transaction.late(record, 'attribute', value.timeMs)
      else if ('decisionId' in value) this.#showings.push({ key: value.userId, value: waitingShowing(value) })
      else this.#events.push({ key: value.userId, value: waitingEvent(value) })
    }
  }

  #wait<K extends keyof WaitingState>(userId: string, list: K, record: WaitingState[K][number], kind: number): void {
    const { transaction } = this.#batch
    const waiting = transaction.get(waitingFamily, userId) ?? { showings: [], events: [] }
    const records: { readonly id: string; readonly timeMs: number }[] = waiting[list]
    if (records.some((other) => other.id === record.id && other.timeMs === record.timeMs)) return
    // Sorted, so that the state does not tell in which order they came.
    const at = records.findLastIndex(
      (other) => other.timeMs < record.timeMs || (other.timeMs === record.timeMs && other.id < record.id),
    )
    records.splice(at + 1, 0, record)
    transaction.put(waitingFamily, userId, waiting)
    this.#timers.set({ dueMs: record.timeMs, kind, listKey: userId, id: record.id })
  }

  #foldOf(userId: string): ShopperFold {
    const { transaction } = this.#batch
    const shopper = transaction.get(shopperFamily, userId) ?? emptyShopper()
    return new ShopperFold(shopper, transaction.get(shownFamily, userId) ?? { showings: [] }, this.#sums, this.#options)
  }

  /** Everything that the due records may be added to: their own time, that of carts, and experiments. */
  async #loadSums(timesMs: readonly number[], folds: ReadonlyMap<string, ShopperFold>): Promise<void> {
    const times = new Set(timesMs)
    const experiments = new Set<string>()
    for (const [userId, { shopper }] of folds) {
      for (const line of shopper.carts) times.add(line.timeMs)
      for (const { experiment } of shopper.exposures) experiments.add(experiment)
      for (const { assignments } of this.#batch.transaction.get(waitingFamily, userId)?.showings ?? [])
        for (const { experiment } of assignments) experiments.add(experiment)
    }
    await this.#sums.load(times, experiments)
  }

  /** Puts a person's state, and tells if their segment or orders moved. */
  #finish(userId: string, fold: ShopperFold): Keyed<SegmentUpdate>[] {
    const { transaction, watermarkMs } = this.#batch
    fold.advance(watermarkMs)
    const { shopper, shown, moved } = fold
    const waiting = transaction.get(waitingFamily, userId)
    if (waiting && waiting.showings.length + waiting.events.length === 0) transaction.delete(waitingFamily, userId)
    else if (waiting) transaction.put(waitingFamily, userId, waiting)
    if (shown.showings.length > 0) transaction.put(shownFamily, userId, shown)
    if (shopper.firstMs > 0 || shopper.exposures.length > 0) transaction.put(shopperFamily, userId, shopper)
    return moved === null ? [] : [{ key: userId, value: { userId, ...moved } }]
  }

  async #setWakes(folds: ReadonlyMap<string, ShopperFold>): Promise<void> {
    const { watermarkMs } = this.#batch
    const wakes = [...folds].flatMap(([listKey, { wakesMs }]) =>
      // What lies before the watermark has had its effect already.
      wakesMs.filter((dueMs) => dueMs >= watermarkMs).map((dueMs) => ({ dueMs, kind: wakeKind, listKey, id: '' })),
    )
    await this.#timers.load(
      wakes.map(({ dueMs }) => dueMs),
      Number.NEGATIVE_INFINITY,
    )
    for (const wake of wakes) this.#timers.set(wake)
  }
}

function waitingShowing({ decisionId: id, listId, timeMs, surface, policy, slots, assignments }: Decision): WaitingShowing {
  const shown = slots.map(({ itemId, source }) => ({ itemId, source }))
  return { id, listId, timeMs, surface, policy, slots: shown, assignments }
}

function waitingEvent({ eventId: id, timeMs, type, itemId, listId, price, quantity }: UserEvent): WaitingEvent {
  const cents = price === null ? null : Math.round(100 * price) * (quantity ?? 1)
  return { id, timeMs, type, itemId, listId, cents: cents !== null && cents <= centsMax ? cents : null }
}

function take<T extends { readonly id: string; readonly timeMs: number }>(
  records: T[] | undefined,
  id: string,
  timeMs: number,
): T | undefined {
  const at = records?.findIndex((record) => record.id === id && record.timeMs === timeMs) ?? -1
  return at < 0 ? undefined : records!.splice(at, 1)[0]
}

function emptyShopper(): ShopperState {
  return {
    touches: [],
    carts: [],
    exposures: [],
    firstMs: 0,
    lastMs: 0,
    items: [],
    orderTimesMs: [],
    orders: 0,
    cents: 0,
    lastPurchaseMs: 0,
    orderPlaces: [],
    segment: '',
    previousSegment: '',
    wakeMs: 0,
  }
}
