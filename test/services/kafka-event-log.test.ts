import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { afterAll, expect, it } from 'vitest'
import type { KafkaEventLog } from '../../connectors/kafka/event-log.ts'
import { kafkaCluster } from '../../connectors/kafka/kafka-cluster.ts'
import { kafkajs } from '../../connectors/kafka/kafkajs.ts'
import { removeGroupMembers } from '../../connectors/kafka/remove-group-members.ts'
import { eventLogConformance } from '../conformance/event-log.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { CountingHandler, newTopic, numbered, openKafka, StoredPositions } from './kafka-fixture.ts'
import { describeWithService } from './require-service.ts'

/** Joins a group as a process does that is killed right after: it never leaves, and its session lasts 30 s more. */
async function joinAndDie(kafka: Kafka, groupId: string, topic: string): Promise<void> {
  const cluster = kafkaCluster(kafka)
  await cluster.connect()
  await cluster.refreshMetadata()
  const metadata = kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [topic], userData: Buffer.alloc(0) })
  const coordinator = (await cluster.findGroupCoordinator({ groupId })) as unknown as {
    joinGroup(request: object): Promise<unknown>
  }
  await coordinator.joinGroup({
    groupId,
    sessionTimeout: 30_000,
    rebalanceTimeout: 30_000,
    groupProtocols: [{ name: 'test', metadata }],
  })
  await cluster.disconnect()
}

const byNumber = (a: string, b: string) => Number(a) - Number(b)

