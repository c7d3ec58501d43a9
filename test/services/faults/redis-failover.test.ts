import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { freePort } from '../../../cli/services/free-port.ts'
import { startKafka } from '../../../cli/services/kafka-service.ts'
import { redisCommand, startRedisServer } from '../../../cli/services/redis-service.ts'
import type { ServiceProcess } from '../../../cli/services/service-process.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { describeWithServices } from '../require-service.ts'
import { TcpProxy } from '../tcp-proxy.ts'
import { FaultRig } from './fault-rig.ts'
import { staleLists } from './stale-lists.ts'

const partitions = 2
const topologies = ['user-features', 'item-features', 'recommendations', 'rewards', 'bandit', 'experiments', 'attribution']

/** A primary or replica, and where it listens. */
interface Server {
  readonly port: number
  readonly process: ServiceProcess
}

// The address of the primary is the proxy's, as a virtual IP would be: after a failover it leads to the promoted replica.
describeWithServices(['kafka', 'registry', 'redis'], 'a Redis failover that loses acknowledged writes', ([, registry]) => {
  const rig = new FaultRig()
  let proxy: TcpProxy
  let primary: Server
  let replica: Server
  let engine: EngineProcess
  let servers = 0

  const startServer = async (replicaOf?: number): Promise<Server> => {
    const port = await freePort(0, 'redis')
    const name = `redis-${servers++}`
    const extraArgs = replicaOf === undefined ? [] : ['--replicaof', '127.0.0.1', String(replicaOf)]
    const process = await startRedisServer({ ...rig.serviceOptions(name), name, port, extraArgs })
    rig.closing(() => process.stop())
    return { port, process }
  }
  const startReplica = async () => {
    replica = await startServer(primary.port)
    await waitUntil('the replica follows', async () =>
      (await redisCommand(replica.port, 'INFO replication')).includes('link_status:up'),
    )
  }
  /** The replica stops following: from now on the primary acknowledges what only it holds. */
  const cutReplication = () => redisCommand(replica.port, 'REPLICAOF NO ONE')
  /** Kills the primary and leads its address to the replica. */
  const failOver = async () => {
    process.kill(primary.process.pid, 'SIGKILL')
    await primary.process.stop()
    proxy.port = replica.port
    primary = replica
    rig.fault('primary killed -9 and replaced by a replica that lagged')
  }

  beforeAll(async () => {
    const [kafka] = await Promise.all([
      startKafka(rig.serviceOptions('kafka')),
      (async () => {
        primary = await startServer()
        await startReplica()
      })(),
    ])
    for (const each of kafka.processes) rig.closing(() => each.stop())
    proxy = new TcpProxy(primary.port)
    rig.closing(() => proxy.close())
    const config = loadConfig(undefined, {
      stack: 'distributed',
      partitions,
      kafka: { brokers: [kafka.address] },
      registry: { url: registry },
      redis: { url: `redis://127.0.0.1:${await proxy.listen()}` },
      rewards: { waitMs: 60_000 },
      recommendations: { shedAfterMs: 600_000 },
      inference: { repository: `${rig.folder}/none` },
      log: { level: 'error' },
    })
    await rig.open(config, 16_000)
    engine = await rig.startEngine()
  })
  afterAll(() => rig.close())

  it('under load: state and positions go back together, the engine follows them and replays', async () => {
    await rig.feed(1_500)
    await waitUntil('some is applied', async () => (await rig.applied()) > 500)
    const flow = rig.flow()
    await cutReplication()
    const kept = await rig.applied()
    await waitUntil('the primary alone has acknowledged more', async () => (await rig.applied()) > kept + 500)
    const acknowledged = await rig.applied()
    await failOver()
    const startMs = performance.now()
    await waitUntil('the engine is past what was lost', async () => (await rig.applied().catch(() => 0)) > acknowledged)
    console.info(`past the ${acknowledged - kept} lost records ${Math.round(performance.now() - startMs)} ms after the failover`)
    await flow.stop()
    await rig.stack.untilCaughtUp(60_000, topologies)
  })

  it('in silence: what was lost is replayed though no new event comes', async () => {
    await startReplica()
    await cutReplication()
    await rig.feed(1_000)
    await rig.stack.untilCaughtUp(60_000, topologies)
    const acknowledged = await rig.applied()
    await failOver()
    const lost =
      acknowledged -
      (await (async () => {
        let now = acknowledged
        await waitUntil('the promoted replica answers', async () => {
          now = await rig.applied().catch(() => Number.NaN)
          return Number.isFinite(now)
        })
        return now
      })())
    const startMs = performance.now()
    await rig.stack.untilCaughtUp(30_000, topologies)
    console.info(`${lost} lost records replayed in silence within ${Math.round(performance.now() - startMs)} ms`)
    expect(lost).toBeGreaterThan(0)
  })

  it('in the end all state is the fold of the log, and every person has a list as new as the newest that was ever made', async () => {
    await rig.feed(200)
    await rig.stack.untilCaughtUp(60_000, topologies)
    expect(await staleLists(rig.stack)).toEqual([])
    expect((await engine.status()).topologies.filter(({ state }) => state !== 'running')).toEqual([])
    expect(await engine.stop(), engine.output).toBe(0)
    await rig.verified('Redis failovers')
  })
})
