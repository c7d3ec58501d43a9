import { createHook } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { afterAll, expect, it } from 'vitest'
import { kafkajs } from '../../connectors/kafka/kafkajs.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { CountingHandler, newTopic, numbered, openKafka, StoredPositions } from './kafka-fixture.ts'
import { describeWithService } from './require-service.ts'

describeWithService('kafka', 'the mended kafkajs', (address) => {
  const log = openKafka(address)
  afterAll(async () => {
    await log.close()
  })

  it('groups the records of a send by their partition number, without asking a partitioner or copying lists', async () => {
    const topic = await newTopic(log, 2)
    const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING })
    const producer = kafka.producer({
      createPartitioner: () => () => {
        throw new Error('the original grouping is at work: kafkajs was loaded before it was mended')
      },
    })
    await producer.connect()
    await producer.send({ topic, messages: [{ partition: 1, value: 'a' }] })
    await producer.disconnect()
    expect(await log.offsets(topic)).toEqual([
      { start: 0, end: 0 },
      { start: 0, end: 1 },
    ])
  })

  it('is quiet while nothing happens: it arms no timers in a loop', async () => {
    const topic = await newTopic(log, 8)
    const handler = new CountingHandler([topic], new StoredPositions())
    const member = await log.join({ group: `test-${randomUUID()}`, topics: [topic], handler })
    const follower = await log.follow({
      name: 'table',
      topics: [topic],
      batch: () => {},
      failed: (error) => handler.failed(error),
    })
    await log.send(numbered(topic, 8, 0, 80))
    await waitUntil('everything is read', () => handler.values.length === 80)

    let timers = 0
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'Timeout') timers++
      },
    }).enable()
    const beforeMs = performance.now()
    await waitUntil('one second of idleness was watched', () => performance.now() - beforeMs > 1_000)
    hook.disable()
    await member.stop()
    await follower.stop()
    // `waitUntil` itself arms up to 200, each fetch and heartbeat a few; the original's loops arm thousands per connection.
    expect(timers).toBeLessThan(600)
  })

  it('delivers a record within milliseconds of its send', async () => {
    const topic = await newTopic(log, 4)
    const delays: number[] = []
    const member = await log.join({
      group: `test-${randomUUID()}`,
      topics: [topic],
      handler: {
        assigned: async () => ({}),
        revoked: async () => {},
        failed: () => {},
        batch: ({ records }) => {
          for (const { value } of records) delays.push(performance.now() - Number(Buffer.from(value!).toString()))
        },
      },
    })
    for (let n = 0; n < 200; n++) {
      await log.send([{ topic, partition: n % 4, key: null, value: Buffer.from(String(performance.now())) }])
    }
    await waitUntil('all are read', () => delays.length === 200)
    await member.stop()
    const sorted = delays.slice(20).sort((a, b) => a - b)
    // Alone on 2 cores the median is 2 ms; fetching only when the wait of 100 ms ends would show as 50.
    expect(sorted[sorted.length >> 1]!).toBeLessThan(25)
  })
})
