import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, Kafka } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { GroupMember, GroupOptions, PartitionOffsets } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import { coPartitionAssignor } from './co-partition-assignor.ts'
import { backoffMs, passes, unavailable } from './kafka-error.ts'
import { type FetchLimits, PartitionFetcher } from './partition-fetcher.ts'
import { removeGroupMembers } from './remove-group-members.ts'

export interface KafkaGroupMemberOptions {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: FetchLimits
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  readonly partitionCount: number
  readonly group: GroupOptions
  /** Oldest and next offset of every partition of a topic, now. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
}

/** How long the last call of kafkajs at stop may take before we leave without it: the session time-out then removes us. */
const leaveTimeoutMs = 5_000
/** The first answer after a doubt may belong to a heartbeat that was sent before it. */
const confirmingBeats = 2

/**
 * One membership in a Kafka consumer group. kafkajs' consumer is used only for what a group is (joining, heartbeats, commits): all
 * its partitions stay paused, and a fetcher of our own reads them. So no handler can hold a heartbeat up, no batch of an earlier
 * assignment arrives after a rebalance, and no offset is ever reset: positions come from the handler alone.
 */
export class KafkaGroupMember implements GroupMember {
  readonly #options: KafkaGroupMemberOptions
  readonly #fetcher: PartitionFetcher
  #consumer: Consumer
  #memberId = ''
  /** Given to us by the newest assignment. */
  #wanted = new Set<number>()
  /** Known to the handler: from before `assigned` until after `revoked`. */
  readonly #owned = new Set<number>()
  /** Known to the handler, but somebody else may have had it meanwhile. */
  readonly #lost = new Set<number>()
  /** Taken away from the handler by somebody else: partition → heartbeats that the group has answered since. */
  readonly #doubted = new Map<number, number>()
  /** What the group was last told of each partition: topic → offset. Nothing new is no request. */
  readonly #committed = new Map<number, Readonly<Record<string, number>>>()
  #reconciling: Promise<void> | null = null
  /** Offsets by topic, for one run of `#steps`: partitions that are opened together share a look. */
  readonly #snapshots = new Map<string, Promise<readonly PartitionOffsets[]>>()
  #restarts = 0
  #cancelRestart: () => void = () => {}
  #stopping = false
  #dead = false

