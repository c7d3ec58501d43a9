import { concatMap, type OperatorFunction } from 'rxjs'
import { invariant } from '../core/invariant.ts'
import type { Batch, StateFamily } from '../ports/batch.ts'
import type { Keyed } from '../ports/outgoing.ts'
import {
  type OpenTiles,
  openTilesSchema,
  type ShopperState,
  type ShownState,
  shopperStateSchema,
  shownStateSchema,
} from '../schemas/revenue-state.ts'
import type { RevenueTile } from '../schemas/revenue-tile.ts'
import type { SegmentUpdate } from '../schemas/segment-update.ts'
import type { VariantRevenue } from '../schemas/variant-revenue.ts'
import { EventTimers } from './event-timers.ts'
import { RevenueSums, tileFamily } from './revenue-sums.ts'
import { type AttributionOptions, ShopperFold } from './shopper-fold.ts'
import { type Attributable, WaitingRoom, waitingFamily, waitingKinds } from './waiting-room.ts'

export const shownFamily: StateFamily<ShownState> = { name: 'shown', codec: shownStateSchema }
export const shopperFamily: StateFamily<ShopperState> = { name: 'person', codec: shopperStateSchema }
export const openTilesFamily: StateFamily<OpenTiles> = { name: 'tiles', codec: openTilesSchema }

/** Everything that is a person's. */
const personalFamilies = [waitingFamily, shownFamily, shopperFamily] as readonly StateFamily<unknown>[]
/** The timer of what time alone does; of equal times it comes after records. */
const wakeKind = 2

/** What a batch changed. */
export interface RevenueChanges {
  readonly tiles: readonly Keyed<RevenueTile>[]
  readonly variants: readonly Keyed<VariantRevenue>[]
  readonly segments: readonly Keyed<SegmentUpdate | null>[]
}

/**
 * Credits purchases to the lists that showed what was bought, by last touch, by age of all touches, and apart from both to what was only
 * seen; counts orders, carts and abandoned carts; sums up purchases by category, and spending by variant, also that of people's first
 * 7 and 30 days; and tells segments of people. A record waits until event
 * time has passed it, so each person's are folded in order of event time, whatever order they came in. It is late by its own input's
 * time only; so sums do not depend on how inputs interleave or batches are cut. A null profile erases the person at once, with what
 * waits; sums, which name nobody, stay.
 *
 *     decisions  d---------|     d shows item a at 0
 *     events     --c--p--x-|     c: a click on a; p: its purchase; x: anything later (moves time)
 *     result     --------r-|     r: the tile with the purchase credited to the list
 *
 * - Order: one record per batch that changed something.
 * - Bound: of a person the newest 32 showings, 64 touches, 64 carts and 64 experiments; tiles of 500 rows and 100 categories, until their
 *   last cart is decided.
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
    const erased = await attribution.admit()
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
  readonly #waiting: WaitingRoom

  constructor(batch: Batch<Attributable>, options: AttributionOptions) {
    this.#batch = batch
    this.#options = options
    this.#timers = new EventTimers(batch.transaction)
    this.#sums = new RevenueSums(batch, options.tileMs)
    this.#waiting = new WaitingRoom(batch, this.#timers, options.latenessMs)
  }

  /** Lets the batch's records wait for their time. Answers who was erased. */
  async admit(): Promise<readonly string[]> {
    const { transaction } = this.#batch
    await Promise.all([this.#waiting.admit(), transaction.load(openTilesFamily, [''])])
    const { erased } = this.#waiting
    for (const userId of erased) for (const family of personalFamilies) transaction.delete(family, userId)
    return erased
  }

  /** Folds everything that event time has passed, in order of event time. */
  async settle(): Promise<RevenueChanges> {
    const { transaction, watermarkMs } = this.#batch
    const due = this.#timers.takeDue(watermarkMs)
    if (due.length === 0) return { tiles: [], variants: [], segments: [] }
    const people = new Set(due.map(({ listKey }) => listKey))
    await Promise.all(personalFamilies.map((family) => transaction.load(family, people)))
    const folds = new Map(Array.from(people, (userId) => [userId, this.#foldOf(userId)]))
    await this.#loadSums(
      due.map(({ dueMs }) => dueMs),
      folds,
    )
    for (const { kind, listKey, id, dueMs } of due) {
      const fold = folds.get(listKey)!
      const showing = kind === waitingKinds.showings ? this.#waiting.take(listKey, 'showings', id, dueMs) : undefined
      const event = kind === waitingKinds.events ? this.#waiting.take(listKey, 'events', id, dueMs) : undefined
      if (showing) fold.addShowing(showing)
      if (event) fold.addEvent(event)
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
      for (const { assignments } of this.#waiting.of(userId)?.showings ?? [])
        for (const { experiment } of assignments) experiments.add(experiment)
    }
    await this.#sums.load(times, experiments)
  }

  /** Puts a person's state, and tells if their segment or orders moved. */
  #finish(userId: string, fold: ShopperFold): Keyed<SegmentUpdate>[] {
    const { transaction, watermarkMs } = this.#batch
    fold.advance(watermarkMs)
    const { shopper, shown, moved } = fold
    this.#waiting.put(userId)
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
