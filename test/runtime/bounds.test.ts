import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Kafka } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { graphsOf } from '../../cli/topologies.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { RecordSender } from '../../connectors/kafka/record-sender.ts'
import { ManualClock, systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import { TrendCache } from '../../gateway/trend-cache.ts'
import type { EventLog, GroupOptions } from '../../ports/event-log.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { Engine } from '../../runtime/engine.ts'
import { defaultTaskLimits, type TaskLimits } from '../../runtime/task-limits.ts'
import { WireFormat } from '../../schemas/wire-format.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { recordedShop, Stack } from '../e2e/stack.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Live bytes on the heap. */
function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const unwell = () => Promise.reject(new MillraceError('MILL_STORE_UNAVAILABLE', 'cut by plan'))
const partitions = 2
const limits: TaskLimits = { ...defaultTaskLimits, batchRecordsMax: 1_000, queueRecordsMax: 1_000, idleMs: 2 ** 31 - 1 }
/** What the embedded log hands out at once at most: up to one such batch over the maximum may wait. */
const logBatchMax = 4_000

describe('with its sink away for ten minutes', () => {
  let stack: Stack
  afterEach(() => stack.close())

  it.each(['state', 'outputs'] as const)(
    '%s: the engine stops reading, holds its maximum and no more, and then loses nothing',
    async (sink) => {
      stack = await Stack.open(
        loadConfig(undefined, {
          partitions,
          embedded: { path: ':memory:' },
          topologies: ['user-features'],
          features: { latenessMs: 86_400_000 },
          log: { level: 'silent' },
        }),
      )
      const clock = new ManualClock(Date.now())
      let away = false
      let attempts = 0
      const held = <T>(work: () => Promise<T>): Promise<T> => {
        if (away) attempts++
        return away ? unwell() : work()
      }
      const flow = watchFlow(stack.ports.log)
      const log = overlaid(flow.log, sink === 'outputs' ? { send: (records) => held(() => stack.ports.log.send(records)) } : {})
      const state = overlaid<StateStore>(
        stack.ports.state,
        sink === 'state' ? { commit: (task, commit) => held(() => stack.ports.state.commit(task, commit)) } : {},
      )
      const { graphs } = graphsOf(stack.config, {} as Scorer, clock)
      const failures: unknown[] = []
      const ports = { ...stack.ports, log, state, clock }
      const engine = new Engine(ports, { graphs, partitions, limits, onFailed: (_, error) => failures.push(error) })
      await engine.start() // Which notes the partition count in the store.
      away = true
      const shop = recordedShop({ events: 24_000, users: 100 })
      await stack.append(shop.map((record) => stack.encoded(record)))
      await waitUntil('every partition is paused', () => flow.paused.size === partitions)
      await turns()

      const delivered = flow.delivered
      expect(delivered).toBeGreaterThanOrEqual(partitions * limits.queueRecordsMax)
      expect(delivered).toBeLessThanOrEqual(partitions * (limits.queueRecordsMax + 2 * logBatchMax))
      const before = { heap: heapBytes(), attempts }
      for (let seconds = 0; seconds < 600; seconds += 5) {
        clock.advance(5_000)
        await turns()
      }
      expect(attempts - before.attempts).toBeGreaterThan(100) // It kept trying all the while.
      expect([flow.delivered, flow.paused.size]).toEqual([delivered, partitions])
      expect(heapBytes() - before.heap).toBeLessThan(2 * 1024 * 1024)

      away = false
      clock.advance(5_000)
      await stack.untilCaughtUp(60_000, ['user-features'])
      expect(flow.paused.size).toBe(0)
      await engine.stop()
      expect(failures).toEqual([])
      expect((await stack.verify('user-features')).wrong).toEqual([])
    },
    90_000,
  )
})

describe('at its maximum', () => {
  it('the sender to Kafka takes 1,000,000 waiting records beside those under way, refuses the next, and takes again', async () => {
    const fails: ((error: Error) => void)[] = []
    const broker = {
      producer: () => ({
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(),
        sendBatch: () =>
          new Promise((_, reject) => {
            fails.push(reject)
          }),
      }),
    }
    const sender = new RecordSender(broker as unknown as Kafka, { compression: 0, retriesMax: 0, clock: systemClock })
    const record = { topic: 't', partition: 0, key: null, value: Buffer.alloc(2_000) }
    const outcome = (count: number) =>
      sender.send(Array(count).fill(record)).then(
        () => 'sent',
        (error: MillraceError) => error.code,
      )
    const underWay: Promise<string>[] = []
    for (let request = 0; request < 3; request++) {
      underWay.push(outcome(1))
      await turns()
    }
    const waiting = [outcome(600_000), outcome(400_000)]
    expect(await outcome(1)).toBe('MILL_BUFFER_FULL')
    const failAll = () => {
      for (const fail of fails.splice(0)) fail(new Error('the broker is gone'))
    }
    failAll()
    for (const one of underWay) expect(await one).toBe('MILL_LOG_UNAVAILABLE')
    await turns()
    const again = outcome(1)
    await turns()
    failAll()
    expect(await Promise.all(waiting)).toEqual(['MILL_LOG_UNAVAILABLE', 'MILL_LOG_UNAVAILABLE'])
    expect(await again).toBe('MILL_LOG_UNAVAILABLE')
    await sender.close()
  })

  it('the embedded log takes 1,000,000 records a turn, refuses the next, and takes again', async () => {
    const database = openEmbeddedDatabase(':memory:')
    const log = new EmbeddedEventLog(database)
    await log.ensureTopics([{ name: 't', partitions: 1, cleanup: 'delete' }])
    const record = { topic: 't', partition: 0, key: null, value: Buffer.alloc(1) }
    await expect(log.send(Array(1_000_001).fill(record))).rejects.toMatchObject({ code: 'MILL_BUFFER_FULL' })
    const first = log.send(Array(10).fill(record))
    await expect(log.send(Array(999_991).fill(record))).rejects.toMatchObject({ code: 'MILL_BUFFER_FULL' })
    await first
    await log.send([record])
    expect((await log.offsets('t'))[0]!.end).toBe(11)
    await log.close()
    database.close()
  })

  it('the wire format remembers 4,096 schema ids of a topic, its own always', async () => {
    const asked: number[] = []
    const wire = await WireFormat.open({
      register: () => Promise.resolve(1),
      byId: (id) => {
        asked.push(id)
        return Promise.resolve(null)
      },
    })
    const withId = (id: number) => {
      const bytes = Buffer.alloc(6)
      bytes.writeUInt32BE(id, 1)
      return bytes
    }
    const ids = Array.from({ length: 5_000 }, (_, index) => 100 + index)
    await wire.prepare('users', ids.map(withId))
    expect(asked).toHaveLength(5_000)
    // Those that were forgotten are asked for again; the newest, and our own, are known.
    expect(wire.prepare('users', ids.slice(-4_095).map(withId))).toBeUndefined()
    expect(wire.prepare('users', [withId(1)])).toBeUndefined()
    await wire.prepare('users', [withId(100)])
    expect(asked.at(-1)).toBe(100)
  })

  it('the gateway remembers 1,000 regions, whatever requests name', async () => {
    let reads = 0
    const counted = () => {
      reads++
      return null
    }
    const lists = { get: (keys: readonly string[]) => Promise.resolve(keys.map(() => counted())) }
    const trends = new TrendCache(lists, new ManualClock())
    for (let region = 0; region < 1_500; region++) await trends.firstOf([`region:${region}`])
    expect(reads).toBe(1_500)
    await trends.firstOf(['region:1499'])
    expect(reads).toBe(1_500)
    await trends.firstOf(['region:1'])
    expect(reads).toBe(1_501)
  })
})

/** Lets everything run that waits for no clock. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A port with some of its methods replaced. */
function overlaid<T extends object>(port: T, replaced: Partial<T>): T {
  return new Proxy(port, {
    get: (target, name) => {
      if (name in replaced) return replaced[name as keyof T]
      const member = Reflect.get(target, name) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** The log with a count of records of `user-events` handed to group members, and which partitions are paused. */
function watchFlow(inner: EventLog) {
  const flow = { delivered: 0, paused: new Set<number>(), log: inner }
  const join = async (options: GroupOptions) => {
    const handler = overlaid(options.handler, {
      batch: (batch) => {
        flow.delivered += batch.records.length
        options.handler.batch(batch)
      },
    })
    const member = await inner.join({ ...options, handler })
    return overlaid(member, {
      pause: (topic, partition) => {
        if (topic === 'user-events') flow.paused.add(partition)
        member.pause(topic, partition)
      },
      resume: (topic, partition) => {
        if (topic === 'user-events') flow.paused.delete(partition)
        member.resume(topic, partition)
      },
    })
  }
  flow.log = overlaid(inner, { join })
  return flow
}
