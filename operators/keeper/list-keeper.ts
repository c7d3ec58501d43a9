import type { HeldList } from '../../algorithms/holder-index.ts'
import { MillraceError } from '../../core/errors.ts'
import { retrying } from '../../core/retrying.ts'
import { WokenLoop } from '../../core/woken-loop.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ListAmendment, ListStore, ListVersion } from '../../ports/list-store.ts'
import type { ListWrite } from '../../ports/list-write.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { listKeys } from '../../schemas/list-keys.ts'
import { itemStartsOf, type ServedList, type ServedReserve } from '../../schemas/served-list.ts'
import type { WireFormat } from '../../schemas/wire-format.ts'
import type { CatalogueTable } from '../tables/catalogue-table.ts'
import type { RuleTable } from '../tables/rule-table.ts'
import { amendedRecords } from './amended-records.ts'
import { type FilledList, type FillOptions, fillList, isDoubt, type ListGap, removedItem } from './fill-list.ts'
import { KeeperMetrics } from './keeper-metrics.ts'
import { KeptLists, type ListWriter } from './kept-lists.ts'
import { Rest } from './rest.ts'
import { StoredLists } from './stored-lists.ts'

/** What the keeper stands on. */
export interface KeeperPorts {
  readonly lists: Pick<ListStore, 'amend' | 'get' | 'scan'>
  readonly catalogue: CatalogueTable
  readonly rules: RuleTable
  readonly wire: WireFormat
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Lists as a batch left them. */
export interface SwappedLists {
  readonly lists: readonly ListWrite[]
  /** Their values as they were offered to the store. */
  readonly texts: readonly string[]
  /** Which of them it took. */
  readonly swapped: readonly boolean[]
  readonly version: ListVersion
}

export interface KeeperOptions extends FillOptions {
  /** Items of a list with its reserve at most. */
  readonly itemsMax: number
  /** Items of a list at most: one that has fewer, and spares, was left half amended. */
  readonly shownMax: number
  /** Lists known at most, over all partitions. */
  readonly listsMax: number
  readonly partitions: number
}

/** Lists looked through, amended, filled and published at once. */
const sizes = { sweep: 8_192, amend: 500, fill: 100, tell: 50 }
/** Calls of a sweep under way at a time. */
const callsMax = 4
/** Waits while the store is unwell. */
const retry = { waitMs: 100, waitMsMax: 5_000, giveUpMs: Number.POSITIVE_INFINITY }

/**
 * Keeps stored lists free of items that may not be shown any more. It knows what the lists of its process's partitions hold; when an
 * item is withdrawn or sold out, it first takes the item out of all of them, then fills them up from their reserves, then publishes
 * what it changed. Lists that show an item with a new price are held against rules about prices again. A list that is swapped in is held against the catalogue as it is then; those stored before a partition was taken
 * over are read, as fast as half the time allows. Only the process that owns a person's partition amends their lists.
 */
export class ListKeeper {
  readonly #ports: KeeperPorts
  readonly #options: KeeperOptions
  readonly #metrics: KeeperMetrics
  readonly #parts = new Map<number, KeptLists>()
  readonly #gone = new Set<number>()
  readonly #repriced = new Set<number>()
  #goneSinceMs = 0
  readonly #rest: Rest
  readonly #amending: WokenLoop
  readonly #reading: WokenLoop
  readonly #telling: WokenLoop
  #isClosed = false

