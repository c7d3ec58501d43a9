import { MillraceError } from '../../core/errors.ts'
import type { GroupHandler, GroupMember, GroupOptions } from '../../ports/event-log.ts'
import type { LogCursor, LogDelivery } from './log-delivery.ts'
import type { LogSlot } from './log-storage.ts'

/** What a group needs of the log it belongs to. */
export interface LogGroupHost {
  readonly delivery: LogDelivery
  slots(topic: string): readonly LogSlot[] | null
  storeCommit(group: string, partition: number, offsets: Readonly<Record<string, number>>): Promise<void>
}

interface Member {
  readonly handler: GroupHandler
  readonly gatherMs: number
  /** Partition number → its cursors by topic. A number is here from before `assigned` until after `revoked`. */
  readonly owned: Map<number, Map<string, LogCursor>>
  /** False once it left or failed: its handler is not called any more. */
  alive: boolean
  /** Asked to stop: gets nothing new. */
  leaving: boolean
}

/**
 * One consumer group inside this process: shares the partition numbers fairly among its members and moves as few as it can.
 * Every change of the membership is one step of a chain: revoke what moves, then assign it, one call at a time.
 */
export class LogGroup {
  readonly name: string
  readonly #host: LogGroupHost
  readonly #topics: readonly string[]
  readonly #partitions: number
  #members: Member[] = []
  #steps: Promise<void> = Promise.resolve()

  constructor(name: string, topics: readonly string[], partitions: number, host: LogGroupHost) {
    this.name = name
    this.#topics = topics
    this.#partitions = partitions
    this.#host = host
  }

  get size(): number {
    return this.#members.length
  }

  get isEmpty(): boolean {
    return this.#members.length === 0
  }

  /** Adds a member; its first `assigned` comes after this returned. */
  join(options: GroupOptions): GroupMember {
    if (options.topics.join() !== this.#topics.join()) {
      throw new MillraceError(
        'MILL_INVARIANT',
        `members of group ${this.name} name different topics: ${this.#topics} and ${options.topics}`,
      )
    }
    const member: Member = {
      handler: options.handler,
      gatherMs: options.gatherMs ?? 0,
      owned: new Map(),
      alive: true,
      leaving: false,
    }
    this.#members = [...this.#members, member]
    this.#step(() => this.#rebalance())
    const cursor = (topic: string, partition: number): LogCursor | undefined => member.owned.get(partition)?.get(topic)
    return {
      pause: (topic, partition) => {
        const found = cursor(topic, partition)
        if (found) found.paused = true
      },
      resume: (topic, partition) => {
        const found = cursor(topic, partition)
        if (!found) return
        found.paused = false
        this.#host.delivery.wake()
      },
      seek: (topic, partition, offset) => {
        const found = cursor(topic, partition)
        if (!found) return
        found.next = offset
        found.restUntilMs = Number.NEGATIVE_INFINITY
        this.#host.delivery.wake()
      },
      commit: async (partition, offsets) => {
        if (member.owned.has(partition)) await this.#host.storeCommit(this.name, partition, offsets)
      },
      stop: () => this.#leave(member),
    }
  }

