/** A topic as the log must hold it. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /**
   * `delete` drops records older than `retentionMs`; `compact` keeps the newest value of each key for ever, and leaves records younger than
   * `retentionMs` alone. Absent: nothing is dropped, and compaction waits for nothing.
   */
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs?: number
}

/** One record read from the log. `value` null is a tombstone. */
export interface LogRecord {
  readonly offset: number
  /** When the log took the record, milliseconds since 1970. Not the event time. */
  readonly timestampMs: number
  readonly key: string | null
  readonly value: Uint8Array | null
}

/** Consecutive records of one partition; offsets may have gaps (compaction, control records). */
export interface LogBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** The first offset after this batch: also crosses control records and gaps. */
  readonly nextOffset: number
  /** The end of the partition when the batch was read: `endOffset - nextOffset` is the lag. */
  readonly endOffset: number
}

/** One record to append. The caller chooses the partition (see core/partition-for.ts), so all connectors agree. */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly value: Uint8Array | null
}

/** The offsets a partition holds now: `start` is the oldest one kept, `end` the next one to be written. */
export interface PartitionOffsets {
  readonly start: number
  readonly end: number
}

/**
 * What a group member does. Partition *numbers* are assigned: partition p of every topic of the group belongs to one member
 * (co-partitioning). Calls for one partition never overlap; several may be assigned at once, and `batch` may arrive for one partition
 * while another is being assigned. Nothing is revoked while anything is being assigned.
 */
export interface GroupHandler {
  /** New partition numbers: answers where to read each topic from, as topic → next offset. No batch arrives before. */
  assigned(partition: number): Promise<Readonly<Record<string, number>>>
  /** The partition number now belongs to somebody else: finish or drop its work. */
  revoked(partition: number): Promise<void>
  /** Takes a batch at once (synchronously). To stop the flow call `pause`; at most one more batch per topic then arrives. */
  batch(batch: LogBatch): void
  /** The consumer is dead and cannot mend itself. */
  failed(error: Error): void
}

/** A running membership in a consumer group. */
export interface GroupMember {
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** The next batch of that partition starts at `offset`; batches read before are not delivered any more. */
  seek(topic: string, partition: number, offset: number): void
  /** Stores positions for lag tools only; never decides what is processed. Ignores partitions not owned any more. */
  commit(partition: number, offsets: Readonly<Record<string, number>>): Promise<void>
  /**
   * Somebody else took this partition's work away from the handler: once the group has said that it is still ours, it is revoked and
   * assigned anew. Absent where a group cannot have members in other processes.
   */
  reclaim?(partition: number): void
  /** Leaves the group: no handler call after it resolves, except `revoked` for what was owned, before it resolves. */
  stop(): Promise<void>
}

export interface GroupOptions {
  readonly group: string
  /** Co-partitioned topics: equal partition counts, or `MILL_PARTITIONS_CHANGED`. */
  readonly topics: readonly string[]
  readonly handler: GroupHandler
  /** Milliseconds that new records may lie in the log to be read with others, 0 by default: each read costs, however little it brings. */
  readonly gatherMs?: number
}

export interface FollowOptions {
  /** Names the reader in logs and in its throw-away group. */
  readonly name: string
  readonly topics: readonly string[]
  /** Milliseconds that new records may lie in the log to be read with others, 0 by default: each read costs, however little it brings. */
  readonly gatherMs?: number
  /** Takes a batch, synchronously, in offset order per partition. */
  batch(batch: LogBatch): void
  failed(error: Error): void
}

/** A reader of every partition from the oldest record on, outside any group: for tables. */
export interface Follower {
  /** Resolves once everything that was in the log when `follow` was called has been delivered. */
  readonly caughtUp: Promise<void>
  stop(): Promise<void>
}

/**
 * The event log: partitioned, ordered, durable (Kafka, or one SQLite file).
 * Errors: `MILL_LOG_UNAVAILABLE` after the connector's own bounded retries.
 */
export interface EventLog {
  /** Creates what is missing; a topic with another partition count is refused (`MILL_PARTITIONS_CHANGED`). */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>
  /** Partition count of a topic, or 0 if it does not exist. */
  partitions(topic: string): Promise<number>
  /**
   * Gives a topic more, empty partitions; records stay where they are. Does nothing if it has so many. A count below the present
   * one is refused (`MILL_PARTITIONS_CHANGED`), a missing topic too (`MILL_NOT_FOUND`).
   */
  addPartitions(topic: string, count: number): Promise<void>
  /** Offsets of each partition of a topic, by partition number. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
  /** Appends all records, in order per partition; resolves once the log holds them durably (acks=all). Calls are serialised. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  join(options: GroupOptions): Promise<GroupMember>
  follow(options: FollowOptions): Promise<Follower>
  /** Reads one partition from `from` up to, not including, `to`: for verify, export and the CLI. */
  read(topic: string, partition: number, range: { from: number; to: number }): AsyncIterable<LogBatch>
  /** Committed offsets of a group: topic → by partition number (null where none). */
  committed(group: string, topics: readonly string[]): Promise<Readonly<Record<string, readonly (number | null)[]>>>
  /** How many members a group has now; the embedded log knows only those of this process. */
  groupSize(group: string): Promise<number>
  /** Forgets a group's committed offsets and members left behind. */
  deleteGroup(group: string): Promise<void>
  close(): Promise<void>
}