  constructor(ports: KeeperPorts, options: KeeperOptions) {
    this.#ports = ports
    this.#options = options
    this.#rest = new Rest(ports.clock)
    this.#metrics = new KeeperMetrics(ports.metrics, () => [...this.#parts.values()])
    const failed = (error: unknown) => {
      if (!this.#isClosed) ports.logger.error({ error: String(error) }, 'Stored lists are not amended until the next change.')
    }
    this.#amending = new WokenLoop(() => this.#amendNext(), failed)
    const stored = new StoredLists({
      lists: ports.lists,
      rest: this.#rest,
      surface: options.surface,
      partitions: options.partitions,
      rowOf: (itemId) => ports.catalogue.catalogue.rowOf(itemId),
      found: (part, userId, list) => this.#found(part, userId, list),
      patiently: (attempt) => this.#patiently(attempt),
      isClosed: () => this.#isClosed,
    })
    this.#reading = new WokenLoop(() => stored.readNext(this.#parts), failed)
    this.#telling = new WokenLoop(() => this.#tellNext(), failed)
    ports.catalogue.onGone = (rows) => this.#itemsGone(rows)
    ports.catalogue.onRepriced = (rows) => this.#itemsRepriced(rows)
  }

  /** A partition is ours, written by that task; or, with null, no longer ours. */
  partition(partition: number, writer: ListWriter | null): void {
    this.#parts.delete(partition)
    if (writer === null || this.#isClosed) return
    const { itemsMax, listsMax, partitions } = this.#options
    this.#parts.set(partition, new KeptLists(writer, { itemsMax, listsMax: Math.ceil(listsMax / partitions) }))
    this.#reading.wake()
  }

  /** Lists of a finished batch; of those that were not swapped it is not known what is stored. */
  swapped(partition: number, { lists, texts, swapped: isSwapped, version }: SwappedLists): void {
    const part = this.#parts.get(partition)
    if (!part) return
    for (const [n, { value, companions }] of lists.entries()) {
      const list = value as ServedList
      if (list.surface !== this.#options.surface) continue
      if (!isSwapped[n]) part.strangers.add(list.userId)
      if (!isSwapped[n] || part.knows(list.userId, version)) continue // One that was read meanwhile may have been amended, too.
      const reserve = (companions[0]?.value as ServedReserve | undefined)?.items ?? []
      const rows = [...list.items, ...reserve].map(({ itemId }) => this.#ports.catalogue.catalogue.rowOf(itemId))
      const starts = itemStartsOf(texts[n]!)
      this.#hold(part, list.userId, { items: rows, starts, size: list.items.length, timeMs: list.watermarkMs, ...version })
    }
    if (part.strangers.size > 0) this.#reading.wake()
  }

  /** Resolves when nothing is to be read, amended or told. */
  async idle(): Promise<void> {
    const loops = [this.#reading, this.#amending, this.#telling]
    for (let round = 0; round < 2; round++) for (const loop of loops) await loop.idle()
  }

  /** Ends what is under way; what was to be told and is not yet stays untold. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#rest.close()
    this.#ports.catalogue.onGone = () => {}
    this.#ports.catalogue.onRepriced = () => {}
    await Promise.all([this.#reading.close(), this.#amending.close(), this.#telling.close()])
  }

  #itemsGone(rows: readonly number[]): void {
    if (this.#gone.size === 0) this.#goneSinceMs = this.#ports.clock.elapsedMs()
    for (const row of rows) this.#gone.add(row)
    this.#amending.wake()
  }

  /** Most shops have no rule about prices: then nobody's list can change. */
  #itemsRepriced(rows: readonly number[]): void {
    const { rules } = this.#ports
    const isAsked = rules.standing.specs.some(({ field }) => field === 'price' || field === 'margin')
    if (!isAsked && this.#options.limits.marginMin === 0) return
    for (const row of rows) this.#repriced.add(row)
    this.#amending.wake()
  }

  /** Knows a list from now on; answers its row, −1 where there is no room. */
  #hold(part: KeptLists, userId: string, list: HeldList): number {
    const { catalogue } = this.#ports.catalogue
    const rows = Array.from(list.items)
    const row = rows.includes(-1) ? -1 : part.take(userId, list)
    if (row < 0) {
      part.index.forget(userId)
      this.#metrics.unheld()
    } else if (!rows.slice(0, list.size).every((item) => catalogue.available(item))) {
      part.suspects.add(row)
      this.#amending.wake()
    }
    return row
  }

  /** One step of what is most urgent: items that went, lists that came in too late, gaps. */
  async #amendNext(): Promise<boolean> {
    if (this.#gone.size > 0) await this.#sweep()
    if (this.#repriced.size > 0) this.#doubtHolders()
    for (const part of this.#parts.values()) {
      const suspects = firstOf(part.suspects, sizes.amend)
      for (const row of suspects) part.suspects.delete(row)
      if (suspects.length > 0) await this.#takeOut(part, suspects)
    }
    for (const part of this.#parts.values()) {
      if (part.gaps.size === 0) continue
      await this.#fill(part, firstOf(part.gaps.keys(), sizes.fill))
      return true
    }
    return false
  }

  /** Takes the items that went out of all lists that show them, several calls at a time: the store never waits for us. */
  async #sweep(): Promise<void> {
    const { catalogue } = this.#ports.catalogue
    const sinceMs = this.#goneSinceMs
    const isGone = new Uint8Array(catalogue.size)
    for (const item of this.#gone) if (!catalogue.available(item)) isGone[item] = 1
    this.#gone.clear()
    const underWay: Promise<void>[] = []
    try {
      for (const part of this.#parts.values()) {
        for (let from = 0; from < part.index.size; from += sizes.sweep) {
          const rows = part.index.holders(isGone, from, from + sizes.sweep)
          for (let at = 0; at < rows.length; at += sizes.amend) {
            underWay.push(this.#takeOut(part, rows.slice(at, at + sizes.amend), sinceMs))
            if (underWay.length === callsMax) await underWay.shift()
          }
        }
      }
    } finally {
      await Promise.allSettled(underWay)
    }
  }

  /** Lists that show an item whose price changed are held against the rules again. */
  #doubtHolders(): void {
    const isRepriced = new Uint8Array(this.#ports.catalogue.catalogue.size)
    for (const item of this.#repriced) isRepriced[item] = 1
    this.#repriced.clear()
    for (const part of this.#parts.values())
      for (const row of part.index.holders(isRepriced, 0, part.index.size)) {
        const { items } = part.index.get(row)
        part.doubt(
          row,
          items.findIndex((item) => isRepriced[item] === 1),
        )
      }
  }

  async #takeOut(part: KeptLists, rows: readonly number[], sinceMs?: number): Promise<void> {
    const { catalogue } = this.#ports.catalogue
    const losses: { readonly row: number; readonly list: HeldList; readonly gap: ListGap }[] = []
    const amendments: ListAmendment[] = []
    for (const row of rows) {
      const list = part.index.get(row)
      const removed: ListAmendment['removed'][number][] = []
      const gone: number[] = []
      let place = -1
      for (let at = 0; at < list.size; at++) {
        const item = list.items[at]!
        if (catalogue.available(item)) continue
        if (place < 0) place = at
        gone.push(item)
        removed.push(removedItem(catalogue.items.text(item), list, at))
      }
      if (place < 0) continue
      losses.push({ row, list, gap: { gone, missing: gone.length, place } })
      amendments.push({ ...this.#place(part, row, list), removed, placed: [], effects: [] })
    }
    const isDone = await this.#amend(amendments)
    losses.forEach(({ row, list, gap }, n) => {
      if (isDone[n]) part.lose(row, list, gap)
      else part.mistake(row, list)
    })
    this.#metrics.removed(isDone, sinceMs === undefined ? undefined : this.#ports.clock.elapsedMs() - sinceMs)
    if (part.strangers.size > 0) this.#reading.wake()
  }

  async #fill(part: KeptLists, rows: readonly number[]): Promise<void> {
    const filling = rows.map((row) => {
      const list = part.index.get(row)
      const gap = part.gaps.get(row)!
      return { row, list, gap, filled: fillList(list, gap, this.#ports, this.#options) }
    })
    const work = filling.filter(isAmended)
    for (const { row, list, gap } of filling.filter((one) => !isAmended(one))) part.stands(row, list, gap)
    const isDone = await this.#amend(
      work.map(({ row, list, filled: { removed, placed, effects } }) => ({
        ...this.#place(part, row, list),
        removed,
        placed,
        effects,
      })),
    )
    for (const [n, { row, list, gap, filled }] of work.entries()) {
      if (isDone[n]) part.fill(row, list, gap, filled)
      else part.mistake(row, list)
      if (isDone[n]) this.#metrics.filled(gap, filled.size < list.size + gap.missing)
    }
    this.#telling.wake()
    if (part.strangers.size > 0) this.#reading.wake()
  }

  #place(part: KeptLists, row: number, { epoch, position }: HeldList): Pick<ListAmendment, 'key' | 'reserveKey' | 'version'> {
    const userId = part.index.keyOf(row)
    const { surface } = this.#options
    const version = { epoch, position }
    return { key: listKeys.recommendations(userId, surface), reserveKey: listKeys.reserve(userId, surface), version }
  }

  #amend(amendments: readonly ListAmendment[]): Promise<readonly boolean[]> {
    if (amendments.length === 0) return Promise.resolve([])
    return this.#patiently(() => this.#ports.lists.amend(amendments))
  }

  /** A stored list: checked as one that was swapped in, and filled if it was left half amended. */
  #found(part: KeptLists, userId: string, list: HeldList): void {
    const { catalogue } = this.#ports.catalogue
    const row = this.#hold(part, userId, list)
    const spares = Array.from(list.items).slice(list.size)
    const missing = Math.min(this.#options.shownMax - list.size, spares.filter((item) => catalogue.available(item)).length)
    if (row < 0 || missing <= 0) return
    part.gaps.set(row, { gone: [], missing, place: 0 })
    this.#amending.wake()
  }

  /** Publishes amended lists, some at a time, for no more than half of the time. */
  async #tellNext(): Promise<boolean> {
    for (const [partition, part] of this.#parts) {
      const rows = firstOf(part.untold, sizes.tell)
      if (rows.length === 0) continue
      const place = { part, partition, surface: this.#options.surface }
      const forget = () => {
        for (const row of rows) part.untold.delete(row)
      }
      const records = () => {
        forget() // Before they are read: what is amended from then on is told again.
        return amendedRecords(this.#ports, place, rows)
      }
      await this.#rest.after(async () => {
        if (!(await part.writer.sendBetween(records))) forget() // The partition is another's, or about to be.
      })
      return true
    }
    return false
  }

  /** Tries until it is done, or the keeper is closed. */
  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(this.#ports.clock, attempt, {
      ...retry,
      onRetry: (error, waitMs) => {
        if (this.#isClosed) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the list keeper was closed', { cause: error })
        this.#ports.logger.warn({ error: String(error), waitMs }, 'The list store is unwell; stored lists are amended later.')
      },
    })
  }
}

/** Whether a list is another one than before; of one that only was in doubt mostly nothing moves. */
function isAmended({ gap, filled }: { readonly gap: ListGap; readonly filled: FilledList }): boolean {
  return !isDoubt(gap) || filled.removed.length > 0 || filled.placed.length > 0
}

function firstOf<T>(values: Iterable<T>, countMax: number): T[] {
  const first: T[] = []
  for (const value of values) {
    if (first.length >= countMax) break
    first.push(value)
  }
  return first
}