describeWithService('kafka', 'KafkaEventLog', (address) => {
  // Between two processes the group hands over as it likes: the store's epochs fence the one that is late.
  eventLogConformance('KafkaEventLog', { open: async () => openKafka(address), strictHandover: false })

  const kafka = new kafkajs.Kafka({
    brokers: [address],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 100 },
  })
  const log: KafkaEventLog = openKafka(address)
  afterAll(async () => {
    await log.close()
  })

  it('gives a topic the clean-up it asks for', async () => {
    const name = `test-${randomUUID()}`
    await log.ensureTopics([
      { name: `${name}-kept`, partitions: 2, cleanup: 'compact', retentionMs: 600_000 },
      { name: `${name}-aged`, partitions: 2, cleanup: 'delete', retentionMs: 7_200_000 },
    ])
    const admin = kafka.admin()
    await admin.connect()
    const config = async (topic: string) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
      })
      return new Map(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]))
    }
    const kept = await config(`${name}-kept`)
    expect([kept.get('cleanup.policy'), kept.get('min.compaction.lag.ms')]).toEqual(['compact', '600000'])
    const aged = await config(`${name}-aged`)
    expect([aged.get('cleanup.policy'), aged.get('retention.ms')]).toEqual(['delete', '7200000'])
    await admin.disconnect()
  })

  it('moves partitions to a second member and back, without a gap and without a batch to the wrong one', async () => {
    const topics = [await newTopic(log, 4), await newTopic(log, 4)]
    const positions = new StoredPositions()
    const group = `test-${randomUUID()}`
    const other = openKafka(address)
    const first = new CountingHandler(topics, positions)
    const second = new CountingHandler(topics, positions)
    const send = (from: number, to: number) => log.send(topics.flatMap((topic) => numbered(topic, 4, from, to)))
    const seen = () => new Set([...first.values, ...second.values]).size

    const one = await log.join({ group, topics, handler: first })
    await waitUntil('the first member has all four', () => first.owned.size === 4)
    await send(0, 400)
    await waitUntil('it read the first 400', () => first.values.length >= 800)

    const two = await other.join({ group, topics, handler: second })
    await waitUntil('both have two', () => first.owned.size === 2 && second.owned.size === 2)
    expect([...first.owned, ...second.owned].sort()).toEqual([0, 1, 2, 3])
    expect(first.calls.filter((call) => call.startsWith('-'))).toHaveLength(2) // Sticky: only what moves is revoked.
    await send(400, 800)
    await waitUntil('all 800 are read', () => seen() === 800)
    expect(second.values.length).toBeGreaterThanOrEqual(400)

    await one.stop()
    expect(first.owned.size).toBe(0)
    await waitUntil('the second has all four', () => second.owned.size === 4)
    await send(800, 1200)
    await waitUntil('all 1200 are read', () => seen() === 1200)
    for (const topic of topics) {
      const offsets = await log.offsets(topic)
      for (const [partition, { end }] of offsets.entries()) expect(positions.of(topic, partition)).toBe(end)
    }
    // Nothing was read twice either: the positions moved with the partitions.
    expect([...first.values, ...second.values]).toHaveLength(2400)
    await two.stop()
    await other.close()
    expect([...first.faults, ...second.faults, ...first.errors, ...second.errors]).toEqual([])
  })

  it('takes its partitions anew after the group had thrown it out, since others may have had them', async () => {
    const topic = await newTopic(log, 2)
    const group = `test-${randomUUID()}`
    const handler = new CountingHandler([topic], new StoredPositions())
    const member = await log.join({ group, topics: [topic], handler })
    await waitUntil('both partitions are assigned', () => handler.owned.size === 2)
    const admin = kafka.admin()
    await admin.connect()
    const { groups } = await admin.describeGroups([group])
    await admin.disconnect()
    await removeGroupMembers(kafka, group, [groups[0]!.members[0]!.memberId])
    await waitUntil('both were given back and assigned again', () => handler.calls.length >= 6)
    expect(handler.calls.slice(2).sort()).toEqual(['+0', '+1', '-0', '-1'])
    await log.send(numbered(topic, 2, 0, 10))
    await waitUntil('reading goes on', () => handler.values.length === 10)
    expect(handler.faults).toEqual([])
    await member.stop()
  })

  it('crosses aborted records and control records: they are not delivered, and the position passes them', async () => {
    const topic = await newTopic(log, 1)
    const producer = kafka.producer({
      transactionalId: `test-${randomUUID()}`,
      maxInFlightRequests: 1,
      idempotent: true,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const write = async (value: string, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value, partition: 0 }] })
      await transaction[end]()
    }
    await write('kept 1', 'commit')
    await write('dropped', 'abort')
    await write('kept 2', 'commit')
    await write('dropped last', 'abort')
    await producer.disconnect()

    const handler = new CountingHandler([topic], new StoredPositions())
    const positions = new StoredPositions()
    const reading = new CountingHandler([topic], positions)
    const member = await log.join({ group: `test-${randomUUID()}`, topics: [topic], handler: reading })
    const end = (await log.offsets(topic))[0]!.end
    expect(end).toBe(8) // Four records and four markers.
    await waitUntil('the position is at the end', () => positions.of(topic, 0) === end)
    expect(reading.values).toEqual(['kept 1', 'kept 2'])
    await member.stop()

    const values: string[] = []
    const follower = await log.follow({
      name: 'test',
      topics: [topic],
      batch: ({ records }) => values.push(...records.map(({ value }) => Buffer.from(value!).toString())),
      failed: (error) => handler.failed(error),
    })
    await follower.caughtUp // Also where the last thing in the log is a marker.
    expect(values).toEqual(['kept 1', 'kept 2'])
    await follower.stop()

    const read: number[] = []
    for await (const batch of log.read(topic, 0, { from: 0, to: end })) read.push(...batch.records.map(({ offset }) => offset))
    expect(read).toEqual([0, 4])
  })

  it('refuses a position that the log no longer holds, at the start and while running, and reads nothing instead', async () => {
    const topic = await newTopic(log, 1)
    await log.send(numbered(topic, 1, 0, 100))
    const cut = async (offset: number) => {
      const admin = kafka.admin()
      await admin.connect()
      await admin.fetchTopicOffsets(topic) // kafkajs deletes only in topics it has heard of.
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
      await admin.disconnect()
    }
    await cut(50)
    expect(await log.offsets(topic)).toEqual([{ start: 50, end: 100 }])
    const late = new CountingHandler([topic], new StoredPositions())
    const first = await log.join({ group: `test-${randomUUID()}`, topics: [topic], handler: late })
    await waitUntil('it refuses position 0', () => late.errors.length > 0)
    expect(late.errors[0]).toMatchObject({ code: 'MILL_POSITION_LOST', details: { position: 0, start: 50, end: 100 } })
    expect(late.values).toEqual([])
    await first.stop()

    const positions = new StoredPositions()
    positions.set(topic, 0, 100)
    const running = new CountingHandler([topic], positions)
    const second = await log.join({ group: `test-${randomUUID()}`, topics: [topic], handler: running })
    await log.send(numbered(topic, 1, 100, 101))
    await waitUntil('it reads', () => running.values.length === 1)
    second.seek(topic, 0, 10) // As a reader that retention has overtaken.
    await waitUntil('it refuses offset 10', () => running.errors.length > 0)
    expect(running.errors[0]).toMatchObject({ code: 'MILL_POSITION_LOST', details: { position: 10 } })
    expect(running.values).toEqual(['100'])
    await second.stop()
  })

  it('refuses a partition count that grew under a running member', async () => {
    const topic = await newTopic(log, 2)
    const group = `test-${randomUUID()}`
    const handler = new CountingHandler([topic], new StoredPositions())
    const member = await log.join({ group, topics: [topic], handler })
    await waitUntil('it is assigned', () => handler.owned.size === 2)
    const admin = kafka.admin()
    await admin.connect()
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await admin.disconnect()
    // A second member makes the group look at the topic again.
    const other = openKafka(address)
    const second = await other.join({ group, topics: [topic], handler: new CountingHandler([topic], new StoredPositions()) })
    await waitUntil('the old one refuses', () => handler.errors.length > 0)
    await second.stop()
    expect(handler.errors[0]).toMatchObject({ code: 'MILL_PARTITIONS_CHANGED' })
    await member.stop()
    await other.close()
  })

  it('cuts large fetches into batches, in order, and goes on at once after a pause', async () => {
    const small = openKafka(address, { batchRecordsMax: 100 })
    const topic = await newTopic(small, 1)
    await small.send(numbered(topic, 1, 0, 1_000))
    const positions = new StoredPositions()
    const handler = new CountingHandler([topic], positions)
    const sizes: number[] = []
    const group = `test-${randomUUID()}`
    const member = await small.join({
      group,
      topics: [topic],
      handler: {
        assigned: (partition) => handler.assigned(partition),
        revoked: (partition) => handler.revoked(partition),
        failed: (error) => handler.failed(error),
        batch(batch) {
          sizes.push(batch.records.length)
          handler.batch(batch)
          member.pause(topic, 0)
          setImmediate(() => member.resume(topic, 0))
        },
      },
    })
    await waitUntil('all are read', () => handler.values.length === 1_000)
    expect(Math.max(...sizes)).toBe(100)
    expect(handler.values).toEqual([...handler.values].sort(byNumber))
    expect(handler.faults).toEqual([])
    await member.commit(0, { [topic]: 1_000 })
    expect(await small.committed(group, [topic])).toEqual({ [topic]: [1_000] })
    await member.stop()
    await small.deleteGroup(group)
    expect(await small.committed(group, [topic])).toEqual({ [topic]: [null] })
    await small.close()
  })

  it('deletes a group whose dead member is still known to the broker', async () => {
    const topic = await newTopic(log, 1)
    const group = `test-${randomUUID()}`
    await joinAndDie(kafka, group, topic)
    const admin = kafka.admin()
    await admin.connect()
    const members = async () => (await admin.describeGroups([group])).groups[0]!.members.length
    expect(await members()).toBe(1)
    await log.deleteGroup(group)
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain(group)
    await admin.disconnect()
  })

  it('says what is wrong with a send: unknown topic, unknown partition, a record too large', async () => {
    const topic = await newTopic(log, 1)
    const value = Buffer.from('v')
    await expect(log.send([{ topic: 'test-nobody-made-it', partition: 0, key: null, value }])).rejects.toMatchObject({
      code: 'MILL_NOT_FOUND',
    })
    await expect(log.send([{ topic, partition: 1, key: null, value }])).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
    const large = Buffer.alloc(2 * 1024 * 1024, 7)
    await expect(log.send([{ topic, partition: 0, key: null, value: large }])).rejects.toMatchObject({
      code: 'MILL_RECORD_INVALID',
    })
    await log.send([{ topic, partition: 0, key: null, value }])
    expect(await log.offsets(topic)).toEqual([{ start: 0, end: 1 }])
  })

  it('sends more than one request may hold, in order, and what concurrent callers send', async () => {
    const topic = await newTopic(log, 2)
    const padding = 'x'.repeat(1_000)
    const records = numbered(topic, 2, 0, 5_000).map((record) => ({ ...record, value: Buffer.from(`${record.key} ${padding}`) }))
    const chunks = Array.from({ length: 10 }, (_, index) => records.slice(index * 500, index * 500 + 500))
    await Promise.all(chunks.map((chunk) => log.send(chunk)))
    for (const partition of [0, 1]) {
      const keys: string[] = []
      for await (const batch of log.read(topic, partition, { from: 0, to: 10_000 }))
        keys.push(...batch.records.map(({ key }) => key!))
      expect(keys).toEqual(records.filter((record) => record.partition === partition).map(({ key }) => key))
    }
  })
})
