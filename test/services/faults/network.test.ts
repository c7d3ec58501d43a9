import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { readDeadLetters } from '../../../cli/dead-letter-log.ts'
import { freePort } from '../../../cli/services/free-port.ts'
import { startKafka } from '../../../cli/services/kafka-service.ts'
import { startRedisServer } from '../../../cli/services/redis-service.ts'
import { projectFolder } from '../../cli/run-cli.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { statefulTopologies } from '../../e2e/stack.ts'
import { WorkerProcess } from '../../gpu-workers/worker-process.ts'
import { describeWithServices } from '../require-service.ts'
import { TcpProxy } from '../tcp-proxy.ts'
import { FaultRig } from './fault-rig.ts'
import { MadeRungs } from './made-rungs.ts'
import { staleLists } from './stale-lists.ts'

const topologies = [...statefulTopologies, 'recommendations']
type Wire = 'Kafka' | 'Redis' | 'worker'

describeWithServices(['kafka', 'registry', 'redis'], 'slow and cut networks', ([, registry]) => {
  const rig = new FaultRig()
  const wires = {} as Record<Wire, TcpProxy>
  let engine: EngineProcess

  const wire = async (name: Wire, port: number): Promise<number> => {
    wires[name] = new TcpProxy(port)
    rig.closing(() => wires[name].close())
    return wires[name].listen()
  }
  /** Milliseconds until the engine has applied what it had not when asked, asks its worker, and says that all runs. */
  const recovery = async (): Promise<number> => {
    const startMs = performance.now()
    const applied = () => rig.applied().catch(() => 0)
    await waitUntil('the store answers', async () => (await applied()) > 0, 60_000)
    const mark = await applied()
    await waitUntil('new events are applied', async () => (await applied()) > mark, 60_000)
    const made = await MadeRungs.from(rig.stack)
    await waitUntil('lists are of the full rung', () => made.has('ranker').catch(() => false), 60_000)
    await waitUntil('all topologies run', async () => (await engine.status()).ready, 60_000)
    return Math.round(performance.now() - startMs)
  }

  beforeAll(async () => {
    const [kafkaPort, redisPort] = [await freePort(0, 'kafka'), await freePort(0, 'redis')]
    const advertisedPort = await wire('Kafka', kafkaPort)
    const [kafka, redis, worker] = await Promise.all([
      startKafka({ ...rig.serviceOptions('kafka'), port: kafkaPort, advertisedPort }),
      startRedisServer({ ...rig.serviceOptions('redis'), name: 'redis', port: redisPort, extraArgs: [] }),
      WorkerProcess.start(join(projectFolder, 'models', 'repository')),
    ])
    for (const each of [...kafka.processes, redis]) rig.closing(() => each.stop())
    rig.closing(() => worker.child.kill('SIGKILL'))
    const config = loadConfig(undefined, {
      stack: 'distributed',
      partitions: 2,
      kafka: { brokers: [`127.0.0.1:${advertisedPort}`] },
      registry: { url: registry },
      redis: { url: `redis://127.0.0.1:${await wire('Redis', redisPort)}` },
      inference: { workers: [`127.0.0.1:${await wire('worker', worker.ready.port)}`], deadlineMs: 3_000 },
      recommendations: { shedAfterMs: 600_000, candidatesMax: 60 },
      rewards: { waitMs: 60_000 },
      log: { level: 'error' },
    })
    await rig.open(config, 30_000)
    engine = await rig.startEngine()
    await rig.feed(500)
    await rig.stack.untilCaughtUp(60_000, topologies)
  })
  afterAll(() => rig.close())

  it.each<[Wire, number]>([
    ['Kafka', 100],
    ['Redis', 100],
    ['worker', 200],
  ])('%s answers %i ms late each way: events go on being applied', async (name, delayMs) => {
    wires[name].delayMs = delayMs
    rig.fault(`${name} slowed by 2 x ${delayMs} ms`)
    const before = await rig.applied()
    const goal = before + (await rig.feed(400)) / 2
    await waitUntil('events are applied over the slow wire', async () => (await rig.applied()) >= goal, 60_000)
    wires[name].delayMs = 0
    await rig.stack.untilCaughtUp(60_000, topologies)
  })

  it.each<Wire>(['Kafka', 'Redis', 'worker'])('%s cut off under load: it is back by itself', async (name) => {
    const proxy = wires[name]
    const flow = rig.flow()
    const before = await rig.applied()
    await waitUntil('events flow', async () => (await rig.applied()) > before)
    const { refused } = proxy
    proxy.refuse = true
    proxy.cut()
    rig.fault(`${name} cut off`)
    await waitUntil('the engine has tried to come back several times', () => proxy.refused >= refused + 4, 60_000)
    proxy.refuse = false
    console.info(`${name} cut off: events are applied again ${await recovery()} ms after the wire was mended`)
    await flow.stop()
    await rig.stack.untilCaughtUp(60_000, topologies)
  })

  it('all three flicker at once, again and again', async () => {
    const flow = rig.flow()
    for (let round = 0; round < 5; round++) {
      const before = await rig.applied().catch(() => 0)
      for (const proxy of Object.values(wires)) proxy.cut()
      rig.fault('all wires cut at once')
      await waitUntil('events are applied', async () => (await rig.applied().catch(() => 0)) > before, 60_000)
    }
    console.info(`five cuts of everything: events are applied again ${await recovery()} ms after the last`)
    await flow.stop()
    await rig.stack.untilCaughtUp(60_000, topologies)
  })

  it('in the end nothing was lost, nothing is a dead letter, zero differences', async () => {
    expect(await staleLists(rig.stack)).toEqual([])
    expect(await readDeadLetters(rig.stack.ports, {})).toEqual([])
    expect((await engine.status()).topologies.filter(({ fenced }) => fenced > 0)).toEqual([])
    expect(await engine.stop(), engine.output).toBe(0)
    await rig.verified('networks')
  })
})
