import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Config, loadConfig } from '../../cli/config.ts'
import { freePort } from '../../cli/services/free-port.ts'
import { startKafka } from '../../cli/services/kafka-service.ts'
import { startRedisServer } from '../../cli/services/redis-service.ts'
import type { Service } from '../../cli/services/service.ts'
import type { ServiceProcess } from '../../cli/services/service-process.ts'
import { artifactsDir } from '../../cli/services/services.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { layoutTask } from '../../runtime/state-layout.ts'
import type { ShopRecord } from '../../simulator/record-shop.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { engineHere } from '../e2e/engine-here.ts'
import { EngineProcess } from '../e2e/engine-process.ts'
import { applyAll, decodedState, differences, move, rehomed, withPartitions } from '../e2e/moved-state.ts'
import { commandProcess, repartitionKilled } from '../e2e/repartition-process.ts'
import { recordedShop, Stack, statefulTopologies } from '../e2e/stack.ts'
import { describeWithServices } from './require-service.ts'

// Kafka and Redis of its own: partitions once added stay. The Redis Cluster is shared and left empty.
describeWithServices(['kafka', 'registry', 'redis', 'redis-cluster'], 'more partitions', ([, registry, , cluster]) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-repartition-'))
  const stacks: Stack[] = []
  let kafka: Service
  let redis: ServiceProcess
  let admin: Admin
  let records: readonly ShopRecord[]
  let old: Stack
  let clustered: Stack
  let moved: Stack

  const keep = (stack: Stack): Stack => {
    stacks.push(stack)
    return stack
  }
  const empty = async (stack: Stack) => {
    for (const topology of statefulTopologies)
      for (const partition of await stack.ports.state.tasks(topology)) await stack.ports.state.clear({ topology, partition })
    await stack.ports.state.clear(layoutTask)
  }

  const engineOf = async (stack: Stack) => {
    const engine = new EngineProcess(stack.config, folder)
    const code = await engine.exited
    return { code, output: engine.output }
  }

  beforeAll(async () => {
    const [kafkaPort, redisPort] = [await freePort(0, 'kafka'), await freePort(0, 'redis')]
    const process = { cacheDir: artifactsDir(), detached: false, log() {} }
    const started = await Promise.all([
      startKafka({ ...process, dir: join(folder, 'kafka'), port: kafkaPort }),
      startRedisServer({ ...process, name: 'redis', extraArgs: [], dir: join(folder, 'redis'), port: redisPort }),
    ])
    kafka = started[0]
    redis = started[1]
    admin = new Kafka({ brokers: [kafka.address], logLevel: 0 }).admin()
    await admin.connect()
    const config: Config = loadConfig(undefined, {
      stack: 'distributed',
      partitions: 2,
      kafka: { brokers: [kafka.address] },
      registry: { url: registry },
      redis: { url: `redis://127.0.0.1:${redisPort}` },
      rewards: { waitMs: 60_000 },
      inference: { repository: join(folder, 'none') },
      log: { level: 'error' },
    })
    records = recordedShop({ events: 2_000, lateShare: 0 })
    old = keep(await Stack.open(config))
    clustered = keep(await Stack.open({ ...config, redis: { url: `redis-cluster://${cluster}` } }))
    await empty(clustered)
    await applyAll(old, records.slice(0, records.length / 2))
    await applyAll(clustered, [])
    await applyAll(old, []) // What the other engine sent to topics that both read.
  })
  afterAll(async () => {
    if (clustered) await empty(clustered)
    for (const stack of stacks) await stack.close()
    await admin?.disconnect()
    await Promise.all([redis, ...(kafka?.processes ?? [])].map((process) => process?.stop()))
    rmSync(folder, { recursive: true, force: true })
  })

  it('is refused while an engine is a member of a group', async () => {
    const { engine } = engineHere(old)
    await engine.start()
    const { code, output } = await commandProcess(old.config, ['repartition', '--partitions', '4'], folder)
    await engine.stop()
    expect({ code, output }).toMatchObject({ code: 4, output: expect.stringMatching(/1 processes run user-features: stop them/) })
    expect(await old.ports.log.partitions('user-events')).toBe(2)
  })

  it('killed again and again while it moves Kafka and Redis, it ends with every key where it belongs', async () => {
    const before = await decodedState(old)
    const kills = await repartitionKilled(old.config, 4, folder)
    expect(kills).toBeGreaterThan(2)
    moved = keep(await withPartitions(old, 4))
    const after = await decodedState(moved)
    console.info(`killed ${kills} times; ${before.size} state keys before, ${after.size} after`)
    expect(before.size).toBeGreaterThan(400)
    expect(differences(after, rehomed(before, 4))).toEqual([])
  })

  it('keeps the newest value of each key of a compacted topic in the partition of the key', async () => {
    const [newest, home] = [new Map<string, string>(), new Map<string, string>()]
    for (const [partition, { end }] of (await moved.ports.log.offsets('items')).entries()) {
      for await (const batch of moved.ports.log.read('items', partition, { from: 0, to: end })) {
        for (const { key, value } of batch.records) {
          const text = Buffer.from(value ?? '').toString('base64')
          // Values that came before the move are in the old partitions, in order.
          if (partition < 2) newest.set(key!, text)
          if (partitionFor(key!, 4) === partition) home.set(key!, text)
        }
      }
    }
    expect(newest.size).toBeGreaterThan(100)
    expect([...newest].filter(([key, text]) => text !== '' && home.get(key) !== text)).toEqual([])
  })

  it('moves state between slots of a Redis Cluster, also after the topics were raised', async () => {
    const before = await decodedState(clustered)
    expect(await move(clustered, 4)).toBeGreaterThan(100)
    expect(differences(await decodedState(clustered), rehomed(before, 4))).toEqual([])
  })

  it('goes on as if there had always been so many', async () => {
    await applyAll(moved, records.slice(records.length / 2))
    const always = keep(
      await Stack.open(loadConfig(undefined, { partitions: 4, embedded: { path: ':memory:' }, rewards: { waitMs: 60_000 } })),
    )
    await applyAll(always, records)
    expect(differences(await decodedState(moved), await decodedState(always))).toEqual([])
  })

  it('a position that retention has overtaken is refused, while running and at a start, and can be given up', async () => {
    const record = moved.encoded(records.find(({ topic }) => topic === 'user-events')!)
    const { topic, partition } = record
    const told = (failures: readonly unknown[]) =>
      failures.map(String).find((text) => text.includes('millrace reset user-features'))
    const end = async () => (await moved.ports.log.offsets(topic))[partition]!.end
    const applied = async () =>
      (await moved.ports.state.progress({ topology: 'user-features', partition }))!.positions[topic]! >= (await end())
    const running = engineHere(moved)
    await running.engine.start()
    // One fetch is made ahead of a paused reader; where it got everything, nothing is lost, and it is tried again.
    for (let round = 0; round < 10 && !told(running.failures); round++) {
      await waitUntil('it has caught up', applied)
      await running.engine.pause('user-features')
      await moved.append([record])
      for (let more = 0; more < 20; more++) await moved.append([record])
      await admin.fetchTopicOffsets(topic) // kafkajs deletes only in topics it has heard of.
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(await end()) }] })
      await moved.append([record])
      await running.engine.resume('user-features')
      await waitUntil(
        'it refuses or has everything',
        async () => told(running.failures) !== undefined || (await applied()),
        30_000,
      )
    }
    const start = (await moved.ports.log.offsets(topic))[partition]!.start
    expect(told(running.failures)).toContain(
      `the log of ${topic}/${partition} holds offsets from ${start} on, the stored position is `,
    )
    await running.engine.stop()

    const again = engineHere(moved)
    await again.engine.start()
    await waitUntil('it is refused at the start', () => told(again.failures) !== undefined, 30_000)
    expect(told(again.failures)).toContain(`from ${start} on, the stored position is `)
    expect(await applied()).toBe(false)
    await again.engine.stop()

    const reset = await commandProcess(moved.config, ['reset', 'user-features', '--force'], folder)
    expect(reset.code, reset.output).toBe(0)
    await applyAll(moved, [])
    expect(await applied()).toBe(true)
  })

  it('an engine is refused once a topic was raised by hand', async () => {
    await admin.createPartitions({ topicPartitions: [{ topic: 'user-events', count: 8 }] })
    // A process of its own: counts once read stay.
    const { code, output } = await engineOf(moved)
    expect({ code, output }).toMatchObject({
      code: 2,
      output: expect.stringMatching(/belongs to 4 partitions, but topic user-events has 8.*millrace repartition --partitions 8/),
    })
  })
})