  /** Stops every member: no handler call after it resolves. */
  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#leave(member)))
  }

  async #leave(member: Member): Promise<void> {
    member.leaving = true
    this.#step(async () => {
      // Only now: until its partitions are revoked, no other member may be given them.
      this.#members = this.#members.filter((other) => other !== member)
      for (const partition of [...member.owned.keys()]) await this.#revoke(member, partition)
      member.alive = false
    })
    const left = this.#steps
    this.#step(() => this.#rebalance())
    await left
  }

  /** Steps run one after another; they never reject, faults go to the handler they came from. */
  #step(work: () => Promise<void>): void {
    // `join` and `stop` return before the first call of a handler.
    this.#steps = this.#steps.then(() => new Promise<void>((done) => void setImmediate(() => void work().then(done, done))))
  }

  async #rebalance(): Promise<void> {
    const owners = shares(this.#partitions, this.#members)
    for (const member of this.#members) {
      for (const partition of [...member.owned.keys()]) {
        if (owners[partition] !== member) await this.#revoke(member, partition)
      }
    }
    for (let partition = 0; partition < owners.length; partition++) {
      const owner = owners[partition]
      // A member may have left while its neighbours were served: its own step follows.
      if (owner?.alive && !owner.leaving && !owner.owned.has(partition)) await this.#assign(owner, partition)
    }
  }

  async #assign(member: Member, partition: number): Promise<void> {
    const cursors = new Map<string, LogCursor>()
    member.owned.set(partition, cursors)
    let starts: Readonly<Record<string, number>>
    try {
      starts = await member.handler.assigned(partition)
    } catch (error) {
      this.#drop(member, error)
      return
    }
    if (!member.alive) return
    for (const topic of this.#topics) {
      const slot = this.#host.slots(topic)![partition]!
      const cursor: LogCursor = {
        slot,
        next: starts[topic] ?? slot.start,
        paused: false,
        gatherMs: member.gatherMs,
        restUntilMs: Number.NEGATIVE_INFINITY,
        deliver: (batch) => member.handler.batch(batch),
        overtaken: () => this.#drop(member, overtaken(cursor)),
        failed: (error) => this.#drop(member, error),
      }
      cursors.set(topic, cursor)
      this.#host.delivery.add(cursor)
    }
  }

  async #revoke(member: Member, partition: number): Promise<void> {
    for (const cursor of member.owned.get(partition)?.values() ?? []) this.#host.delivery.remove(cursor)
    try {
      if (member.alive) await member.handler.revoked(partition)
    } catch (error) {
      this.#drop(member, error)
    }
    member.owned.delete(partition)
  }

  /** A member whose handler threw, or whose log died, is out: told once, its partitions go to the others. */
  #drop(member: Member, error: unknown): void {
    if (!member.alive) return
    member.alive = false
    this.#members = this.#members.filter((other) => other !== member)
    for (const cursors of member.owned.values()) for (const cursor of cursors.values()) this.#host.delivery.remove(cursor)
    member.owned.clear()
    this.#step(() => this.#rebalance())
    member.handler.failed(error instanceof Error ? error : new Error(String(error)))
  }
}

/** The cleaner was faster than the reader, say while it was paused. */
function overtaken({ slot, next }: LogCursor): MillraceError {
  const { topic, partition, start, end } = slot
  return new MillraceError(
    'MILL_POSITION_LOST',
    `the log holds ${topic}/${partition} from ${start} to ${end}, the stored position is ${next}`,
    { details: { topic, partition, position: next, start, end } },
  )
}

/** Who owns each partition: everyone keeps what it has up to a fair share, the rest goes to those with the least. */
function shares(partitions: number, members: readonly Member[]): (Member | undefined)[] {
  const owners = new Array<Member | undefined>(partitions).fill(undefined)
  if (members.length === 0) return owners
  const counts = new Map(members.map((member) => [member, 0]))
  const floor = Math.floor(partitions / members.length)
  let larger = partitions % members.length // So many members have one more than the others.
  for (const member of members) {
    const owned = [...member.owned.keys()].sort((a, b) => a - b)
    const share = owned.length > floor && larger > 0 ? floor + 1 : floor
    if (share > floor) larger--
    for (const partition of owned.slice(0, share)) owners[partition] = member
    counts.set(member, Math.min(owned.length, share))
  }
  for (let partition = 0; partition < partitions; partition++) {
    if (owners[partition]) continue
    const least = members.reduce((best, member) => (counts.get(member)! < counts.get(best)! ? member : best))
    owners[partition] = least
    counts.set(least, counts.get(least)! + 1)
  }
  return owners
}
