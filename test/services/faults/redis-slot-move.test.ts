import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { startRedisCluster } from '../../../cli/services/redis-cluster-service.ts'
import { openRedis, type RedisConnection } from '../../../connectors/redis/connection.ts'
import { RedisListStore } from '../../../connectors/redis/list-store.ts'
import { RedisStateStore } from '../../../connectors/redis/state-store.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import { engineHere } from '../../e2e/engine-here.ts'
import { statefulTopologies } from '../../e2e/stack.ts'
import { moveSlot, slotOf } from '../move-slot.ts'
import { describeWithService } from '../require-service.ts'
import { FaultRig } from './fault-rig.ts'

const partitions = 2

// A cluster of its own, because its slots are moved. The log is the embedded one: nothing here depends on it.
describeWithService('redis-cluster', 'a slot with running tasks moves to another node', () => {
  const rig = new FaultRig()
  let connection: RedisConnection
  let nodes: Redis[] = []

  beforeAll(async () => {
    const cluster = await startRedisCluster(rig.serviceOptions('cluster'))
    for (const each of cluster.processes) rig.closing(() => each.stop())
    nodes = cluster.address.split(',').map((address) => new Redis(`redis://${address}`))
    for (const node of nodes) rig.closing(() => node.disconnect())
    connection = await openRedis(`redis-cluster://${cluster.address}`)
    rig.closing(() => connection.close())
    const config = loadConfig(undefined, { partitions, embedded: { path: ':memory:' }, rewards: { waitMs: 60_000 } })
    const stores = { state: new RedisStateStore(connection), lists: new RedisListStore(connection) }
    await rig.open(config, 16_000, stores)
  })
  afterAll(() => rig.close())

  it('each task in turn while events flow: nothing fails, nothing is refused, zero differences', async () => {
    const { engine, failures } = engineHere(rig.stack)
    rig.closing(() => engine.stop())
    await engine.start()
    const flow = rig.flow()
    let keys = 0
    for (const topology of statefulTopologies) {
      for (let partition = 0; partition < partitions; partition++) {
        const before = await rig.applied(topology)
        await waitUntil(`${topology} works`, async () => (await rig.applied(topology)) > before)
        keys += await moveSlot(nodes, slotOf(`{${topology}.${partition}}`))
        rig.fault('slot of a task moved')
        const after = await rig.applied(topology)
        await waitUntil(`${topology} goes on`, async () => (await rig.applied(topology)) > after)
      }
    }
    await flow.stop()
    await rig.stack.untilCaughtUp()
    expect((await engine.status()).filter(({ state, fenced }) => state !== 'running' || fenced > 0)).toEqual([])
    await engine.stop()
    expect(failures).toEqual([])
    expect(keys).toBeGreaterThan(300)
    console.info(`${keys} keys moved with their slots`)
    await rig.verified('slot moves')
  })
})
