import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Config, loadConfig } from '../../cli/config.ts'
import { readTopic } from '../../cli/read-topic.ts'
import { freePort } from '../../cli/services/free-port.ts'
import { startKafka } from '../../cli/services/kafka-service.ts'
import { startRedisServer } from '../../cli/services/redis-service.ts'
import type { Service } from '../../cli/services/service.ts'
import type { ServiceProcess } from '../../cli/services/service-process.ts'
import { artifactsDir } from '../../cli/services/services.ts'
import { itemFamily } from '../../operators/fold-items.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { engineHere } from '../e2e/engine-here.ts'
import { EngineProcess } from '../e2e/engine-process.ts'
import { recordedShop, Stack } from '../e2e/stack.ts'
import { describeWithServices } from './require-service.ts'

const partitions = 4
const shop = { events: 8_000 }
const parityRecords = 5_000

// Kafka and Redis of its own: they are killed, and their topics must be empty at first. One log goes through all tests of this
// file, so that every verification folds everything that happened before too.
describeWithServices(
  ['kafka', 'registry', 'redis', 'redis-cluster'],
  'the main job on real services',
  ([, registry, , cluster]) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-'))
    let kafka: Service
    let redis: ServiceProcess
    let kafkaPort: number
    let redisPort: number
    let config: Config
    let stack: Stack
    let left: OutgoingRecord[]
    const engines: EngineProcess[] = []

    const startBroker = () =>
      startKafka({ dir: join(folder, 'kafka'), port: kafkaPort, cacheDir: artifactsDir(), detached: false, log() {} })
    const startStore = () =>
      startRedisServer({
        name: 'redis',
        port: redisPort,
        dir: join(folder, 'redis'),
        cacheDir: artifactsDir(),
        detached: false,
        log() {},
        extraArgs: ['--appendonly', 'yes', '--appendfsync', 'always'],
      })
    const startEngine = async (): Promise<EngineProcess> => {
      const engine = new EngineProcess(config, folder)
      engines.push(engine)
      await engine.ready()
      return engine
    }
    const feed = (count: number) => stack.append(left.splice(0, count))
    const verified = async (what: string) => {
      const { wrong, records, keys } = await stack.verify()
      console.info(`${what}: ${records} records folded, ${keys} keys compared, ${wrong.length} differences`)
      expect(wrong).toEqual([])
    }

    beforeAll(async () => {
      kafkaPort = await freePort(0, 'kafka')
      redisPort = await freePort(0, 'redis')
      const started = await Promise.all([startBroker(), startStore()])
      kafka = started[0]
      redis = started[1]
      config = loadConfig(undefined, {
        stack: 'distributed',
        partitions,
        kafka: { brokers: [kafka.address] },
        registry: { url: registry },
        redis: { url: `redis://127.0.0.1:${redisPort}` },
        rewards: { waitMs: 60_000 },
        inference: { repository: join(folder, 'none') },
        log: { level: 'error' },
      })
      stack = await Stack.open(config)
      left = recordedShop(shop).map((record) => stack.encoded(record))
    })
    afterAll(async () => {
      for (const engine of engines) if (engine.child.exitCode === null) await engine.kill()
      await stack?.close()
      await Promise.all([redis, ...(kafka?.processes ?? [])].map((process) => process?.stop()))
      rmSync(folder, { recursive: true, force: true })
    })

    it('the same log gives the same state and the same rewards on every stack', async () => {
      const embedded = await Stack.open(
        loadConfig(undefined, { partitions, embedded: { path: ':memory:' }, rewards: config.rewards }),
      )
      const clustered = await Stack.open({ ...config, redis: { url: `redis-cluster://${cluster}` } })
      try {
        const records = left.slice(0, parityRecords)
        await feed(parityRecords)
        // Schema ids are the registry's: each stack encodes for itself.
        await embedded.append(
          recordedShop(shop)
            .slice(0, parityRecords)
            .map((record) => embedded.encoded(record)),
        )
        expect(records).toHaveLength(parityRecords)
        for (const each of [embedded, stack, clustered]) {
          // Other tests may have left tasks of the same names on the shared cluster.
          if (each === clustered)
            for (const name of ['user-features', 'item-features', 'rewards', 'bandit', 'experiments', 'attribution'])
              for (let partition = 0; partition < partitions; partition++)
                await each.ports.state.clear({ topology: name, partition })
          const { engine, failures } = engineHere(each)
          await engine.start()
          await each.untilCaughtUp()
          await engine.stop()
          expect(failures).toEqual([])
        }
        for (const other of [stack, clustered]) {
          for (const topology of ['user-features', 'rewards', 'bandit', 'experiments', 'attribution']) {
            const [here, there] = [hexOf(await embedded.state(topology)), hexOf(await other.state(topology))]
            expect(there.size).toBeGreaterThan(['bandit', 'experiments'].includes(topology) ? 0 : 100)
            expect([...here].filter(([key, hex]) => there.get(key) !== hex).map(([key]) => `${topology} ${key}`)).toEqual([])
            expect(there.size).toBe(here.size)
          }
          expectClose(await embedded.state('item-features'), await other.state('item-features'))
        }
        const rows = await rewardsOf(embedded)
        expect(rows.length).toBeGreaterThan(100)
        expect(await rewardsOf(stack)).toEqual(rows)
        console.info(
          `parity over ${parityRecords} records: ${rows.length} reward rows, on SQLite, Kafka + Redis and Kafka + Redis Cluster`,
        )
      } finally {
        await embedded.close()
        await clustered.close()
      }
    }, 120_000)

    it('Redis killed, then Kafka killed: the stream waits, says so, loses nothing and goes on by itself', async () => {
      const engine = await startEngine()
      const status = () =>
        engine.status().catch((error) => {
          throw new Error(`the engine does not answer:\n${engine.output}`, { cause: error })
        })
      const waits = async () => (await status()).topologies.filter(({ state }) => state === 'waiting')
      await feed(600)
      process.kill(redis.pid, 'SIGKILL')
      await redis.stop()
      await feed(600)
      await waitUntil('the engine says that it waits', async () => {
        expect(engine.child.exitCode, engine.output).toBeNull()
        return (await waits()).length > 0
      })
      expect((await waits())[0]?.reason).not.toBe('')
      redis = await startStore()
      await stack.untilCaughtUp()
      await waitUntil('all run again', async () => (await engine.status()).ready)

      await feed(600)
      process.kill(kafka.processes[0]!.pid, 'SIGKILL')
      await kafka.processes[0]!.stop()
      kafka = await startBroker()
      // What a producer does: the same again until it is taken. A record that was taken twice is one more duplicate.
      const more = left.splice(0, 600)
      await waitUntil(
        'the log takes records again',
        async () => {
          try {
            await stack.append(more)
            return true
          } catch {
            return false
          }
        },
        60_000,
      )
      await stack.untilCaughtUp()
      await waitUntil('all run again', async () => (await engine.status()).ready)
      expect(engine.child.exitCode).toBeNull()
      expect(await engine.stop(), engine.output).toBe(0)
      await verified('Redis and Kafka killed once each')
    }, 180_000)
  },
)

