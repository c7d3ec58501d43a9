import { MillraceError } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type { LogBatch, LogRecord, OutgoingRecord, TopicSpec } from '../../ports/event-log.ts'
import type { EmbeddedDatabase } from './database.ts'

/** Record id = slot × 2^40 + offset: one integer key, so an append goes to the end of a run and a read is one range. */
const slotSize = 2 ** 40
/** What fits into a safe integer beside the offset. */
const slotsMax = 2 ** 13 - 1

const tables = `
  CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, cleanup TEXT NOT NULL, retention_ms INTEGER);
  CREATE TABLE IF NOT EXISTS slots (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0,
    cleaned_to INTEGER NOT NULL DEFAULT 0, buried_to INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition));
  CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, key TEXT, value BLOB);
  CREATE TABLE IF NOT EXISTS newest (slot INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (slot, key)) WITHOUT ROWID`

/** One partition of one topic as this process knows it; `start` and `end` follow the file (see `refresh`). */
export interface LogSlot {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number | null
  start: number
  end: number
}

/** Most that one batch holds: whichever is reached first ends it, but it has at least one record. */
export interface LogBatchLimits {
  readonly recordsMax: number
  readonly bytesMax: number
}

/** The tables of the embedded log: topics, offsets, records. Synchronous; throws what SQLite throws (the caller guards). */
export class LogStorage {
  readonly database: EmbeddedDatabase
  readonly #topics = new Map<string, LogSlot[]>()
  #version = -1

  constructor(database: EmbeddedDatabase) {
    this.database = database
    database.execute(tables)
    this.refresh()
  }

