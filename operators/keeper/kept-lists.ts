import { type HeldList, HolderIndex, type HolderOptions } from '../../algorithms/holder-index.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import type { ListVersion } from '../../ports/list-store.ts'
import type { ListGap } from './fill-list.ts'

/** What the keeper asks of the task that writes a partition's lists. */
export interface ListWriter {
  /** Sends records between two batches, if the task is still ours; answers whether it did. */
  sendBetween(make: () => Promise<readonly OutgoingRecord[]>): Promise<boolean>
}

/** The lists of one partition: what they hold, and what is to be done with them. All are rows of `index`. */
export class KeptLists {
  readonly writer: ListWriter
  readonly index: HolderIndex
  /** Lists that came in with an item that has gone meanwhile. */
  readonly suspects = new Set<number>()
  /** Lists that lost items and are to be filled up. */
  readonly gaps = new Map<number, ListGap>()
  /** Amended lists that are to be published. */
  readonly untold = new Set<number>()
  /** People whose stored list is another one than the one known here. */
  readonly strangers = new Set<string>()
  /** Whether the lists that were stored before are still to be read. */
  isUnread = true

  constructor(writer: ListWriter, options: HolderOptions) {
    this.writer = writer
    this.index = new HolderIndex(options)
  }

  /** Takes a list that is newer than the one known; −1 if there is no room. What was to be done with the old one is dropped. */
  take(userId: string, list: HeldList): number {
    const row = this.index.set(userId, list)
    this.gaps.delete(row)
    this.untold.delete(row)
    this.strangers.delete(userId)
    return row
  }

  /** Whether a list of this version, or a newer one, is known. */
  knows(userId: string, { epoch, position }: ListVersion): boolean {
    const row = this.index.rowOf(userId)
    if (row < 0) return false
    const known = this.index.get(row)
    return known.epoch > epoch || (known.epoch === epoch && known.position >= position)
  }

  /** Notes that items have left a list, if it is still the one they left. */
  lose(row: number, from: HeldList, gap: ListGap): void {
    if (!isSame(this.index.get(row), from)) return
    this.index.remove(row, gap.gone)
    const before = this.gaps.get(row)
    if (!before) this.gaps.set(row, gap)
    else {
      const gone = [...before.gone, ...gap.gone]
      this.gaps.set(row, { gone, missing: before.missing + gap.missing, place: Math.min(before.place, gap.place) })
    }
  }

  /** Notes that an item at this place is not what it was: what is promised of the list is to be held again. */
  doubt(row: number, place: number): void {
    const before = this.gaps.get(row)
    this.gaps.set(row, before ? { ...before, place: Math.min(before.place, place) } : { gone: [], missing: 0, place })
  }

  /** Notes that there was nothing to fill or to move. */
  stands(row: number, from: HeldList, gap: ListGap): void {
    if (isSame(this.index.get(row), from) && this.gaps.get(row) === gap) this.gaps.delete(row)
  }

  /** Notes that a gap was filled, if the list is still the one it was in. */
  fill(row: number, from: HeldList, gap: ListGap, filled: Pick<HeldList, 'items' | 'size'>): void {
    const list = this.index.get(row)
    if (!isSame(list, from)) return
    this.index.set(this.index.keyOf(row), { ...list, items: filled.items, size: filled.size, starts: [] })
    if (this.gaps.get(row) === gap) this.gaps.delete(row)
    this.untold.add(row)
  }

  /** The stored list turned out to be another one: it has to be read. */
  mistake(row: number, from: HeldList): void {
    if (!isSame(this.index.get(row), from)) return
    const userId = this.index.keyOf(row)
    this.index.forget(userId)
    this.gaps.delete(row)
    this.untold.delete(row)
    this.strangers.add(userId)
  }
}

function isSame(a: HeldList, b: HeldList): boolean {
  return a.epoch === b.epoch && a.position === b.position
}