function hexOf(state: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  return new Map([...state].map(([key, bytes]) => [key, Buffer.from(bytes).toString('hex')]))
}

/** Reward rows as text, in an order that does not depend on when they were sent. */
async function rewardsOf(stack: Stack): Promise<string[]> {
  const rows = new Set<string>()
  for await (const { value } of readTopic(stack.ports, 'rewards')) rows.add(JSON.stringify(value))
  return [...rows].sort()
}

/** Item state in numbers: sums over people of several partitions may differ by the order in which they were added. */
function expectClose(left: ReadonlyMap<string, Uint8Array>, right: ReadonlyMap<string, Uint8Array>): void {
  const items = [...left].filter(([key]) => key.includes(` ${itemFamily.name}:`))
  expect(items.length).toBeGreaterThan(50)
  expect([...right.keys()].sort()).toEqual([...left.keys()].sort())
  const differing = items.filter(
    ([key, bytes]) => !close(itemFamily.codec.decode(bytes), itemFamily.codec.decode(right.get(key)!)),
  )
  expect(differing.map(([key]) => key)).toEqual([])
}

function close(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number')
    return Object.is(left, right) || Math.abs(left - right) <= 1e-9 * Math.max(Math.abs(left), Math.abs(right))
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) return left === right
  const [one, other] = [Object.entries(left), new Map(Object.entries(right))]
  return one.length === other.size && one.every(([name, value]) => other.has(name) && close(value, other.get(name)))
}
