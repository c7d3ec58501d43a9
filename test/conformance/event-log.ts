import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventLog, GroupMember, LogBatch, LogRecord, OutgoingRecord } from '../../ports/event-log.ts'
import { GroupLedger, GroupRecorder } from './group-recorder.ts'
import { waitUntil } from './wait-until.ts'

export interface EventLogConformance {
  /** Another connection to the same log at each call; its `close` releases everything it opened. */
  open(): Promise<EventLog>
  /** True if a partition is never assigned to one member before another of this process was revoked. */
  readonly strictHandover: boolean
}

/** Every promise of ports/event-log.ts as a case; topics and groups get names of their own, so the log may hold anything else. */
export function eventLogConformance(name: string, { open, strictHandover }: EventLogConformance): void {
  describe(`EventLog: ${name}`, () => {
    let log: EventLog
    let other: EventLog

    beforeAll(async () => {
      log = await open()
      other = await open()
    })
    afterAll(async () => {
      await log?.close()
      await other?.close()
    })

    const newTopic = async (partitions: number, cleanup: 'delete' | 'compact' = 'delete'): Promise<string> => {
      const topic = newName('topic')
      await log.ensureTopics([{ name: topic, partitions, cleanup }])
      return topic
    }

    describe('topics', () => {
      it('ensureTopics creates what is missing, is content with what exists and refuses another partition count', async () => {
        const topic = newName('topic')
        expect(await log.partitions(topic)).toBe(0)
        const spec = { name: topic, partitions: 3, cleanup: 'delete', retentionMs: 86_400_000 } as const
        await log.ensureTopics([spec])
        await other.ensureTopics([spec])
        expect(await log.partitions(topic)).toBe(3)
        expect(await other.partitions(topic)).toBe(3)
        expect(await log.offsets(topic)).toEqual([0, 1, 2].map(() => ({ start: 0, end: 0 })))
        await expect(log.ensureTopics([{ ...spec, partitions: 4 }])).rejects.toMatchObject({ code: 'MILL_PARTITIONS_CHANGED' })
        expect(await log.partitions(topic)).toBe(3)
      })

      it('addPartitions adds empty ones that take records at once, may be repeated, and takes none away', async () => {
        const topic = await newTopic(2)
        await log.send(numbered(topic, 10, 0, () => 1))
        await log.addPartitions(topic, 5)
        await log.addPartitions(topic, 5)
        expect(await log.partitions(topic)).toBe(5)
        expect((await log.offsets(topic)).map(({ end }) => end)).toEqual([0, 10, 0, 0, 0])
        await log.send(numbered(topic, 3, 0, () => 4))
        expect((await readAll(log, topic, 4)).map(textOf)).toEqual(['0', '1', '2'])
        expect(await readAll(log, topic, 1)).toHaveLength(10)
        await expect(log.addPartitions(topic, 4)).rejects.toMatchObject({ code: 'MILL_PARTITIONS_CHANGED' })
        await expect(log.addPartitions(newName('topic'), 4)).rejects.toMatchObject({ code: 'MILL_NOT_FOUND' })
        expect(await log.partitions(topic)).toBe(5)
      })
    })

    describe('send and read', () => {
      it('keeps keys, values, tombstones and every byte, with the time the log took them', async () => {
        const topic = await newTopic(1)
        const every = Uint8Array.from({ length: 256 }, (_, index) => index)
        const values = [every, null, Uint8Array.from([0]), new Uint8Array(100_000).fill(7)]
        const keys = ['user-1', 'naïve 日本', null, '']
        const beforeMs = Date.now()
        await log.send(values.map((value, index) => ({ topic, partition: 0, key: keys[index]!, value })))
        const records = await readAll(other, topic, 0)
        expect(records.map(({ key }) => key)).toEqual(keys)
        expect(records.map(({ value }) => value && Uint8Array.from(value))).toEqual(values)
        for (const { timestampMs } of records) {
          expect(timestampMs).toBeGreaterThan(beforeMs - 5_000)
          expect(timestampMs).toBeLessThan(Date.now() + 5_000)
        }
      })

      it('keeps the order of a partition, also over calls that were not waited for, and reads any range of it', async () => {
        const topic = await newTopic(2)
        await Promise.all(Array.from({ length: 40 }, (_, n) => log.send(numbered(topic, 25, n * 25, (i) => i % 2))))
        for (const partition of [0, 1]) {
          const records = await readAll(other, topic, partition)
          expect(records.map(textOf)).toEqual(Array.from({ length: 500 }, (_, i) => String(2 * i + partition)))
          const offsets = records.map(({ offset }) => offset)
          expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
          const [from, to] = [offsets[100]!, offsets[250]!]
          expect((await readAll(log, topic, partition, { from, to })).map(textOf)).toEqual(records.slice(100, 250).map(textOf))
          expect(await readAll(log, topic, partition, { from, to: from })).toEqual([])
          const { start, end } = (await other.offsets(topic))[partition]!
          expect(start).toBeLessThanOrEqual(offsets[0]!)
          expect(end).toBeGreaterThan(offsets.at(-1)!)
          expect(await readAll(log, topic, partition, { from: end, to: end + 100 })).toEqual([])
        }
      })

      it('takes no records, and several topics in one call', async () => {
        const [a, b] = [await newTopic(1), await newTopic(2)]
        await log.send([])
        await log.send([...numbered(a, 3, 0, () => 0), ...numbered(b, 4, 10, (i) => i % 2)])
        expect((await readAll(log, a, 0)).map(textOf)).toEqual(['0', '1', '2'])
        expect((await readAll(log, b, 1)).map(textOf)).toEqual(['11', '13'])
      })
    })

    describe('follow', () => {
      it('delivers everything from the oldest record on, then what is appended, by any connection', async () => {
        const [full, empty] = [await newTopic(3), await newTopic(1)]
        await log.send(numbered(full, 6_000, 0, (i) => i % 3))
        const table = new FollowedTable()
        const follower = await other.follow({ name: newName('table'), topics: [full, empty], ...table.handler })
        await follower.caughtUp
        expect(table.texts.size).toBe(6_000)
        await log.send([...numbered(full, 30, 6_000, (i) => i % 3), ...numbered(empty, 5, 7_000, () => 0)])
        await waitUntil('the follower has what came later', () => table.texts.size === 6_035)
        await follower.stop()
        expect(table.faults).toEqual([])
        expect(table.count).toBe(6_035)
      })

      it('has caught up at once where there is nothing, and is silent after stop', async () => {
        const topic = await newTopic(2)
        const [table, witness] = [new FollowedTable(), new FollowedTable()]
        const follower = await log.follow({ name: newName('table'), topics: [topic], ...table.handler })
        const second = await log.follow({ name: newName('table'), topics: [topic], ...witness.handler })
        await Promise.all([follower.caughtUp, second.caughtUp])
        await follower.stop()
        await log.send(numbered(topic, 10, 0, (i) => i % 2))
        await waitUntil('the other follower sees the records', () => witness.count === 10)
        await second.stop()
        expect(table.count).toBe(0)
        expect([...table.faults, ...witness.faults]).toEqual([])
      })
    })

    describe('one member of a group', () => {
      it('reads every partition from the positions its handler answers, not from committed offsets', async () => {
        const group = new TestGroup([await newTopic(3), await newTopic(3)], 3, strictHandover)
        const [a, b] = group.topics as [string, string]
        await log.send([...numbered(a, 90, 0, (i) => i % 3), ...numbered(b, 90, 0, (i) => i % 3)])
        const from = (await readAll(log, a, 1))[10]!.offset
        group.ledger.positions[a]![1] = from
        const member = await group.join(log, 'only')
        await waitUntil('everything is delivered', () => group.ledger.seen.length === 170)
        expect(group.ledger.offsets(a, 1)[0]).toBe(from)
        const next = Object.fromEntries(group.topics.map((topic) => [topic, group.ledger.positions[topic]![1]!]))
        await member.commit(1, next)
        await group.leave('only')
        expect(await other.committed(group.name, group.topics)).toEqual({
          [a]: [null, next[a], null],
          [b]: [null, next[b], null],
        })

        group.ledger.seen.length = 0
        for (const topic of group.topics) group.ledger.positions[topic]!.fill(0)
        await group.join(other, 'again')
        await waitUntil('everything is delivered again', () => group.ledger.seen.length === 180)
        await group.leave('again')
        await log.deleteGroup(group.name)
        expect(await log.committed(group.name, [a])).toEqual({ [a]: [null, null, null] })
        expect(group.ledger.faults).toEqual([])
      })

      it('goes on after a restart exactly where the handler left off', async () => {
        const group = new TestGroup([await newTopic(2)], 2, strictHandover)
        const topic = group.topics[0]!
        await group.join(log, 'first')
        await log.send(numbered(topic, 50, 0, (i) => i % 2))
        await waitUntil('the first member has all', () => group.ledger.seen.length === 50)
        await group.leave('first')
        await log.send(numbered(topic, 50, 50, (i) => i % 2))
        await group.join(other, 'second')
        await waitUntil('the second member has the rest', () => group.ledger.seen.length === 100)
        await group.leave('second')
        expect(new Set(group.ledger.seen).size).toBe(100)
        expect(group.ledger.faults).toEqual([])
      })

      it('delivers at most one more batch of a paused partition, lets the others flow and loses nothing on resume', async () => {
        const group = new TestGroup([await newTopic(2)], 2, strictHandover)
        const topic = group.topics[0]!
        const member = await group.join(log, 'only')
        await log.send(numbered(topic, 20, 0, (i) => i % 2))
        await waitUntil('both partitions flow', () => group.ledger.seen.length === 20)
        member.pause(topic, 0)
        const before = group.recorder('only').batches.length
        for (let n = 1; n <= 10; n++) {
          await log.send(numbered(topic, 20, n * 20, (i) => i % 2))
          await waitUntil('the other partition flows', () => group.ledger.offsets(topic, 1).length === (n + 1) * 10)
        }
        const after = group.recorder('only').batches.slice(before)
        expect(after.filter(({ partition }) => partition === 0).length).toBeLessThanOrEqual(1)
        member.resume(topic, 0)
        await waitUntil('the paused partition catches up', () => group.ledger.offsets(topic, 0).length === 110)
        await group.leave('only')
        expect(new Set(group.ledger.seen).size).toBe(220)
        expect(group.ledger.faults).toEqual([])
      })

      it('seek: the next batch of the partition starts there, backward and forward', async () => {
        const group = new TestGroup([await newTopic(1)], 1, strictHandover)
        const topic = group.topics[0]!
        await log.send(numbered(topic, 100, 0, () => 0))
        const offsets = (await readAll(log, topic, 0)).map(({ offset }) => offset)
        const member = await group.join(log, 'only')
        await waitUntil('all is delivered', () => group.ledger.seen.length === 100)
        group.ledger.seen.length = 0
        member.seek(topic, 0, offsets[40]!)
        await waitUntil('the rest is delivered again', () => group.ledger.seen.length === 60)
        expect(group.ledger.offsets(topic, 0)).toEqual(offsets.slice(40))

        member.pause(topic, 0)
        await log.send(numbered(topic, 100, 100, () => 0))
        const later = (await readAll(log, topic, 0)).map(({ offset }) => offset)
        group.ledger.seen.length = 0
        member.seek(topic, 0, later[150]!)
        member.resume(topic, 0)
        await waitUntil('what lies behind the jump is delivered', () => group.ledger.seen.includes(`${topic}/0@${later[199]}`))
        const tail = group.ledger.offsets(topic, 0)
        expect(tail.slice(tail.indexOf(later[150]!))).toEqual(later.slice(150))
        await group.leave('only')
        expect(group.ledger.faults).toEqual([])
      })

      it.each(['a member', 'a follower'])(
        '%s that gathers reads the first record at once and together what comes then',
        async (reader) => {
          const topic = await newTopic(1)
          const sizes: number[] = []
          const batch = ({ records }: LogBatch) => void sizes.push(records.length)
          const failed = (error: Error) => void sizes.push(Number.NaN, error.message.length)
          const handler = { assigned: async () => ({}), revoked: async () => {}, failed, batch }
          const reading =
            reader === 'a member'
              ? await log.join({ group: newName('group'), topics: [topic], gatherMs: 1_000, handler })
              : await log.follow({ name: newName('table'), topics: [topic], gatherMs: 1_000, batch, failed })
          const read = () => sizes.reduce((sum, size) => sum + size, 0)
          await log.send(numbered(topic, 1, 0, () => 0))
          await waitUntil('the first is read', () => read() === 1)
          for (let n = 1; n < 20; n++) await log.send(numbered(topic, 1, n, () => 0))
          await waitUntil('all are read', () => read() === 20)
          // Twenty sends take far less than a second; without gathering nearly each is a batch of its own.
          expect(sizes.length).toBeLessThan(6)
          await reading.stop()
        },
      )

      it('groupSize counts who is in the group now', async () => {
        const topic = await newTopic(1)
        const group = newName('group')
        expect(await log.groupSize(group)).toBe(0)
        const member = await log.join({
          group,
          topics: [topic],
          handler: new GroupRecorder('a', new GroupLedger([topic], 1), strictHandover),
        })
        expect(await log.groupSize(group)).toBe(1)
        await member.stop()
        await waitUntil('it has left', async () => (await log.groupSize(group)) === 0)
      })

      it('refuses topics with unequal partition counts', async () => {
        const group = new TestGroup([await newTopic(2), await newTopic(3)], 3, strictHandover)
        await expect(group.join(log, 'only')).rejects.toMatchObject({ code: 'MILL_PARTITIONS_CHANGED' })
        expect(group.recorder('only').batches).toEqual([])
      })
    })

    describe('several members of a group', () => {
      it('share the partitions fairly, keep co-partitioned topics together, and take over from who leaves', async () => {
        const group = new TestGroup([await newTopic(4), await newTopic(4)], 4, strictHandover)
        const [a, b] = group.topics as [string, string]
        let sent = 0
        const sendMore = async (): Promise<void> => {
          await log.send([...numbered(a, 40, sent, (i) => i % 4), ...numbered(b, 40, sent, (i) => i % 4)])
          sent += 40
        }
        const everythingSeen = (): boolean => new Set(group.ledger.seen).size === 2 * sent

        await group.join(log, 'one')
        await waitUntil('one member owns all', () => group.recorder('one').owned.size === 4)
        await sendMore()
        await waitUntil('one member has everything', everythingSeen)

        await group.join(log, 'two')
        await waitUntil(
          'two members share',
          () => group.recorder('one').owned.size === 2 && group.recorder('two').owned.size === 2,
        )
        await sendMore()
        await waitUntil('two members have everything', everythingSeen)
        const owned = group.recorder('two').owned
        expect([...owned].filter((partition) => group.recorder('one').owned.has(partition))).toEqual([])
        for (const topic of [a, b]) {
          const partitions = new Set(
            group
              .recorder('two')
              .batches.filter((batch) => batch.topic === topic)
              .map((batch) => batch.partition),
          )
          expect([...partitions].sort()).toEqual([...owned].sort())
        }

        await group.leave('one')
        await waitUntil('the other takes over', () => group.recorder('two').owned.size === 4)
        await sendMore()
        await waitUntil('nothing is lost', everythingSeen)
        await group.leave('two')
        expect(group.ledger.faults).toEqual([])
      })

      it('settle on who is left when members come and go at once', async () => {
        const group = new TestGroup([await newTopic(4)], 4, strictHandover)
        const topic = group.topics[0]!
        await group.join(log, 'one')
        await waitUntil('one member owns all', () => group.recorder('one').owned.size === 4)
        await Promise.all([group.join(log, 'two'), group.join(log, 'three'), group.leave('one')])
        await log.send(numbered(topic, 40, 0, (i) => i % 4))
        await waitUntil(
          'two members share',
          () => group.recorder('two').owned.size === 2 && group.recorder('three').owned.size === 2,
        )
        await waitUntil('nothing is lost', () => new Set(group.ledger.seen).size === 40)
        await Promise.all([group.leave('two'), group.leave('three')])
        expect(group.ledger.faults).toEqual([])
      })

      it('ignores a commit for a partition that is not owned', async () => {
        const group = new TestGroup([await newTopic(2)], 2, strictHandover)
        const topic = group.topics[0]!
        const first = await group.join(log, 'one')
        await waitUntil('one owns all', () => group.recorder('one').owned.size === 2)
        await group.join(log, 'two')
        await waitUntil('two share', () => group.recorder('one').owned.size === 1 && group.recorder('two').owned.size === 1)
        const lost = [...group.recorder('two').owned][0]!
        await first.commit(lost, { [topic]: 77 })
        await first.commit(1 - lost, { [topic]: 5 })
        await waitUntil(
          'the own commit is stored',
          async () => (await other.committed(group.name, [topic]))[topic]![1 - lost] === 5,
        )
        expect((await other.committed(group.name, [topic]))[topic]![lost]).toBeNull()
        await group.leave('one')
        await group.leave('two')
        expect(group.ledger.faults).toEqual([])
      })
    })

    it('close waits for what was handed over in the same turn', async () => {
      const topic = await newTopic(1)
      const third = await open()
      await third.send(numbered(topic, 1, 0, () => 0))
      const [sent] = await Promise.all([third.send(numbered(topic, 1, 1, () => 0)), third.close()])
      expect(sent).toBeUndefined()
      expect((await readAll(log, topic, 0)).map(textOf)).toEqual(['0', '1'])
    })

    it('is unavailable once closed', async () => {
      const topic = await newTopic(1)
      const third = await open()
      await third.send(numbered(topic, 1, 0, () => 0))
      await third.close()
      await expect(third.send(numbered(topic, 1, 1, () => 0))).rejects.toMatchObject({ code: 'MILL_LOG_UNAVAILABLE' })
      expect((await readAll(log, topic, 0)).map(textOf)).toEqual(['0'])
    })
  })
}