  /** Takes over what other connections have committed; true if there was anything. */
  refresh(): boolean {
    const version = this.database.dataVersion()
    if (version === this.#version) return false
    this.#load()
    this.#version = version
    return true
  }

  /** Partitions of a topic by number, or null; looks into the file for a topic that another process has just made. */
  slots(topic: string): readonly LogSlot[] | null {
    if (!this.#topics.has(topic)) this.refresh()
    return this.#topics.get(topic) ?? null
  }

  /** All partitions of all topics. */
  *allSlots(): Iterable<LogSlot> {
    for (const slots of this.#topics.values()) yield* slots
  }

  ensure(specs: readonly TopicSpec[]): void {
    this.database.transaction(() => {
      for (const spec of specs) this.#ensureTopic(spec)
    })
    this.#load()
  }

  /** Adds empty partitions up to `count`; refuses to take any away. */
  addPartitions(topic: string, count: number): void {
    this.database.transaction(() => {
      const [id, found] = this.database.row<[number, number]>('SELECT id, partitions FROM topics WHERE name = ?', topic)!
      if (found > count)
        throw new MillraceError('MILL_PARTITIONS_CHANGED', `topic ${topic} has ${found} partitions: none can be taken away`, {
          details: { topic, found, wanted: count },
        })
      this.database.run('UPDATE topics SET partitions = ? WHERE id = ?', count, id)
      this.#addSlots(id, found, count)
    })
    this.#load()
  }

  /** Appends to the end of each record's partition inside one transaction; answers the partitions that grew. */
  append(records: readonly OutgoingRecord[], nowMs: number): Set<LogSlot> {
    const touched = new Map<LogSlot, number>()
    this.database.transaction(() => {
      this.refresh() // Another process may have appended; nobody can from here to the commit.
      const insert = this.database.prepare('INSERT INTO records (id, timestamp_ms, key, value) VALUES (?, ?, ?, ?)')
      let topic: string | null = null
      let slots: readonly LogSlot[] = []
      for (const record of records) {
        if (record.topic !== topic) {
          topic = record.topic
          slots = this.#topics.get(topic) ?? []
        }
        const { partition, key, value } = record
        const slot = slots[partition]
        if (!slot) throw new MillraceError('MILL_INVARIANT', `topic ${topic} has no partition ${partition}`)
        const offset = touched.get(slot) ?? slot.end
        insert.run(slot.id * slotSize + offset, nowMs, key, value)
        touched.set(slot, offset + 1)
      }
      for (const [slot, end] of touched) this.database.run('UPDATE slots SET end_offset = ? WHERE id = ?', end, slot.id)
    })
    for (const [slot, end] of touched) slot.end = end
    return new Set(touched.keys())
  }

  /** The next batch from `from`, below `to`; crosses gaps, so it may have no record. Null if nothing lies there yet. */
  read(slot: LogSlot, from: number, to: number, limits: LogBatchLimits): LogBatch | null {
    const end = Math.min(to, slot.end)
    if (from >= end) return null
    const base = slot.id * slotSize
    const select = this.database.prepare(
      'SELECT id, timestamp_ms, key, value FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    )
    const records: LogRecord[] = []
    let bytes = 0
    let full = false
    for (const row of select.iterate(base + from, base + end, limits.recordsMax)) {
      const [id, timestampMs, key, value] = row as unknown as [number, number, string | null, Uint8Array | null]
      records.push({ offset: id - base, timestampMs, key, value })
      bytes += (value?.length ?? 0) + (key?.length ?? 0)
      full = bytes >= limits.bytesMax || records.length >= limits.recordsMax
      if (full) break
    }
    const nextOffset = full ? records.at(-1)!.offset + 1 : end
    return { topic: slot.topic, partition: slot.partition, records, nextOffset, endOffset: slot.end }
  }

  /** The id of an offset in the records table. */
  recordId(slot: LogSlot, offset: number): number {
    return slot.id * slotSize + offset
  }

  #ensureTopic({ name, partitions, cleanup, retentionMs }: TopicSpec): void {
    invariant(
      Number.isInteger(partitions) && partitions > 0,
      `topic ${name} needs a whole number of partitions above 0, not ${partitions}`,
    )
    const found = this.database.row<[number, number]>('SELECT id, partitions FROM topics WHERE name = ?', name)
    if (found && found[1] !== partitions) {
      throw new MillraceError(
        'MILL_PARTITIONS_CHANGED',
        `topic ${name} has ${found[1]} partitions, ${partitions} are asked for`,
        {
          details: { topic: name, stored: found[1], asked: partitions },
        },
      )
    }
    if (found) {
      this.database.run('UPDATE topics SET cleanup = ?, retention_ms = ? WHERE id = ?', cleanup, retentionMs ?? null, found[0])
      return
    }
    const insert = 'INSERT INTO topics (name, partitions, cleanup, retention_ms) VALUES (?, ?, ?, ?) RETURNING id'
    const [topic] = this.database.row<[number]>(insert, name, partitions, cleanup, retentionMs ?? null)!
    this.#addSlots(topic, 0, partitions)
  }

  #addSlots(topic: number, from: number, to: number): void {
    for (let partition = from; partition < to; partition++) {
      this.database.run('INSERT INTO slots (topic, partition) VALUES (?, ?)', topic, partition)
    }
    const [count] = this.database.row<[number]>('SELECT coalesce(max(id), 0) FROM slots')!
    invariant(count <= slotsMax, `the embedded log holds at most ${slotsMax} partitions of all topics together`)
  }

  /** Reads topics and offsets; a known partition keeps its object, because readers hold on to it. */
  #load(): void {
    const rows = this.database.rows<[number, string, number, 'delete' | 'compact', number | null, number, number]>(
      `SELECT slots.id, name, partition, cleanup, retention_ms, start_offset, end_offset
       FROM slots JOIN topics ON topics.id = slots.topic ORDER BY slots.id`,
    )
    for (const [id, topic, partition, cleanup, retentionMs, start, end] of rows) {
      let slots = this.#topics.get(topic)
      if (!slots) {
        slots = []
        this.#topics.set(topic, slots)
      }
      slots[partition] = Object.assign(slots[partition] ?? {}, { id, topic, partition, cleanup, retentionMs, start, end })
    }
  }
}
