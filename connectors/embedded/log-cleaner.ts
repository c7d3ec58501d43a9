import type { LogSlot, LogStorage } from './log-storage.ts'

type Row = readonly [id: number, timestampMs: number, ...unknown[]]
type KeyedRow = readonly [id: number, timestampMs: number, key: string | null]

/** How long a tombstone stays after it was written, so that every reader meets it. */
const tombstoneMs = 86_400_000

/**
 * Keeps the embedded log small, a bounded piece of work at a time: drops what is older than a topic's retention and, in compacted
 * topics, all but the newest record of each key, leaving those younger than the retention alone. The last record of a compacted partition
 * always stays; offsets keep gaps.
 */
export class LogCleaner {
  readonly #storage: LogStorage
  #next = 0

  constructor(storage: LogStorage) {
    this.#storage = storage
  }

  /** Looks at no more than `recordsMax` records, going on where the last call stopped; answers how many it removed. */
  clean(nowMs: number, recordsMax: number): number {
    const slots = [...this.#storage.allSlots()]
    if (slots.length === 0) return 0
    let budget = recordsMax
    let removed = 0
    const starts = new Map<LogSlot, number>()
    this.#storage.database.transaction(() => {
      this.#storage.refresh()
      for (let count = 0; count < slots.length && budget > 0; count++) {
        const slot = slots[this.#next++ % slots.length]!
        const done = slot.cleanup === 'compact' ? this.#compact(slot, nowMs, budget) : this.#expire(slot, nowMs, budget, starts)
        budget -= done.seen
        removed += done.removed
      }
    })
    for (const [slot, start] of starts) slot.start = start
    return removed
  }

  #expire(slot: LogSlot, nowMs: number, recordsMax: number, starts: Map<LogSlot, number>): { seen: number; removed: number } {
    if (slot.retentionMs === null) return { seen: 0, removed: 0 }
    const old = this.#older<Row>('', slot, {
      from: slot.start,
      to: slot.end,
      beforeMs: nowMs - slot.retentionMs,
      limit: recordsMax,
    })
    const removed = old.length
    if (removed === 0) return { seen: 1, removed }
    const last = old.at(-1)![0]
    const start = last + 1 - this.#storage.recordId(slot, 0)
    this.#storage.database.run('DELETE FROM records WHERE id >= ? AND id <= ?', this.#storage.recordId(slot, slot.start), last)
    this.#storage.database.run('UPDATE slots SET start_offset = ? WHERE id = ?', start, slot.id)
    starts.set(slot, start)
    return { seen: removed, removed }
  }

  /** Walks over records not looked at yet: each one makes the older record of its key superfluous. */
  #compact(slot: LogSlot, nowMs: number, recordsMax: number): { seen: number; removed: number } {
    const { database } = this.#storage
    const [cleanedTo] = database.row<[number]>('SELECT cleaned_to FROM slots WHERE id = ?', slot.id)!
    const rows = this.#settled(slot, nowMs, cleanedTo, recordsMax)
    const find = database.prepare('SELECT at FROM newest WHERE slot = ? AND key = ?')
    const put = database.prepare('INSERT INTO newest (slot, key, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at')
    const remove = database.prepare('DELETE FROM records WHERE id = ?')
    let removed = 0
    for (const [id, , key] of rows) {
      if (key === null) continue // Has no key to be newest of: stays, as no one can replace it.
      const older = find.get(slot.id, key) as unknown as [number] | undefined
      if (older) removed += Number(remove.run(older[0]).changes)
      put.run(slot.id, key, id)
    }
    if (rows.length > 0) {
      const next = rows.at(-1)![0] + 1 - this.#storage.recordId(slot, 0)
      database.run('UPDATE slots SET cleaned_to = ? WHERE id = ?', next, slot.id)
    }
    removed += this.#bury(slot, nowMs, cleanedTo, recordsMax)
    return { seen: rows.length, removed }
  }

  /** Records from `from` on that compaction need not wait for, the last one of the partition never among them. */
  #settled(slot: LogSlot, nowMs: number, from: number, recordsMax: number): KeyedRow[] {
    const beforeMs = slot.retentionMs === null ? Number.POSITIVE_INFINITY : nowMs - slot.retentionMs + 1
    return this.#older<KeyedRow>(', key', slot, { from, to: slot.end - 1, beforeMs, limit: recordsMax })
  }

  /** Removes tombstones that are old enough, among what is compacted already. */
  #bury(slot: LogSlot, nowMs: number, cleanedTo: number, recordsMax: number): number {
    const { database } = this.#storage
    const [buriedTo] = database.row<[number]>('SELECT buried_to FROM slots WHERE id = ?', slot.id)!
    const range = { from: buriedTo, to: cleanedTo, beforeMs: nowMs - tombstoneMs, limit: recordsMax }
    const old = this.#older<readonly [...KeyedRow, number]>(', key, value IS NULL', slot, range)
    if (old.length === 0) return 0
    let removed = 0
    for (const [id, , key, tombstone] of old) {
      if (!tombstone || key === null) continue
      removed += database.run('DELETE FROM records WHERE id = ?', id)
      database.run('DELETE FROM newest WHERE slot = ? AND key = ? AND at = ?', slot.id, key, id)
    }
    const next = old.at(-1)![0] + 1 - this.#storage.recordId(slot, 0)
    database.run('UPDATE slots SET buried_to = ? WHERE id = ?', next, slot.id)
    return removed
  }

  /** The first records from an offset on, with further columns, until one is as young as `beforeMs`: nothing behind it is read. */
  #older<R extends Row>(
    columns: string,
    slot: LogSlot,
    range: { readonly from: number; readonly to: number; readonly beforeMs: number; readonly limit: number },
  ): R[] {
    const id = (offset: number): number => this.#storage.recordId(slot, offset)
    const sql = `SELECT id, timestamp_ms${columns} FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`
    const old: R[] = []
    for (const row of this.#storage.database.prepare(sql).iterate(id(range.from), id(range.to), range.limit)) {
      const found = row as unknown as R
      if (found[1] >= range.beforeMs) break
      old.push(found)
    }
    return old
  }
}
