import { type Clock, systemClock } from '../../core/clock.ts'
import { type ErrorCode, MillraceError } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type {
  EventLog,
  Follower,
  FollowOptions,
  GroupMember,
  GroupOptions,
  LogBatch,
  OutgoingRecord,
  PartitionOffsets,
  TopicSpec,
} from '../../ports/event-log.ts'
import type { EmbeddedDatabase } from './database.ts'
import { LogCleaner } from './log-cleaner.ts'
import { LogDelivery } from './log-delivery.ts'
import { LogFollower } from './log-follower.ts'
import { LogGroup } from './log-group.ts'
import { type LogBatchLimits, type LogSlot, LogStorage } from './log-storage.ts'

const commitsTable = `
  CREATE TABLE IF NOT EXISTS group_offsets (
    name TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (name, topic, partition)) WITHOUT ROWID`

/** Records waiting for the commit at the end of this turn. */
const waitingMax = 1_000_000
/** The cleaner looks at 1,000 records (some milliseconds) this often, once this process has written. */
const cleanMs = 500
const cleanRecords = 1_000

interface Sending {
  readonly records: readonly OutgoingRecord[]
  resolve(): void
  reject(error: unknown): void
}

export interface EmbeddedEventLogOptions {
  readonly clock?: Clock
  /** Most records in one batch; 4,000 by default. */
  readonly batchRecordsMax?: number
  /** Most bytes of keys and values in one batch; 1 MiB by default. One larger record is a batch of its own. */
  readonly batchBytesMax?: number
}

/**
 * The event log in the embedded file. Groups live in this process; other processes may read and append beside it, and are noticed
 * within 200 ms. Make one per opened database.
 */
export class EmbeddedEventLog implements EventLog {
  readonly #database: EmbeddedDatabase
  readonly #clock: Clock
  readonly #limits: LogBatchLimits
  readonly #storage: LogStorage
  readonly #cleaner: LogCleaner
  readonly #delivery: LogDelivery
  readonly #groups = new Map<string, LogGroup>()
  readonly #followers = new Set<LogFollower>()
  #waiting: Sending[] = []
  #waitingRecords = 0
  #flush: NodeJS.Immediate | null = null
  #cancelClean: (() => void) | null = null
  #closed = false