/** A group, its members by name and the ledger they share. */
class TestGroup {
  readonly name = newName('group')
  readonly topics: readonly string[]
  readonly ledger: GroupLedger
  readonly #strict: boolean
  readonly #recorders = new Map<string, GroupRecorder>()
  readonly #members = new Map<string, GroupMember>()

  constructor(topics: readonly string[], partitions: number, strict: boolean) {
    this.topics = topics
    this.#strict = strict
    this.ledger = new GroupLedger(topics, partitions)
  }

  async join(log: EventLog, name: string): Promise<GroupMember> {
    const handler = new GroupRecorder(name, this.ledger, this.#strict)
    this.#recorders.set(name, handler)
    const member = await log.join({ group: this.name, topics: this.topics, handler })
    this.#members.set(name, member)
    return member
  }

  /** Stops a member and holds it to its word: everything was revoked, and it will never be called again. */
  async leave(name: string): Promise<void> {
    await this.#members.get(name)!.stop()
    const recorder = this.recorder(name)
    recorder.stopped = true
    if (recorder.owned.size > 0) this.ledger.faults.push(`${name}: stop resolved before ${[...recorder.owned]} were revoked`)
  }

  recorder(name: string): GroupRecorder {
    return this.#recorders.get(name)!
  }
}

/** What a follower delivered, and whether it kept the order. */
class FollowedTable {
  readonly texts = new Set<string>()
  readonly faults: string[] = []
  count = 0
  readonly #next = new Map<string, number>()
  readonly handler = {
    batch: (batch: LogBatch): void => this.#take(batch),
    failed: (error: Error): void => {
      this.faults.push(error.message)
    },
  }

  #take({ topic, partition, records, nextOffset }: LogBatch): void {
    const where = `${topic}/${partition}`
    let next = this.#next.get(where) ?? 0
    for (const record of records) {
      if (record.offset < next) this.faults.push(`${where}: ${record.offset} after ${next - 1}`)
      next = record.offset + 1
      this.count++
      this.texts.add(textOf(record))
    }
    this.#next.set(where, Math.max(next, nextOffset))
  }
}

let names = 0

function newName(kind: string): string {
  return `conformance-${kind}-${process.pid}-${performance.timeOrigin.toFixed(0)}-${names++}`
}

/** `count` records whose values are the texts of consecutive numbers. */
function numbered(topic: string, count: number, first: number, partitionOf: (number: number) => number): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index
    return { topic, partition: partitionOf(number), key: `key-${number % 7}`, value: Buffer.from(String(number)) }
  })
}

function textOf(record: LogRecord): string {
  return Buffer.from(record.value!).toString()
}

async function readAll(
  log: EventLog,
  topic: string,
  partition: number,
  range = { from: 0, to: Number.MAX_SAFE_INTEGER },
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const batch of log.read(topic, partition, range)) records.push(...batch.records)
  return records
}