  private constructor(options: KafkaGroupMemberOptions) {
    this.#options = options
    const { handler, topics } = options.group
    this.#fetcher = new PartitionFetcher({
      kafka: options.kafka,
      topics,
      clock: options.clock,
      logger: options.logger,
      limits: options.limits,
      gatherMs: options.group.gatherMs,
      deliver: (batch) => handler.batch(batch),
      failed: (error) => this.#fail(error),
    })
    this.#consumer = this.#newConsumer()
  }

  /** Joins the group; resolves when the group has answered. Errors: `MILL_LOG_UNAVAILABLE`. */
  static async join(options: KafkaGroupMemberOptions): Promise<KafkaGroupMember> {
    const member = new KafkaGroupMember(options)
    try {
      await member.#fetcher.start()
      await member.#start()
    } catch (error) {
      await member.stop()
      throw unavailable(`join group ${options.group.group}`, error)
    }
    return member
  }

  pause(topic: string, partition: number): void {
    this.#fetcher.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.#fetcher.resume(topic, partition)
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#fetcher.seek(topic, partition, offset)
  }

  reclaim(partition: number): void {
    if (this.#owned.has(partition)) this.#doubted.set(partition, 0)
  }

  async commit(partition: number, offsets: Readonly<Record<string, number>>): Promise<void> {
    if (!this.#owned.has(partition) || !this.#wanted.has(partition) || this.#lost.has(partition)) return
    const known = this.#committed.get(partition)
    const moved = Object.entries(offsets).filter(([topic, offset]) => known?.[topic] !== offset)
    if (moved.length === 0) return
    try {
      await this.#consumer.commitOffsets(moved.map(([topic, offset]) => ({ topic, partition, offset: String(offset) })))
      if (this.#owned.has(partition)) this.#committed.set(partition, { ...known, ...offsets })
    } catch (error) {
      // A rebalance or an absent broker: the stored positions decide, and the next commit carries newer ones.
      this.#options.logger.debug({ partition, error: (error as Error).message }, 'offsets for lag tools were not committed')
    }
  }

  async stop(): Promise<void> {
    if (this.#stopping) {
      await this.#reconciling
      return
    }
    this.#stopping = true
    this.#cancelRestart()
    this.#wanted = new Set()
    await this.#reconcile() // Work is handed back before the group gives it to somebody else.
    // At once: what we had stands still until the group has heard of it.
    await Promise.all([this.#leave(), this.#fetcher.stop()])
  }

  #newConsumer(): Consumer {
    const { kafka, group, sessionTimeoutMs, heartbeatMs } = this.#options
    const consumer = kafka.consumer({
      groupId: group.group,
      partitionAssigners: [coPartitionAssignor(() => [...this.#owned])],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      // With everything paused the wait is only how often a heartbeat is due; a due one is always old enough to be sent.
      maxWaitTimeInMs: heartbeatMs,
      heartbeatInterval: heartbeatMs * 0.8,
      allowAutoTopicCreation: false,
      // Our own supervision restarts it, see #crashed.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
    })
    consumer.on(consumer.events.GROUP_JOIN, (event) => this.#joined(consumer, event))
    consumer.on(consumer.events.HEARTBEAT, () => this.#confirmed(consumer))
    consumer.on(consumer.events.CRASH, (event) => this.#crashed(consumer, event))
    return consumer
  }

  async #start(): Promise<void> {
    const consumer = this.#consumer
    await consumer.connect()
    await consumer.subscribe({ topics: [...this.#options.group.topics], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} })
  }

  /** Called by kafkajs between the group's answer and its next step: so it never fetches by itself. */
  #joined(consumer: Consumer, { payload }: ConsumerGroupJoinEvent): void {
    if (consumer !== this.#consumer || this.#stopping || this.#dead) return
    const { group, partitionCount, logger } = this.#options
    consumer.pause(group.topics.map((topic) => ({ topic })))
    this.#restarts = 0
    const numbers = group.topics.flatMap((topic) => payload.memberAssignment[topic] ?? [])
    // A number beyond the count that we know never reaches the handler; #checkCounts says why.
    const partitions = new Set(numbers.filter((partition) => partition < partitionCount))
    logger.info({ group: group.group, partitions: [...partitions] }, 'joined the group')
    // Under a new member id we were out of the group for a while: whatever we had may have been somebody else's.
    const sameMember = payload.memberId === this.#memberId
    this.#memberId = payload.memberId
    for (const partition of this.#owned)
      if (!sameMember || !partitions.has(partition) || this.#doubted.has(partition)) this.#lost.add(partition)
    this.#doubted.clear()
    this.#wanted = partitions
    void this.#reconcile()
    void this.#checkCounts()
  }

  /** The group has answered a heartbeat, so the newest assignment holds: what others took of it, wrongly, is taken back. */
  #confirmed(consumer: Consumer): void {
    if (consumer !== this.#consumer || this.#stopping || this.#dead) return
    for (const [partition, beats] of this.#doubted) {
      this.#doubted.set(partition, beats + 1)
      if (beats + 1 < confirmingBeats) continue
      this.#doubted.delete(partition)
      this.#lost.add(partition)
    }
    if (this.#lost.size > 0) void this.#reconcile()
  }

  /** A topic that grew moves keys to other partitions: whoever has work open must stop, also where its own numbers stay. */
  async #checkCounts(): Promise<void> {
    const { group, partitionCount, offsets, logger } = this.#options
    for (const topic of group.topics) {
      try {
        const found = (await offsets(topic)).length
        if (found !== partitionCount) this.#fail(countsChanged(group.group, topic, partitionCount, found))
      } catch (error) {
        logger.debug({ topic, error: (error as Error).message }, 'partition counts were not checked')
      }
    }
  }

  /**
   * Brings the handler's partitions in line with the newest assignment: lost ones go one by one, then all gained ones are opened at
   * once, since each stands still until it is open. A newer assignment cuts in between.
   */
  #reconcile(): Promise<void> {
    this.#reconciling ??= this.#steps()
    return this.#reconciling
  }

  async #steps(): Promise<void> {
    // `join` returns before the first call of a handler.
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#snapshots.clear()
    for (;;) {
      const gone = [...this.#owned].find((partition) => this.#lost.has(partition) || !this.#wanted.has(partition))
      const gained = this.#dead ? [] : [...this.#wanted].filter((partition) => !this.#owned.has(partition))
      if (gone === undefined && gained.length === 0) {
        this.#reconciling = null // In the same turn as the look above, so no assignment falls in between.
        return
      }
      if (gone !== undefined) await this.#revoke(gone).catch((error) => this.#fail(error))
      else await Promise.all(gained.map((partition) => this.#assign(partition).catch((error) => this.#fail(error))))
    }
  }

  async #revoke(partition: number): Promise<void> {
    const { handler, topics } = this.#options.group
    for (const topic of topics) this.#fetcher.remove(topic, partition)
    try {
      if (!this.#dead) await handler.revoked(partition)
    } finally {
      this.#owned.delete(partition)
      this.#committed.delete(partition)
      this.#lost.delete(partition)
      this.#doubted.delete(partition)
    }
  }

  async #assign(partition: number): Promise<void> {
    const { handler, topics } = this.#options.group
    this.#owned.add(partition)
    const positions = await handler.assigned(partition)
    const stillOurs = () => this.#wanted.has(partition) && !this.#lost.has(partition) && !this.#dead
    if (!stillOurs()) return
    const checked = await this.#checked(partition, positions)
    if (!stillOurs()) return
    for (const topic of topics) this.#fetcher.add(topic, partition, checked.get(topic)!)
  }

  /** The positions to read from; one that the log no longer holds is refused, never replaced by another. */
  async #checked(partition: number, positions: Readonly<Record<string, number>>): Promise<Map<string, number>> {
    const checked = new Map<string, number>()
    for (const topic of this.#options.group.topics) {
      const position = positions[topic]
      let held = await this.#held(topic, partition)
      const isHeld = () => position === undefined || (position >= held.start && position <= held.end)
      if (!isHeld()) {
        this.#snapshots.delete(topic) // The look was older than the position: look again.
        held = await this.#held(topic, partition)
      }
      if (!isHeld()) {
        const { start, end } = held
        throw new MillraceError(
          'MILL_POSITION_LOST',
          `the log holds ${topic}/${partition} from ${start} to ${end}, the stored position is ${position}`,
          { details: { topic, partition, position, start, end } },
        )
      }
      checked.set(topic, position ?? held.start)
    }
    return checked
  }

  /** What the log holds of a partition, from one look per topic and assignment; waits while Kafka is away. */
  async #held(topic: string, partition: number): Promise<PartitionOffsets> {
    for (let failures = 0; ; failures++) {
      try {
        const asking = this.#snapshots.get(topic) ?? this.#options.offsets(topic)
        this.#snapshots.set(topic, asking)
        return (await asking)[partition] ?? { start: 0, end: 0 }
      } catch (error) {
        this.#snapshots.delete(topic)
        const waitMs = backoffMs(failures)
        if (!this.#wanted.has(partition) || this.#dead || !passes(error)) throw error
        this.#options.logger.warn({ topic, waitMs, error: (error as Error).message }, 'waiting for Kafka: no offsets yet')
        await new Promise<void>((resolve) => this.#options.clock.after(waitMs, resolve))
      }
    }
  }

  /** kafkajs gave up. What passes is tried again for ever, with a new consumer; the rest is final. */
  #crashed(consumer: Consumer, { payload }: ConsumerCrashEvent): void {
    if (consumer !== this.#consumer || this.#stopping || this.#dead) return
    if (!passes(payload.error)) {
      this.#fail(payload.error)
      return
    }
    this.#restartLater(payload.error)
  }

  #restartLater(error: Error): void {
    const waitMs = backoffMs(this.#restarts++)
    this.#options.logger.warn({ waitMs, error: error.message }, 'waiting for Kafka: the group membership is gone')
    this.#cancelRestart = this.#options.clock.after(waitMs, () => {
      this.#restart().catch((cause) => {
        if (this.#stopping || this.#dead) return
        if (passes(cause)) this.#restartLater(cause)
        else this.#fail(cause)
      })
    })
  }

  async #restart(): Promise<void> {
    const { kafka, group } = this.#options
    await this.#consumer.disconnect().catch(() => {})
    // The crashed membership could not say goodbye; the group would wait for it.
    if (this.#memberId !== '') await removeGroupMembers(kafka, group.group, [this.#memberId])
    if (this.#stopping || this.#dead) return
    this.#consumer = this.#newConsumer()
    await this.#start()
  }

  async #leave(): Promise<void> {
    let cancel: () => void = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(leaveTimeoutMs, resolve)
    })
    await Promise.race([this.#consumer.disconnect().catch(() => {}), late])
    cancel()
  }

  #fail(error: unknown): void {
    if (this.#dead || this.#stopping) return
    this.#dead = true
    this.#wanted = new Set()
    void this.#fetcher.stop()
    void this.#leave()
    this.#options.group.handler.failed(error instanceof Error ? error : new Error(String(error)))
  }
}

function countsChanged(group: string, topic: string, wanted: number, found: number): MillraceError {
  return new MillraceError(
    'MILL_PARTITIONS_CHANGED',
    `topic ${topic} of group ${group} has ${found} partitions now, not ${wanted}: drain, move the keys, then start again`,
    { details: { group, topic, found, wanted } },
  )
}