  constructor(database: EmbeddedDatabase, options: EmbeddedEventLogOptions = {}) {
    this.#database = database
    this.#clock = options.clock ?? systemClock
    this.#limits = { recordsMax: options.batchRecordsMax ?? 4_000, bytesMax: options.batchBytesMax ?? 1_048_576 }
    invariant(this.#limits.recordsMax > 0 && this.#limits.bytesMax > 0, 'the limits of a batch must be above 0')
    this.#storage = this.#guard('open the log', () => {
      database.execute(commitsTable)
      return new LogStorage(database)
    })
    this.#cleaner = new LogCleaner(this.#storage)
    this.#delivery = new LogDelivery({
      storage: this.#storage,
      clock: this.#clock,
      limits: this.#limits,
      guard: (doing, work) => this.#guard(doing, work),
    })
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#guard('create topics', () => this.#storage.ensure(specs))
  }

  async partitions(topic: string): Promise<number> {
    return this.#slots(topic)?.length ?? 0
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    this.#required(topic)
    this.#guard('add partitions', () => this.#storage.addPartitions(topic, count))
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    this.#guard('read offsets', () => this.#storage.refresh())
    return (this.#slots(topic) ?? []).map(({ start, end }) => ({ start, end }))
  }

  /** Calls of one turn of the event loop share one transaction; each resolves after its commit. */
  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closed) throw closedError()
    if (records.length === 0) return
    this.#check(records)
    if (this.#waitingRecords + records.length > waitingMax) {
      throw new MillraceError(
        'MILL_BUFFER_FULL',
        `more than ${waitingMax} records wait to be written at once: await send before the next`,
      )
    }
    this.#waitingRecords += records.length
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject })
      this.#flush ??= setImmediate(() => this.#write())
    })
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    if (this.#closed) throw closedError()
    const counts = options.topics.map((topic) => this.#required(topic).length)
    if (counts.some((count) => count !== counts[0])) {
      const found = options.topics.map((topic, index) => `${topic}: ${counts[index]}`).join(', ')
      throw new MillraceError(
        'MILL_PARTITIONS_CHANGED',
        `topics of group ${options.group} must have equal partition counts (${found})`,
      )
    }
    let group = this.#groups.get(options.group)
    if (!group || group.isEmpty) {
      group = new LogGroup(options.group, options.topics, counts[0] ?? 0, {
        delivery: this.#delivery,
        slots: (topic) => this.#slots(topic),
        storeCommit: async (name, partition, offsets) => this.#storeCommit(name, partition, offsets),
      })
      this.#groups.set(options.group, group)
    }
    return group.join(options)
  }

  async follow(options: FollowOptions): Promise<Follower> {
    if (this.#closed) throw closedError()
    this.#guard('read offsets', () => this.#storage.refresh())
    const slots = options.topics.flatMap((topic) => this.#required(topic))
    const follower: LogFollower = new LogFollower(options, slots, this.#delivery, () => this.#followers.delete(follower))
    this.#followers.add(follower)
    return follower
  }

  async *read(topic: string, partition: number, range: { from: number; to: number }): AsyncIterable<LogBatch> {
    this.#guard('read offsets', () => this.#storage.refresh())
    const slot = this.#required(topic)[partition]
    invariant(slot, `topic ${topic} has no partition ${partition}`)
    for (let from = Math.max(range.from, slot.start); ; ) {
      const batch = this.#guard('read the log', () => this.#storage.read(slot, from, range.to, this.#limits))
      if (!batch) return
      if (batch.records.length > 0) yield batch
      from = batch.nextOffset
    }
  }

  async committed(group: string, topics: readonly string[]): Promise<Readonly<Record<string, readonly (number | null)[]>>> {
    const result: Record<string, (number | null)[]> = {}
    for (const topic of topics) result[topic] = new Array<number | null>(this.#slots(topic)?.length ?? 0).fill(null)
    const sql = 'SELECT topic, partition, next_offset FROM group_offsets WHERE name = ?'
    for (const [topic, partition, next] of this.#guard('read commits', () =>
      this.#database.rows<[string, number, number]>(sql, group),
    )) {
      const found = result[topic]
      if (found && partition < found.length) found[partition] = next
    }
    return result
  }

  async groupSize(group: string): Promise<number> {
    return this.#groups.get(group)?.size ?? 0
  }

  async deleteGroup(group: string): Promise<void> {
    this.#guard('delete a group', () => this.#database.run('DELETE FROM group_offsets WHERE name = ?', group))
  }

  /** Stops members and readers and writes what waits; the file stays open for whoever opened it. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#groups.values()].map((group) => group.stop()))
    for (const follower of [...this.#followers]) await follower.stop()
    if (this.#flush) this.#write()
    this.#cancelClean?.()
    this.#delivery.stop()
  }

  #check(records: readonly OutgoingRecord[]): void {
    let topic: string | null = null
    let slots: readonly LogSlot[] = []
    for (const record of records) {
      if (record.topic !== topic) {
        topic = record.topic
        slots = this.#required(topic)
      }
      if (slots[record.partition]) continue
      throw new MillraceError(
        'MILL_INVARIANT',
        `topic ${topic} has ${slots.length} partitions, there is no number ${record.partition}`,
      )
    }
  }

  #write(): void {
    if (this.#flush) clearImmediate(this.#flush)
    this.#flush = null
    const sendings = this.#waiting
    this.#waiting = []
    this.#waitingRecords = 0
    const records = sendings.length === 1 ? sendings[0]!.records : sendings.flatMap((sending) => sending.records)
    try {
      this.#guard('append to the log', () => this.#storage.append(records, this.#clock.nowMs()))
      for (const sending of sendings) sending.resolve()
    } catch (error) {
      for (const sending of sendings) sending.reject(error)
      return
    }
    this.#delivery.wake()
    if (!this.#closed) this.#cancelClean ??= this.#clock.after(cleanMs, () => this.#clean())
  }

  #clean(): void {
    this.#cancelClean = this.#clock.after(cleanMs, () => this.#clean())
    try {
      this.#guard('clean the log', () => this.#cleaner.clean(this.#clock.nowMs(), cleanRecords))
    } catch (error) {
      // Nobody waits for cleaning: what another process holds or a full disk refuses is tried again at the next call.
      if ((error as MillraceError).reaction !== 'retry') throw error
    }
  }

  #storeCommit(group: string, partition: number, offsets: Readonly<Record<string, number>>): void {
    const sql = `INSERT INTO group_offsets (name, topic, partition, next_offset) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset`
    this.#guard('commit offsets', () =>
      this.#database.transaction(() => {
        for (const [topic, next] of Object.entries(offsets)) this.#database.run(sql, group, topic, partition, next)
      }),
    )
  }

  #slots(topic: string): readonly LogSlot[] | null {
    return this.#guard('read topics', () => this.#storage.slots(topic))
  }

  #required(topic: string): readonly LogSlot[] {
    const slots = this.#slots(topic)
    if (!slots) throw missingTopic(topic)
    return slots
  }

  #guard<T>(doing: string, work: () => T): T {
    return this.#database.guard('MILL_LOG_UNAVAILABLE' satisfies ErrorCode, doing, work)
  }
}

function missingTopic(topic: string): MillraceError {
  return new MillraceError('MILL_NOT_FOUND', `the topic ${topic} does not exist: create it with ensureTopics`, {
    details: { topic },
  })
}

function closedError(): MillraceError {
  return new MillraceError('MILL_LOG_UNAVAILABLE', 'the log is closed')
}
